// The door of the context: what others may know of returns.
export type { ReturnRecorded } from './return.ts'
export { returned } from './return.ts'
