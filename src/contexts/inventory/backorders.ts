// What was promised while it was not there, and has not come yet: one row per reservation and stock
// item, the oldest first in line.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { stockKey } from './stock.ts'
import type { Place } from './stock-changes.ts'

export type BackorderRow = {
  /** `<reservation_id>:<product_id>:<store_id>` */
  readonly backorder_id: string
  readonly reservation_id: string
  readonly product_id: string
  readonly store_id: string
  /** What the reservation took of it in all, what of that was not here, and what still is not. */
  readonly reserved_quantity: number
  readonly backordered_quantity: number
  readonly open_quantity: number
  readonly since: string
  /** Its place in line: the position of the event that made it. */
  readonly position: number
}

export const backorders = projection<BackorderRow>({
  name: 'backorders',
  version: 1,
  table: {
    name: 'backorders',
    key: 'backorder_id',
    columns: {
      backorder_id: 'text',
      reservation_id: 'text',
      product_id: 'text',
      store_id: 'text',
      reserved_quantity: 'quantity',
      backordered_quantity: 'quantity',
      open_quantity: 'quantity',
      since: 'instant',
      position: 'int',
    },
    indexes: [
      ['position'],
      ['product_id', 'position'],
      ['store_id', 'position'],
      ['reservation_id'],
    ],
  },
  on: {
    StockReserved: {
      keys: ({ data }) => ((data.backordered ?? 0) > 0 ? keysOf(data, [data]) : []),
      // More for the same reservation: it has waited since its first.
      apply: (row, { data, occurred_at, position }, backorder_id) => ({
        backorder_id,
        reservation_id: data.reservation_id,
        product_id: data.product_id,
        store_id: data.store_id,
        reserved_quantity: (row?.reserved_quantity ?? 0) + data.quantity,
        backordered_quantity: (row?.backordered_quantity ?? 0) + data.backordered,
        open_quantity: (row?.open_quantity ?? 0) + data.backordered,
        since: row?.since ?? occurred_at,
        position: row?.position ?? position,
      }),
    },
    // What had not come is given up first, so a row that is left has lost nothing else.
    StockReleased: lessened(
      ({ backordered = 0, reservation_id }) =>
        backordered > 0 ? [{ reservation_id, quantity: backordered }] : [],
      'given up',
    ),
    BackordersFilled: lessened(({ lines }) => lines),
  },
  sources: (key) => [`stock-${key.slice(key.indexOf(':') + 1)}`],
})

type Part = { readonly reservation_id: string; readonly quantity: number }

const keysOf = (
  { product_id, store_id }: Place,
  parts: readonly Pick<Part, 'reservation_id'>[],
): readonly string[] => [
  ...new Set(
    parts.map(({ reservation_id }) => `${reservation_id}:${stockKey(product_id, store_id)}`),
  ),
]

function lessened(
  // biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
  by: (data: any) => readonly Part[],
  how: 'come' | 'given up' = 'come',
): Handler<BackorderRow> {
  return {
    keys: ({ data }: Recorded<Place>) => keysOf(data, by(data)),
    apply: (row, { data }) => {
      if (row === undefined) throw new Error('a backorder that was never made has changed')
      const gone = by(data).reduce(
        (sum, part) => sum + (part.reservation_id === row.reservation_id ? part.quantity : 0),
        0,
      )
      const open_quantity = row.open_quantity - gone
      const reserved_quantity = row.reserved_quantity - (how === 'come' ? 0 : gone)
      return open_quantity > 0 ? { ...row, open_quantity, reserved_quantity } : null
    },
  }
}
