// What other contexts may use of notifications.
export { webhook } from './webhook.ts'
