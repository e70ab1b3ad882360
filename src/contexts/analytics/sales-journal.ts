// Every amount that was booked to a business day, and when it was written down: from it a day is
// told as it was known at a moment, before what came later. One row an event, none ever changes.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection, type Row } from '#kernel/projection.ts'
import { bookingOf, TRADE } from './booking.ts'
import { countsOf, sumOf } from './counts.ts'

export type JournalRow = Row & {
  /** The event's position, so that a replay writes the same rows. */
  readonly entry_id: string
  readonly recorded_at: string
  readonly event_type: string
  readonly business_day: string
  readonly booked_at: string
  readonly store_id: string
  readonly channel: string
  readonly currency: string
  readonly customer_id: string | null
  /** Of the order, the sale, the refund or the return. */
  readonly document_id: string
  /** null: the event does not tell it. */
  readonly number: string | null
  readonly orders: number
  readonly total_amount_minor: number
  readonly returns: number
  readonly returned_minor: number
}

export const salesJournal = projection<JournalRow>({
  name: 'sales_journal',
  version: 2,
  table: {
    name: 'sales_journal',
    key: 'entry_id',
    columns: {
      entry_id: 'text',
      recorded_at: 'instant',
      event_type: 'text',
      business_day: 'day',
      booked_at: 'instant',
      store_id: 'text',
      channel: 'text',
      currency: 'text',
      customer_id: { kind: 'text', nullable: true },
      document_id: 'text',
      number: { kind: 'text', nullable: true },
      orders: 'int',
      total_amount_minor: 'money',
      returns: 'int',
      returned_minor: 'money',
    },
    indexes: [['business_day', 'booked_at']],
  },
  on: Object.fromEntries(TRADE.map((type) => [type, entry()])),
})

function entry(): Handler<JournalRow> {
  return {
    keys: (event) => (bookingOf(event) === null ? [] : [String(event.position)]),
    apply(_, event, entry_id) {
      const booking = bookingOf(event)
      if (booking === null) return undefined
      const { day, at, store_id, channel, currency, customer_id, sides } = booking
      const { orders, total_amount_minor, returns, returned_minor } = sides
        .map(countsOf)
        .reduce(sumOf)
      return {
        entry_id,
        recorded_at: event.timestamp,
        event_type: event.event_type,
        business_day: day,
        booked_at: at,
        ...{ store_id, channel, currency, customer_id },
        ...documentOf(event),
        ...{ orders, total_amount_minor, returns, returned_minor },
      }
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the events name their documents differently
function documentOf({ data, aggregate_id }: Recorded<any>) {
  const number = data.refund_number ?? data.sale_number ?? data.order_number ?? data.reference
  return { document_id: aggregate_id, number: number ?? null }
}
