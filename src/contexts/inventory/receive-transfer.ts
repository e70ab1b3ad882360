// Goods that were sent arrive, in parts or whole, some of them damaged; or they are called back.
// What was sent and never comes is somebody's work when the transfer is closed.
import { amountReader, hasErrors } from '#contexts/catalog/public.ts'
import {
  accept,
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  type Ref,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { decimal, flag, type Infer, id, list, object, optional, text } from '#kernel/schema.ts'
import { detected, type Found } from './discrepancy.ts'
import { freeIn, REASON_MAX, stockItem, stockKey } from './stock.ts'
import { stockChanged } from './stock-changes.ts'
import { openedFor } from './stock-place.ts'
import { occurredAt, toldLate } from './told-late.ts'
import { inTransit, TRANSFER_LINES_MAX, type TransferState, transfer } from './transfer.ts'
import { answeredTransfer, TRANSFERS, transferAnswer, transferred } from './transfer-answer.ts'

const signed = decimal({ signed: true })
const tag = 'transfers'

const receiveInput = object({
  transfer_id: id(),
  lines: optional(
    list(object({ product_id: id(), received: optional(signed), damaged: optional(signed) }), {
      max: TRANSFER_LINES_MAX,
      description: 'Absent: all that is on its way, undamaged. `damaged` is beside `received`.',
    }),
  ),
  close: optional(flag({ description: 'Nothing more will come: what has not is missing.' })),
  occurred_at: occurredAt,
})

export const receiveTransfer = command({
  type: 'ReceiveTransfer',
  input: receiveInput,
  reads: ({ transfer_id }) => [transfer.at(transfer_id)],
  decide: toldLate(decideReceive),
  answer: transferAnswer,
  route: {
    method: 'POST',
    path: `${TRANSFERS}/:transfer_id/receive`,
    tag,
    summary: 'Goods of a transfer have arrived: all, or a part, or damaged',
  },
})

function decideReceive(input: Infer<typeof receiveInput>, given: Given, moment: Moment): Decision {
  const { transfer_id, close = false } = input
  const state = underWay(given, transfer_id)
  if ('rejected' in state) return state
  const lacking = given.lacking(itemsOf(state, state.to_store_id))
  if (lacking.length > 0) return ask(lacking)
  const come = comeOf(state, input.lines)
  if ('rejected' in come) return come
  const isClosed = close || state.lines.every((line) => inTransit(line) === settledIn(come, line))
  const lines = received(state, come, close)
  if (lines.length === 0 && !isClosed) return invalid({ lines: 'must name what has come' })

  const { from_store_id, to_store_id: store_id } = state
  const writes: Write[] = []
  const found: Found[] = []
  for (const { product_id, received, damaged, missing, quantity_scale } of lines) {
    const place = { product_id, store_id }
    const about = { ...place, transfer_id, from_store_id }
    const settled = received + damaged
    const facts: Fact[] = []
    if (settled > 0) {
      const data = { ...about, quantity: received, damaged, settled }
      facts.push(stockItem.event('StockTransferredIn', data, moment.occurred_at))
    }
    if (missing > 0)
      facts.push(stockItem.event('IncomingStockChanged', { ...about, change: -missing }))
    const { write, after } = stockChanged(given, place, facts)
    writes.push(write)
    const now = { quantity: after.quantity, available_quantity: freeIn(after), quantity_scale }
    const why = { kind: 'transfer', reason: 'never came', reference: transfer_id } as const
    if (missing > 0) found.push({ place, missing, ...now, ...why })
  }
  const noted = detected(given, found, moment, moment.occurred_at)
  if ('ask' in noted) return noted
  const received_at = moment.occurred_at ?? moment.now
  const way = { transfer_id, from_store_id, to_store_id: store_id }
  const data = { ...way, lines: [...lines], is_closed: isClosed, received_at }
  const event = transfer.event('TransferReceived', data, moment.occurred_at)
  return transferred(given, transfer_id, event, [...writes, ...noted.writes])
}

type Come = ReadonlyMap<string, { readonly received: number; readonly damaged: number }>

/** What came of each product; refused where it is more than was on its way. */
function comeOf(
  state: TransferState,
  wanted: Infer<typeof receiveInput>['lines'],
): Come | Rejected {
  if (wanted === undefined)
    return new Map(
      state.lines.map((line) => [line.product_id, { received: inTransit(line), damaged: 0 }]),
    )
  const reader = amountReader()
  const come = new Map<string, { received: number; damaged: number }>()
  for (const [i, { product_id, ...told }] of wanted.entries()) {
    const line = state.lines.find((one) => one.product_id === product_id)
    if (line === undefined) {
      reader.note(`lines.${i}.product_id`, 'is not in this transfer')
      continue
    }
    const read = (field: 'received' | 'damaged') =>
      reader.quantity(`lines.${i}.${field}`, told[field] ?? '0', line.quantity_scale)
    const before = come.get(product_id) ?? { received: 0, damaged: 0 }
    const sum = {
      received: before.received + read('received'),
      damaged: before.damaged + read('damaged'),
    }
    if (sum.received + sum.damaged > inTransit(line))
      reader.note(
        `lines.${i}.received`,
        'is more than is on its way: receive that, and count the rest',
      )
    come.set(product_id, sum)
  }
  return hasErrors(reader.errors) ? invalid(reader.errors) : come
}

const settledIn = (come: Come, { product_id }: { readonly product_id: string }): number => {
  const { received = 0, damaged = 0 } = come.get(product_id) ?? {}
  return received + damaged
}

/** The lines of which something came, or is given up. */
const received = (state: TransferState, come: Come, close: boolean) =>
  state.lines
    .map((line) => ({
      product_id: line.product_id,
      quantity_scale: line.quantity_scale,
      ...(come.get(line.product_id) ?? { received: 0, damaged: 0 }),
      missing: close ? inTransit(line) - settledIn(come, line) : 0,
    }))
    .filter(({ received, damaged, missing }) => received + damaged + missing > 0)

export const cancelTransfer = command({
  type: 'CancelTransfer',
  input: object({ transfer_id: id(), reason: optional(text({ max: REASON_MAX })) }),
  reads: ({ transfer_id }) => [transfer.at(transfer_id)],
  decide: ({ transfer_id, reason = 'by request' }, given) => {
    const before = given.state(transfer.at(transfer_id))
    if (before?.status === 'CANCELLED') return accept([], answeredTransfer(transfer_id, before))
    const state = underWay(given, transfer_id)
    if ('rejected' in state) return state
    const { from_store_id, to_store_id } = state
    const lacking = given.lacking([
      ...itemsOf(state, from_store_id),
      ...itemsOf(state, to_store_id),
    ])
    if (lacking.length > 0) return ask(lacking)
    const lines = state.lines
      .map((line) => ({ ...line, quantity: inTransit(line) }))
      .filter(({ quantity }) => quantity > 0)
    const writes: Write[] = []
    for (const { product_id, quantity, quantity_scale } of lines) {
      const from = { product_id, store_id: from_store_id }
      const to = { product_id, store_id: to_store_id }
      const shelf = openedFor(given, from, quantity_scale)
      if ('ask' in shelf) return shelf
      const back = { ...from, transfer_id, quantity, damaged: 0, settled: 0 }
      const home = stockItem.event('StockTransferredIn', { ...back, from_store_id: to_store_id })
      const data = { ...to, transfer_id, from_store_id, change: -quantity }
      const gone = stockItem.event('IncomingStockChanged', data)
      const own = stockChanged(given, from, [...shelf.facts, home])
      writes.push(own.write, stockChanged(given, to, [gone]).write, ...shelf.writes)
    }
    const returned = lines.map(({ product_id, quantity, quantity_scale }) => ({
      ...{ product_id, quantity, quantity_scale },
    }))
    const data = { transfer_id, from_store_id, to_store_id, lines: returned, reason }
    return transferred(given, transfer_id, transfer.event('TransferCancelled', data), writes)
  },
  answer: transferAnswer,
  route: {
    method: 'POST',
    path: `${TRANSFERS}/:transfer_id/cancel`,
    tag,
    summary: 'Call a transfer back: what has not arrived is in its first store again',
  },
})

function underWay(given: Given, transfer_id: string): TransferState | Rejected {
  const state = given.state(transfer.at(transfer_id))
  if (state === null) return noSuch('transfer', transfer_id)
  if (state.status === 'IN_TRANSIT') return state
  return reject('invalid_state', `Transfer ${transfer_id} is ${state.status}.`, {
    details: { status: state.status },
  })
}

const itemsOf = ({ lines }: TransferState, store_id: string): readonly Ref[] =>
  lines.map(({ product_id }) => stockItem.at(stockKey(product_id, store_id)))
