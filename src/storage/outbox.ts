// What goes out to others: how far each subscription has read the log, and what became of each
// delivery. The log is the outbox's content; this only keeps the marks, apart from the read models,
// so that no rebuild moves them. Every engine must pass outbox.contract.ts.
import type { Instant } from '#kernel/message.ts'

export type Outbox = {
  /** Where the log ended when this outbox met it first: the answer is the same ever after. */
  firstMet(position: number): Promise<number>
  /** By name. */
  subscriptions(): Promise<readonly Subscription[]>
  /**
   * Begins a subscription or moves it, and takes on deliveries: all or nothing. False, and nothing
   * is changed, unless it stands exactly at `from`. Moved back, it forgets the deliveries behind
   * its place: they are taken on again. Whatever was taken on before is not taken on twice.
   */
  move(move: Move): Promise<boolean>
  /** The first pending delivery of each stream, where it is due; by position. */
  due(subscription: string, now: Instant, limit: number): Promise<readonly Delivery[]>
  /**
   * What became of an attempt. Null, and nothing is changed, unless the delivery is pending after
   * as many attempts as `after` says; else how many were given up since the last that was taken.
   */
  record(attempt: Attempt): Promise<number | null>
  /** Newest first. */
  deliveries(query: DeliveryQuery): Promise<readonly Delivery[]>
  /** The subscription and all its deliveries. */
  drop(subscription: string): Promise<void>
  /** Removes deliveries that were settled before this; the number removed, at most `limit`. */
  prune(before: Instant, limit: number): Promise<number>
  close(): Promise<void>
}

/** `seen`: the version of the subscriber's own settings that was heeded last. */
export type Mark = { readonly position: number; readonly seen: number }
export type Subscription = Mark & {
  readonly name: string
  readonly pending: number
  readonly dead: number
  /** Deliveries given up since the last that was taken, or since its settings changed. */
  readonly given_up: number
}
export type Move = {
  readonly subscription: string
  /** Null: it begins. */
  readonly from: Mark | null
  readonly to: Mark
  readonly at: Instant
  readonly deliveries?: readonly NewDelivery[]
  /** Deliveries, by their event, that become pending again with all their attempts before them. */
  readonly again?: readonly string[]
}
export type NewDelivery = {
  readonly position: number
  readonly event_id: string
  readonly event_type: string
  /** Deliveries of one stream go out one after the other. */
  readonly stream: string
}

export type DeliveryStatus = 'pending' | 'delivered' | 'dead' | 'skipped'
export type Delivery = NewDelivery & {
  readonly subscription: string
  readonly status: DeliveryStatus
  readonly attempts: number
  readonly taken_at: Instant
  /** While it is pending. */
  readonly next_attempt_at: Instant
  /** Null while it is pending. */
  readonly settled_at: Instant | null
  /** What the other side said at the last attempt, as a number. */
  readonly last_status: number | null
  readonly last_error: string | null
}
export type Attempt = Pick<Delivery, 'subscription' | 'position' | 'last_status' | 'last_error'> & {
  /** The attempts before this one. */
  readonly after: number
  readonly at: Instant
  readonly status: DeliveryStatus
  /** Where it is to be tried again. */
  readonly next_attempt_at?: Instant
}
export type DeliveryQuery = {
  readonly subscription: string
  readonly status?: DeliveryStatus
  readonly event_id?: string
  /** Only those of events before this position. */
  readonly before?: number
  readonly limit: number
}
