// A till: the numbers that it has given, and the cash session that is open at it. Stream:
// register-<store_id>:<register_id>. Every sale and refund of the register writes here, so that a
// number is given in the append that records the sale: no two are the same, and none is missing.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  money,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { inCash } from './sale.ts'
import { cashier, currency, NUMBER_MAX, reason, TENDERS_MAX, tender } from './sale-fields.ts'

export type Session = {
  readonly session_id: string
  readonly currency: string
  /** What should be in the drawer, of the session's currency. */
  readonly expected_minor: number
  readonly movements: number
  readonly opened_at: string
}
type Counter = { readonly entry: string; readonly series: string; readonly last: number }
export type Register = {
  /** The last number of each series; the newest series last. */
  readonly counters: readonly Counter[]
  /** null: none is open. */
  readonly session: Session | null
}

/**
 * Series that are remembered: days whose numbers may still go on when clocks disagree. Of sales and
 * of refunds, so that days of selling do not push out a series of refunds that no day ends.
 */
const SERIES_MAX = 40

export const registerKey = (store_id: string, register_id: string) => `${store_id}:${register_id}`

const where = { store_id: id(), register_id: id() }
const session = { session_id: id(), ...where, currency }

const registerEvents = eventTypes({
  /** A sale or a refund was booked here, under this number. */
  RegisterEntryMade: {
    data: object({
      ...where,
      entry: oneOf(['sale', 'refund']),
      /** Of the sale or the refund. */
      document_id: id(),
      document_number: text({ max: NUMBER_MAX }),
      series: text({ max: NUMBER_MAX }),
      number: integer({ min: 1 }),
      currency,
      /** What came in; what went out is negative. */
      tenders: list(tender, { max: TENDERS_MAX }),
      /** null: no cash session was open. */
      session_id: nullable(id()),
    }),
  },
  CashSessionOpened: {
    data: object({ ...session, float_minor: money(), user_id: cashier, opened_at: instant() }),
  },
  CashMoved: {
    data: object({
      ...session,
      /** Into the drawer; out of it is negative. */
      amount_minor: money(),
      /** Whose account it was paid into, or paid out of. */
      customer_id: optional(nullable(id())),
      reason: text(),
      user_id: cashier,
      moved_at: instant(),
    }),
  },
  CashSessionClosed: {
    data: object({
      ...session,
      expected_minor: money(),
      counted_minor: money(),
      /** Counted less expected. */
      difference_minor: money(),
      reason,
      user_id: cashier,
      closed_at: instant(),
    }),
  },
  /** The drawer was not as it should have been: somebody's to look into. */
  CashDifferenceFound: {
    data: object({
      ...session,
      difference_minor: money(),
      is_short: flag(),
      user_id: cashier,
    }),
  },
})

export const register = aggregate({
  type: 'register',
  state_version: 3,
  events: registerEvents,
  initial: { counters: [], session: null } as Register,
  evolve: {
    RegisterEntryMade: (state, data): Register => {
      const { entry, series, number, currency, tenders, session_id } = data
      const counters = counted(state.counters, { entry, series, last: number })
      const { session } = state
      const counts = session?.session_id === session_id && session.currency === currency
      if (!counts) return { counters, session }
      const expected_minor = session.expected_minor + inCash(tenders)
      return { counters, session: { ...session, expected_minor } }
    },
    CashSessionOpened: (state, { session_id, currency, float_minor, opened_at }): Register => ({
      ...state,
      session: { session_id, currency, expected_minor: float_minor, movements: 0, opened_at },
    }),
    CashMoved: (state, { amount_minor }): Register => {
      const { session } = state
      if (session === null) throw new Error('cash was moved where no session is open')
      return {
        ...state,
        session: {
          ...session,
          expected_minor: session.expected_minor + amount_minor,
          movements: session.movements + 1,
        },
      }
    },
    CashSessionClosed: (state): Register => ({ ...state, session: null }),
    CashDifferenceFound: (state) => state,
  },
})

/** With this one the newest; the oldest of its kind goes when there are too many. */
function counted(counters: readonly Counter[], newest: Counter): readonly Counter[] {
  const all = [...counters.filter(({ series }) => series !== newest.series), newest]
  const ofKind = all.filter(({ entry }) => entry === newest.entry)
  const forgotten = ofKind.length > SERIES_MAX ? ofKind[0] : undefined
  return all.filter((each) => each !== forgotten)
}
