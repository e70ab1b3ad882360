// The door of the context: what others may know of returns.
export { returned } from './return.ts'
export type { ReturnReceived, ReturnRecorded } from './return-events.ts'
