// The stock ledger: one row per event that changed how much is here or how much of it is promised.
// The sums of its columns over a stock item are the item's quantity and reserved quantity.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'

export type MovementRow = {
  /** The event's position, so that a replay writes the same rows. */
  readonly movement_id: string
  readonly position: number
  readonly product_id: string
  readonly store_id: string
  readonly event_type: string
  readonly quantity_change: number
  readonly reserved_change: number
  /** Of what is on its way here. */
  readonly incoming_change: number
  readonly reason: string | null
  readonly reference: string | null
  readonly reservation_id: string | null
  readonly transfer_id: string | null
  readonly user_id: string | null
  readonly occurred_at: string
  readonly recorded_at: string
}

export const stockMovements = projection<MovementRow>({
  name: 'stock_movements',
  version: 2,
  table: {
    name: 'stock_movements',
    key: 'movement_id',
    columns: {
      movement_id: 'text',
      position: 'int',
      product_id: 'text',
      store_id: 'text',
      event_type: 'text',
      quantity_change: 'quantity',
      reserved_change: 'quantity',
      incoming_change: 'quantity',
      reason: { kind: 'text', nullable: true },
      reference: { kind: 'text', nullable: true },
      reservation_id: { kind: 'text', nullable: true },
      transfer_id: { kind: 'text', nullable: true },
      user_id: { kind: 'text', nullable: true },
      occurred_at: 'instant',
      recorded_at: 'instant',
    },
    indexes: [
      ['position'],
      ['product_id', 'position'],
      ['store_id', 'position'],
      ['event_type', 'position'],
    ],
  },
  on: {
    InventoryCreated: movement(({ quantity }) => ({ quantity_change: quantity })),
    StockAdded: movement(({ quantity, reason, reference }) => ({
      quantity_change: quantity,
      reason,
      reference,
    })),
    InventoryAdjusted: movement(({ adjustment, reason, reference }) => ({
      quantity_change: adjustment,
      reason,
      reference,
    })),
    StockReserved: movement(({ quantity, reservation_id }) => ({
      reserved_change: quantity,
      reservation_id,
    })),
    StockReleased: movement(({ quantity, reservation_id }) => ({
      reserved_change: -quantity,
      reservation_id,
    })),
    ReservationCommitted: movement(({ quantity, reservation_id }) => ({
      quantity_change: -quantity,
      reserved_change: -quantity,
      reservation_id,
    })),
    StockTransferredOut: movement(({ quantity, transfer_id }) => ({
      quantity_change: -quantity,
      transfer_id,
    })),
    StockTransferredIn: movement(({ quantity, settled, transfer_id }) => ({
      quantity_change: quantity,
      incoming_change: settled === 0 ? 0 : -settled,
      transfer_id,
    })),
    IncomingStockChanged: movement(({ change, transfer_id }) => ({
      incoming_change: change,
      transfer_id,
    })),
    // Also where the count found what the book said: somebody has looked.
    StockCounted: movement(({ count_id }) => ({ reason: 'counted', reference: count_id })),
  },
})

const UNMOVED = {
  quantity_change: 0,
  reserved_change: 0,
  incoming_change: 0,
  reason: null,
  reference: null,
  reservation_id: null,
  transfer_id: null,
}

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function movement(change: (data: any) => Partial<MovementRow>): Handler<MovementRow> {
  return {
    keys: ({ position }: Recorded) => [String(position)],
    apply: (_, { position, event_type, data, metadata, occurred_at, timestamp }, movement_id) => ({
      ...UNMOVED,
      movement_id,
      position,
      product_id: data.product_id,
      store_id: data.store_id,
      event_type,
      ...change(data),
      user_id: metadata.user_id ?? null,
      occurred_at,
      recorded_at: timestamp,
    }),
  }
}
