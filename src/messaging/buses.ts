// The one list of buses: the app opens from it, the tests run the contract on every entry.
import type { Recorded } from '#kernel/message.ts'
import type { MessageBus } from './message-bus.ts'

export type BusOptions = {
  /** Told when a listener throws; it goes on with the next event. */
  readonly onError?: (error: unknown, subscriber: string, event: Recorded) => void
}
export type Bus = { openBus(options: BusOptions): MessageBus | Promise<MessageBus> }

export const buses = {
  memory: () => import('./memory/open.ts'),
} as const satisfies Record<string, () => Promise<Bus>>
