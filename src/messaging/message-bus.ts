// Events to whoever listens, in commit order, at least once. The log feeds it: a relay reads from
// its checkpoint, so there is no second write to lose. Every bus must pass message-bus.contract.ts.
import type { Recorded } from '#kernel/message.ts'

export type MessageBus = {
  publish(events: readonly Recorded[]): Promise<void>
  /**
   * Hears every event published from now on. A listener that throws is told about and goes on; one
   * that holds up everybody else for long is told about and cut off.
   */
  subscribe(name: string, listener: Listener): Subscription
  close(): Promise<void>
}
export type Listener = (event: Recorded) => void | Promise<void>
export type Subscription = { stop(): void }
