// Reserving by hand: one line or many, all or nothing. Orders reserve in their own decision.
import { amountReader, hasErrors, product } from '#contexts/catalog/public.ts'
import { store } from '#contexts/stores/public.ts'
import {
  accept,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  type Ref,
  type Rejected,
  type Write,
} from '#kernel/decider.ts'
import { later } from '#kernel/instants.ts'
import { decimal, integer, list, object, optional, uuid } from '#kernel/schema.ts'
import { type Line, reservation } from './reservation.ts'
import { reservationAnswered, reservedAnswer, scaledLines } from './reservation-answer.ts'
import { reserveLines, stockRefs, summed } from './reserving.ts'
import { openPlace, placeFields, placeOf } from './stock-place.ts'

export const LINES_PER_REQUEST_MAX = 1_000
/** A hold that lasts longer than this should have no limit at all. */
const TTL_MAX_SECONDS = 31 * 86_400

export const lineFields = { ...placeFields, quantity: decimal({ signed: true }) }
const line = object(lineFields)
type WantedLine = {
  readonly product_id: string
  readonly store_id?: string
  readonly quantity: string
}

const ttl = {
  ttl_seconds: optional(
    integer({ min: 1, max: TTL_MAX_SECONDS, description: 'Absent: no time limit.' }),
  ),
}
const reservation_id = optional(uuid())
const tag = 'reservations'

const reserveStock = command({
  type: 'ReserveStock',
  input: object({ reservation_id, ...lineFields, ...ttl }),
  creates: 'reservation_id',
  reads: (input) => refsOf(input.reservation_id!, [input]),
  decide: ({ reservation_id, ttl_seconds, ...only }, given, moment) =>
    reserved({ reservation_id: reservation_id!, lines: [['', only]], ttl_seconds }, given, moment),
  answer: reservedAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/inventory/stock/reserve',
    aliases: ['/inventory/stock/reserve'],
    status: 201,
    tag,
    summary: 'Reserve one product in one store',
  },
})

const reserveInventory = command({
  type: 'ReserveInventory',
  input: object({
    reservation_id,
    lines: list(line, { min: 1, max: LINES_PER_REQUEST_MAX }),
    ...ttl,
  }),
  creates: 'reservation_id',
  reads: ({ reservation_id, lines }) => refsOf(reservation_id!, lines),
  decide: ({ reservation_id, lines, ttl_seconds }, given, moment) =>
    reserved(
      {
        reservation_id: reservation_id!,
        lines: lines.map((line, i) => [`lines.${i}.`, line]),
        ttl_seconds,
      },
      given,
      moment,
    ),
  answer: reservedAnswer,
  route: {
    method: 'POST',
    path: '/api/v1/inventory/reservations',
    aliases: ['/inventory/reservations'],
    status: 201,
    tag,
    summary: 'Reserve several lines, all or none',
  },
})

export const reserveCommands: readonly Command[] = [reserveStock, reserveInventory]

function refsOf(reservation_id: string, wanted: readonly WantedLine[]): readonly Ref[] {
  const places = wanted.map(placeOf)
  const distinct = (values: readonly string[]) => [...new Set(values)]
  return [
    reservation.at(reservation_id),
    ...stockRefs(places),
    ...distinct(places.map(({ product_id }) => product_id)).map((id) => product.seen(id)),
    ...distinct(places.map(({ store_id }) => store_id)).map((id) => store.seen(id)),
  ]
}

type Wanted = {
  readonly reservation_id: string
  /** Each with the prefix of its fields' names. */
  readonly lines: readonly (readonly [string, WantedLine])[]
  readonly ttl_seconds: number | undefined
}

function reserved(
  { reservation_id, lines, ttl_seconds }: Wanted,
  given: Given,
  moment: Moment,
): Decision {
  const read = linesRead(lines, given, moment)
  if ('rejected' in read) return read
  const expires_at = ttl_seconds === undefined ? null : later(moment.now, ttl_seconds * 1_000)
  const made = { reservation_id, order_id: null, lines: read.lines, expires_at }
  const decided = reserveLines(given, made)
  if ('rejected' in decided) return decided
  const held = { ...made, lines: summed(read.lines), status: 'ACTIVE' } as const
  return accept([...decided.writes, ...read.writes], {
    ...reservationAnswered(given, reservation_id, held),
    backordered: scaledLines(given, decided.backordered),
  })
}

type Read = { readonly lines: readonly Line[]; readonly writes: readonly Write[] }

function linesRead(lines: Wanted['lines'], given: Given, moment: Moment): Read | Rejected {
  const reader = amountReader()
  const read: Line[] = []
  const stores = new Map<string, readonly Write[]>()
  for (const [prefix, wanted] of lines) {
    const place = placeOf(wanted)
    const open = openPlace(given, moment, place)
    if ('rejected' in open) return open
    // Two lines may name the same new store; it is created once.
    stores.set(place.store_id, open.writes)
    const { quantity_scale } = open.product
    const quantity = reader.positive(`${prefix}quantity`, wanted.quantity, quantity_scale)
    read.push({ ...place, quantity })
  }
  if (hasErrors(reader.errors)) return invalid(reader.errors)
  return { lines: read, writes: [...stores.values()].flat() }
}
