// What an event of trade adds to the shop's numbers: on which day, where, in which channel, of
// what. One reading for all tables of numbers, so that they cannot disagree. Pure.
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Recorded } from '#kernel/message.ts'

export const CHANNELS = ['online', 'pos'] as const
export type Channel = (typeof CHANNELS)[number]

export type BookedLine = {
  readonly product_id: string | null
  readonly code: string
  readonly department_id: string | null
  readonly quantity: number
  readonly quantity_scale: number
  readonly amount_minor: number
  readonly net_minor: number
  readonly tax_minor: number
  readonly discount_minor: number
}

/** Lines that are added to what was sold or to what came back, or are taken off it again. */
export type Side = {
  readonly as: 'sold' | 'returned'
  readonly sign: 1 | -1
  /** What each group of lines counts as orders or returns: 1, -1 for one taken back, 0. */
  readonly count: 1 | 0 | -1
  readonly lines: readonly BookedLine[]
  /** Absent: the booking's. An order may go to another country before it is paid. */
  readonly country?: string | null
  /** Lines that are taken off an order while these goods stay on it: those count on. */
  readonly left?: readonly Goods[]
}
export type Goods = Pick<BookedLine, 'product_id' | 'code' | 'department_id'>

export type Booking = {
  /** By the calendar of the store, decided when it was written. */
  readonly day: string
  /** When it was ordered, bought or brought back. */
  readonly at: string
  readonly store_id: string
  readonly channel: Channel
  readonly currency: string
  readonly country: string | null
  readonly customer_id: string | null
  readonly sides: readonly Side[]
}

/** What is read of events; what older ones lack has its meaning in `lineOf` and `bookedAs`. */
type ToldLine = {
  readonly product_id: string | null
  readonly code: string
  readonly department_id?: string | null
  readonly quantity: number
  readonly quantity_scale: number
  readonly amount_minor: number
  readonly net_minor?: number
  readonly tax_minor?: number
  readonly discount_minor?: number
}
export type Told = {
  readonly customer_id: string | null
  readonly country?: string | null
  readonly previous_country?: string | null
  readonly currency: string
  readonly store_id?: string | null
  readonly business_day?: string
  readonly placed_at?: string
  readonly completed_at?: string
  readonly received_at?: string
  readonly refunded_at?: string
  readonly lines?: readonly ToldLine[]
  readonly previous_lines?: readonly ToldLine[]
  readonly left?: readonly Goods[]
}

type Reading = (event: Recorded<Told>) => Booking | null

const READINGS = {
  OrderCreated: booked('online', ({ lines }) => [sold(1, lines)]),
  // Only a change of its items changes what was sold.
  OrderUpdated: booked('online', ({ lines, previous_lines, previous_country }) =>
    lines === undefined
      ? null
      : [
          {
            ...sold(-1, previous_lines),
            ...(previous_country === undefined ? {} : { country: previous_country }),
          },
          sold(1, lines),
        ],
  ),
  // The day is the order's: what is cancelled leaves nothing behind, on the day it was placed.
  OrderCancelled: booked('online', ({ lines }) => [sold(-1, lines)]),
  OrderLinesCancelled: booked('online', ({ lines, left }) => [
    { ...sold(-1, lines), count: 0, ...(left === undefined ? {} : { left }) },
  ]),
  ReturnReceived: booked('online', ({ lines }) => [returned(-1, lines)]),
  // Another book's credit note, signed as it stands there.
  ReturnRecorded: booked('online', ({ lines }) => [returned(1, lines)]),
  SaleCompleted: booked('pos', ({ lines }) => [sold(1, lines)]),
  SaleRefunded: booked('pos', ({ lines }) => [returned(-1, lines)]),
} satisfies Readonly<Record<string, Reading>>

/** The events that sell or bring back. */
export const TRADE = Object.keys(READINGS)

// Every table of numbers asks it once for the keys and again for each key.
const known = new WeakMap<object, Booking | null>()

/** null: nothing was sold or came back. */
export function bookingOf(event: Recorded): Booking | null {
  const before = known.get(event)
  if (before !== undefined) return before
  const booking =
    (READINGS as Readonly<Record<string, Reading>>)[event.event_type]?.(event as Recorded<Told>) ??
    null
  known.set(event, booking)
  return booking
}

function booked(channel: Channel, sidesOf: (data: Told) => readonly Side[] | null): Reading {
  return (event) => {
    const { data, occurred_at } = event
    const sides = sidesOf(data)
    if (sides === null) return null
    const { business_day, store_id, country, currency, customer_id } = data
    // Whoever decided told when; the log's own clock is a little later.
    const { placed_at, completed_at, received_at, refunded_at } = data
    const at = placed_at ?? completed_at ?? received_at ?? refunded_at ?? occurred_at
    return {
      day: business_day ?? at.slice(0, 10),
      at,
      store_id: store_id ?? MAIN_STORE_ID,
      channel,
      currency,
      country: country ?? null,
      customer_id,
      sides,
    }
  }
}

const sold = (sign: 1 | -1, lines: readonly ToldLine[] = []): Side => ({
  as: 'sold',
  sign,
  count: sign,
  lines: lines.map(lineOf),
})
const returned = (sign: 1 | -1, lines: readonly ToldLine[] = []): Side => ({
  as: 'returned',
  sign,
  count: 1,
  lines: lines.map(lineOf),
})

function lineOf(line: ToldLine): BookedLine {
  const { product_id, code, quantity, quantity_scale, amount_minor } = line
  return {
    product_id,
    code,
    department_id: line.department_id ?? null,
    quantity,
    quantity_scale,
    amount_minor,
    net_minor: line.net_minor ?? amount_minor,
    tax_minor: line.tax_minor ?? 0,
    discount_minor: line.discount_minor ?? 0,
  }
}

/** What the numbers call a product; one that nobody knows an id of goes by its code. */
export const productKeyOf = ({ product_id, code }: Goods): string => product_id ?? `code:${code}`

/** The side's lines by what they are of; lines that are taken off count where none stay. */
export function groupsOf(
  side: Side,
  keyOf: (goods: Goods) => string,
): readonly (readonly [string, Side])[] {
  const { left } = side
  return [...Map.groupBy(side.lines, keyOf)].map(([key, lines]) => {
    if (left === undefined) return [key, { ...side, lines }]
    const stays = left.some((goods) => keyOf(goods) === key)
    return [key, { ...side, count: stays ? 0 : side.sign, lines }]
  })
}
