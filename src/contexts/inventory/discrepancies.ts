// The work list of discrepancies: what has to be looked at, and what was done about it.
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import type { ACTIONS, DISCREPANCY_KINDS, DISCREPANCY_STATUSES } from './discrepancy.ts'

export type DiscrepancyRow = {
  readonly discrepancy_id: string
  readonly status: (typeof DISCREPANCY_STATUSES)[number]
  readonly kind: (typeof DISCREPANCY_KINDS)[number]
  readonly product_id: string
  readonly store_id: string
  readonly missing_quantity: number
  /** As they were right after it. */
  readonly quantity: number
  readonly available_quantity: number
  readonly quantity_scale: number
  readonly reason: string
  readonly reference: string | null
  readonly action: (typeof ACTIONS)[number] | null
  readonly note: string | null
  readonly resolved_by: string | null
  readonly resolved_at: string | null
  readonly happened_at: string
  readonly detected_at: string
  readonly version: number
}

export const discrepancies = projection<DiscrepancyRow>({
  name: 'discrepancies',
  version: 1,
  table: {
    name: 'discrepancies',
    key: 'discrepancy_id',
    columns: {
      discrepancy_id: 'text',
      status: 'text',
      kind: 'text',
      product_id: 'text',
      store_id: 'text',
      missing_quantity: 'quantity',
      quantity: 'quantity',
      available_quantity: 'quantity',
      quantity_scale: 'int',
      reason: 'text',
      reference: { kind: 'text', nullable: true },
      action: { kind: 'text', nullable: true },
      note: { kind: 'text', nullable: true },
      resolved_by: { kind: 'text', nullable: true },
      resolved_at: { kind: 'instant', nullable: true },
      happened_at: 'instant',
      detected_at: 'instant',
      version: 'int',
    },
    indexes: [['detected_at'], ['status', 'detected_at'], ['product_id'], ['store_id']],
  },
  on: {
    StockDiscrepancyDetected: {
      keys: discrepancyOf,
      apply: (_, { data: { missing, ...data }, timestamp, version }) => ({
        ...data,
        missing_quantity: missing,
        status: 'OPEN',
        action: null,
        note: null,
        resolved_by: null,
        resolved_at: null,
        detected_at: timestamp,
        version,
      }),
    },
    StockDiscrepancyResolved: {
      keys: discrepancyOf,
      apply: (row, { data: { action, note, resolved_by }, timestamp, version }) => {
        if (row === undefined) throw new Error('a discrepancy that nobody found was resolved')
        const resolved_at = timestamp
        return { ...row, status: 'RESOLVED', action, note, resolved_by, resolved_at, version }
      },
    },
  },
  sources: (key) => [`discrepancy-${key}`],
})

function discrepancyOf({ data }: Recorded<{ discrepancy_id: string }>): readonly string[] {
  return [data.discrepancy_id]
}
