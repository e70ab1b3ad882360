// Questions about reservations.
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, nowOrThen, pageAnswer } from '#kernel/listing.ts'
import type { Row } from '#kernel/projection.ts'
import { type Query, query, type Reader } from '#kernel/query.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
} from '#kernel/schema.ts'
import { productRows } from './product-rows.ts'
import { type Line, RESERVATION_STATUSES } from './reservation.ts'
import { reservationsOpen } from './reservations-open.ts'

const lines = list(
  object({ product_id: id(), store_id: id(), quantity: quantity(), quantity_scale: integer() }),
)
const answer = object({
  reservation_id: id(),
  order_id: nullable(id()),
  status: oneOf(RESERVATION_STATUSES),
  lines,
  held_lines: lines,
  expires_at: nullable(instant()),
  created_at: instant(),
  updated_at: instant(),
  version: integer(),
  stale: optional(flag()),
})
const tag = 'reservations'
const path = '/api/v1/inventory/reservations'

const getReservation = query({
  type: 'GetReservation',
  input: object({ reservation_id: id(), ...asOfFields }),
  run: async (input, reader) => {
    const row = await nowOrThen(reader, reservationsOpen, input.reservation_id, input)
    return row === null ? null : (await withScales(reader, [row]))[0]
  },
  answer,
  route: {
    method: 'GET',
    path: `${path}/:reservation_id`,
    aliases: ['/inventory/reservations/:reservation_id'],
    tag,
    summary: 'A reservation: what it holds, until when, and what became of it',
  },
})

const offered = listOf(reservationsOpen, {
  filters: ['status', 'expires_at', 'created_at', 'updated_at'],
  sort: ['created_at', 'updated_at', 'expires_at', 'status'],
  standard: ['-created_at'],
})

const listReservations = query({
  type: 'ListReservations',
  input: object({
    status: optional(oneOf(RESERVATION_STATUSES)),
    order_id: optional(id()),
    ...offered.fields,
  }),
  run: async ({ status, order_id, ...input }, reader) => {
    const page = await offered.page(reader, input, { status, order_id })
    return { ...page, items: await withScales(reader, page.items) }
  },
  answer: pageAnswer(answer),
  route: {
    method: 'GET',
    path,
    aliases: ['/inventory/reservations'],
    tag,
    summary: 'Reservations, the newest first',
  },
})

export const reservationQueries: readonly Query[] = [getReservation, listReservations]

/** How finely each product is counted is not in the row; it never changes. */
async function withScales(reader: Reader, rows: readonly Row[]): Promise<readonly Row[]> {
  // The column holds what InventoryReserved says.
  const linesOf = (row: Row) => row.lines as readonly Line[]
  const ids = rows.flatMap((row) => linesOf(row).map(({ product_id }) => product_id))
  const products = await productRows(reader, ids)
  const scaled = (lines: readonly Line[]) =>
    lines.map((line) => ({
      ...line,
      quantity_scale: Number(products.get(line.product_id)?.quantity_scale ?? 0),
    }))
  return rows.map((row) => ({
    ...row,
    lines: scaled(linesOf(row)),
    held_lines: scaled(row.held_lines as readonly Line[]),
  }))
}
