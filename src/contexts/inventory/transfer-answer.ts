// What commands over transfers answer: the transfer as it is after them.
import { accept, type Decision, type Given, type Write } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { id, integer, list, nullable, object, oneOf, quantity, text } from '#kernel/schema.ts'
import { stateAfter } from '#kernel/state-after.ts'
import { REFERENCE_MAX } from './stock.ts'
import {
  inTransit,
  TRANSFER_STATUSES,
  type TransferLine,
  type TransferState,
  transfer,
} from './transfer.ts'

export const TRANSFERS = '/api/v1/transfers'

export const transferLines = list(
  object({
    product_id: id(),
    sent_quantity: quantity(),
    received_quantity: quantity(),
    damaged_quantity: quantity(),
    missing_quantity: quantity(),
    returned_quantity: quantity(),
    in_transit_quantity: quantity(),
    quantity_scale: integer(),
  }),
)
export const transferAnswer = object({
  transfer_id: id(),
  status: oneOf(TRANSFER_STATUSES),
  from_store_id: id(),
  to_store_id: id(),
  reference: nullable(text({ max: REFERENCE_MAX })),
  lines: transferLines,
})

export const withTransit = (lines: readonly TransferLine[]) =>
  lines.map((line) => ({ ...line, in_transit_quantity: inTransit(line) }))

export const answeredTransfer = (transfer_id: string, state: TransferState) => ({
  transfer_id,
  ...state,
  lines: withTransit(state.lines),
})

/** The transfer's own event first: its version is the one that is answered. */
export function transferred(
  given: Given,
  transfer_id: string,
  fact: Fact<keyof typeof transfer.events & string>,
  writes: readonly Write[],
): Decision {
  const write = transfer.write(transfer_id, [fact])
  const after = stateAfter(given, transfer.at(transfer_id), [write])
  return accept([write, ...writes], answeredTransfer(transfer_id, after!))
}
