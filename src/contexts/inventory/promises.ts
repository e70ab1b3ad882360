// What each open reservation holds of a stock item: one row per reservation and item, so that it is
// known whose goods are not there, when something took what was promised.
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import { stockKey } from './stock.ts'
import type { Place } from './stock-changes.ts'

export type PromiseRow = {
  /** `<reservation_id>:<product_id>:<store_id>` */
  readonly promise_id: string
  readonly reservation_id: string
  readonly product_id: string
  readonly store_id: string
  readonly held_quantity: number
  /** What of that was not here when it was promised, and has not come since. */
  readonly backordered_quantity: number
  readonly since: string
  /** When it was promised first: the position of the event that made it. */
  readonly position: number
}

export const promises = projection<PromiseRow>({
  name: 'promises',
  version: 1,
  table: {
    name: 'promises',
    key: 'promise_id',
    columns: {
      promise_id: 'text',
      reservation_id: 'text',
      product_id: 'text',
      store_id: 'text',
      held_quantity: 'quantity',
      backordered_quantity: 'quantity',
      since: 'instant',
      position: 'int',
    },
    indexes: [['product_id', 'store_id', 'position']],
  },
  on: {
    StockReserved: {
      keys: ({ data }) => [keyOf(data, data)],
      // More for the same reservation: it was promised with its first.
      apply: (row, { data, occurred_at, position }, promise_id) => ({
        promise_id,
        reservation_id: data.reservation_id,
        product_id: data.product_id,
        store_id: data.store_id,
        held_quantity: (row?.held_quantity ?? 0) + data.quantity,
        backordered_quantity: (row?.backordered_quantity ?? 0) + (data.backordered ?? 0),
        since: row?.since ?? occurred_at,
        position: row?.position ?? position,
      }),
    },
    StockReleased: {
      keys: ({ data }) => [keyOf(data, data)],
      apply: (row, { data: { quantity, backordered = 0 } }) => lessened(row, quantity, backordered),
    },
    ReservationCommitted: {
      keys: ({ data }) => [keyOf(data, data)],
      apply: (row, { data: { quantity } }) => lessened(row, quantity, 0),
    },
    BackordersFilled: {
      keys: ({ data }: Recorded<Filled>) => [
        ...new Set(data.lines.map((line) => keyOf(data, line))),
      ],
      apply: (row, { data }: Recorded<Filled>) => {
        const come = data.lines.filter((line) => line.reservation_id === row?.reservation_id)
        return lessened(
          row,
          0,
          come.reduce((sum, { quantity }) => sum + quantity, 0),
        )
      },
    },
  },
  sources: (key) => [`stock-${key.slice(key.indexOf(':') + 1)}`],
})

type Held = { readonly reservation_id: string; readonly quantity: number }
type Filled = Place & { readonly lines: readonly Held[] }

const keyOf = ({ product_id, store_id }: Place, { reservation_id }: Pick<Held, 'reservation_id'>) =>
  `${reservation_id}:${stockKey(product_id, store_id)}`

function lessened(
  row: PromiseRow | undefined,
  gone: number,
  backordered: number,
): PromiseRow | null {
  if (row === undefined) throw new Error('a promise that was never made has changed')
  const held_quantity = row.held_quantity - gone
  const backordered_quantity = row.backordered_quantity - backordered
  return held_quantity > 0 ? { ...row, held_quantity, backordered_quantity } : null
}
