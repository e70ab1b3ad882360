// Goods on their way from one store to another. Stream: transfer-<transfer_id>.
// IN_TRANSIT (part of it may have come) → RECEIVED: all is accounted for, as received, damaged or
// missing | CANCELLED: what had not come went back. Between two stores goods belong to neither.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  quantity,
  text,
} from '#kernel/schema.ts'
import { REASON_MAX, REFERENCE_MAX } from './stock.ts'

export const TRANSFER_STATUSES = ['IN_TRANSIT', 'RECEIVED', 'CANCELLED'] as const
/** Each touches two stock items; all of them are written in one append. */
export const TRANSFER_LINES_MAX = 500

export type TransferLine = {
  readonly product_id: string
  readonly quantity_scale: number
  readonly sent_quantity: number
  readonly received_quantity: number
  readonly damaged_quantity: number
  /** Never came; somebody said so when closing it. */
  readonly missing_quantity: number
  readonly returned_quantity: number
}
export type TransferState = {
  readonly status: (typeof TRANSFER_STATUSES)[number]
  readonly from_store_id: string
  readonly to_store_id: string
  readonly reference: string | null
  /** One per product. */
  readonly lines: readonly TransferLine[]
}
/** null: no such transfer. */
export type Transfer = TransferState | null

const way = { transfer_id: id(), from_store_id: id(), to_store_id: id() }
const counted = { product_id: id(), quantity_scale: integer({ min: 0, max: 6 }) }
const lines = <S extends Parameters<typeof object>[0]>(fields: S) =>
  list(object({ ...counted, ...fields }), { max: TRANSFER_LINES_MAX })

export const transfer = aggregate({
  type: 'transfer',
  state_version: 1,
  events: eventTypes({
    TransferStarted: {
      data: object({
        ...way,
        lines: lines({ quantity: quantity({ min: 1 }) }),
        reference: nullable(text({ max: REFERENCE_MAX })),
      }),
    },
    TransferReceived: {
      data: object({
        ...way,
        lines: lines({
          received: quantity({ min: 0 }),
          damaged: quantity({ min: 0 }),
          missing: quantity({ min: 0 }),
        }),
        /** Nothing more is on its way. */
        is_closed: flag(),
        received_at: instant(),
      }),
    },
    TransferCancelled: {
      data: object({
        ...way,
        lines: lines({ quantity: quantity({ min: 1 }) }),
        reason: text({ max: REASON_MAX }),
      }),
    },
  }),
  initial: null as Transfer,
  evolve: {
    TransferStarted: (_, { transfer_id, lines, ...way }): Transfer => ({
      ...way,
      status: 'IN_TRANSIT',
      lines: lines.map(({ quantity, ...line }) => ({
        ...line,
        sent_quantity: quantity,
        received_quantity: 0,
        damaged_quantity: 0,
        missing_quantity: 0,
        returned_quantity: 0,
      })),
    }),
    TransferReceived: (state, { lines, is_closed }): TransferState => ({
      ...changed(state, lines, (line, { received, damaged, missing }) => ({
        ...line,
        received_quantity: line.received_quantity + received,
        damaged_quantity: line.damaged_quantity + damaged,
        missing_quantity: line.missing_quantity + missing,
      })),
      status: is_closed ? 'RECEIVED' : 'IN_TRANSIT',
    }),
    TransferCancelled: (state, { lines }): TransferState => ({
      ...changed(state, lines, (line, { quantity }) => ({ ...line, returned_quantity: quantity })),
      status: 'CANCELLED',
    }),
  },
})

/** How much of a line is still between the stores. */
export const inTransit = (line: TransferLine): number =>
  line.sent_quantity -
  line.received_quantity -
  line.damaged_quantity -
  line.missing_quantity -
  line.returned_quantity

function changed<L extends { readonly product_id: string }>(
  state: Transfer,
  lines: readonly L[],
  change: (line: TransferLine, by: L) => TransferLine,
): TransferState {
  if (state === null) throw new Error('a transfer that was never started has changed')
  const by = new Map(lines.map((line) => [line.product_id, line]))
  return {
    ...state,
    lines: state.lines.map((line) => {
      const one = by.get(line.product_id)
      return one === undefined ? line : change(line, one)
    }),
  }
}
