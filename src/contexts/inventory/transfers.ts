// Transfers as they are shown: one row each, with what of each line has come.
import { evolve } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { type TransferState, transfer } from './transfer.ts'

export type TransferRow = TransferState & {
  readonly transfer_id: string
  readonly started_at: string
  readonly updated_at: string
  readonly version: number
}

/** A row is the transfer's state, and when it came to it. */
const folded: Handler<TransferRow> = {
  keys: ({ data }: Recorded<{ transfer_id: string }>) => [data.transfer_id],
  apply: (row, event, transfer_id) => {
    const state = evolve(transfer, row ?? null, event)
    if (state === null) return undefined
    const { occurred_at, timestamp, version } = event
    const started_at = row?.started_at ?? occurred_at
    return { ...state, transfer_id, started_at, updated_at: timestamp, version }
  },
}

export const transfers = projection<TransferRow>({
  name: 'transfers',
  version: 1,
  table: {
    name: 'transfers',
    key: 'transfer_id',
    columns: {
      transfer_id: 'text',
      status: 'text',
      from_store_id: 'text',
      to_store_id: 'text',
      reference: { kind: 'text', nullable: true },
      lines: 'json',
      started_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [
      ['started_at'],
      ['status', 'started_at'],
      ['from_store_id', 'started_at'],
      ['to_store_id', 'started_at'],
    ],
  },
  on: {
    TransferStarted: folded,
    TransferReceived: folded,
    TransferCancelled: folded,
  },
  sources: (key) => [`transfer-${key}`],
})
