// Transfers as they are shown: one row each, with what of each line has come.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { type TransferState, transfer } from './transfer.ts'

export type TransferRow = TransferState & {
  readonly transfer_id: string
  readonly started_at: string
  readonly updated_at: string
  readonly version: number
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
    TransferStarted: as('TransferStarted'),
    TransferReceived: as('TransferReceived'),
    TransferCancelled: as('TransferCancelled'),
  },
  sources: (key) => [`transfer-${key}`],
})

/** A row is the transfer's state, and when it came to it. */
function as(type: keyof typeof transfer.events): Handler<TransferRow> {
  return {
    keys: ({ data }: Recorded<{ transfer_id: string }>) => [data.transfer_id],
    apply: (row, event, transfer_id) => {
      const state = transfer.evolve[type](row ?? null, event.data as never, event)
      if (state === null) return undefined
      const { occurred_at, timestamp, version } = event
      const started_at = row?.started_at ?? occurred_at
      return { ...state, transfer_id, started_at, updated_at: timestamp, version }
    },
  }
}
