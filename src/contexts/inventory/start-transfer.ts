// Sending goods from one store to another. Both stores' stock and the transfer are written in one
// append: nothing appears or vanishes.
import { amountReader, hasErrors, product } from '#contexts/catalog/public.ts'
import { store, storeIdOf, storeState } from '#contexts/stores/public.ts'
import {
  already,
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
import { decimalNumber } from '#kernel/money.ts'
import { decimal, type Infer, id, list, object, optional, text, uuid } from '#kernel/schema.ts'
import { detected, type Found, foundIn } from './discrepancy.ts'
import { freeIn, REFERENCE_MAX, stockItem, stockKey } from './stock.ts'
import { stockChanged } from './stock-changes.ts'
import { knownProduct, openedFor, openedStore } from './stock-place.ts'
import { isCounted, isFact, occurredAt, toldLate } from './told-late.ts'
import { TRANSFER_LINES_MAX, transfer } from './transfer.ts'
import { TRANSFERS, transferAnswer, transferred } from './transfer-answer.ts'

const signed = decimal({ signed: true })

const startInput = object({
  transfer_id: optional(uuid()),
  from_store_id: id({ aliases: ['from'], description: 'main is the main store.' }),
  to_store_id: id({ aliases: ['to'] }),
  lines: list(object({ product_id: id(), quantity: signed }), { min: 1, max: TRANSFER_LINES_MAX }),
  reference: optional(text({ max: REFERENCE_MAX })),
  occurred_at: occurredAt,
})

export const startTransfer = command({
  type: 'StartTransfer',
  input: startInput,
  creates: 'transfer_id',
  reads: ({ transfer_id, from_store_id, to_store_id, lines }) => {
    const [from, to] = [storeIdOf(from_store_id), storeIdOf(to_store_id)]
    const products = distinct(lines)
    return [
      transfer.at(transfer_id!),
      store.seen(from),
      ...(from === to ? [] : [store.seen(to)]),
      ...products.map((product_id) => product.seen(product_id)),
      ...itemsOf(products, from === to ? [from] : [from, to]),
    ]
  },
  decide: toldLate(decideStart),
  answer: transferAnswer,
  route: {
    method: 'POST',
    path: TRANSFERS,
    // Under an id of the sender's own.
    aliases: [`${TRANSFERS}/:transfer_id/start`],
    status: 201,
    tag: 'transfers',
    summary: 'Send goods to another store: they leave here, and are on their way there',
  },
})

function decideStart(input: Infer<typeof startInput>, given: Given, moment: Moment): Decision {
  const transfer_id = input.transfer_id!
  const [from_store_id, to_store_id] = [
    storeIdOf(input.from_store_id),
    storeIdOf(input.to_store_id),
  ]
  if (from_store_id === to_store_id) return invalid({ to_store_id: 'must be another store' })
  if (given.state(transfer.at(transfer_id)) !== null) return already('a transfer', transfer_id)
  // What is in a store that has been closed may leave it.
  const isNew = storeState(given, from_store_id) === null
  if (isNew && !isFact(moment)) return noSuch('store', from_store_id)
  const source = isNew ? openedStore(given, moment, from_store_id) : OPEN
  if ('rejected' in source) return source
  const opened = openedStore(given, moment, to_store_id)
  if ('rejected' in opened) return opened
  const doubts = [...source.doubts, ...opened.doubts]
  const lines = sentLines(input.lines, given)
  if ('rejected' in lines) return lines
  const short = shortIn(given, moment, from_store_id, lines)
  if (short !== null) return short

  const writes: Write[] = []
  const found: Found[] = []
  for (const { product_id, quantity, quantity_scale } of lines) {
    const from = { product_id, store_id: from_store_id }
    const to = { product_id, store_id: to_store_id }
    const sent = { ...from, transfer_id, quantity, to_store_id }
    const out = stockItem.event('StockTransferredOut', sent, moment.occurred_at)
    const stocked = openedFor(given, from, quantity_scale)
    if ('ask' in stocked) return stocked
    const left = stockChanged(given, from, [...stocked.facts, out])
    const about = { reason: 'transfer', reference: transfer_id, quantity_scale }
    found.push(...foundIn(left, { kind: 'transfer', ...about }, doubts))
    const shelf = openedFor(given, to, quantity_scale)
    if ('ask' in shelf) return shelf
    const coming = { ...to, transfer_id, from_store_id, change: quantity }
    const expected = stockItem.event('IncomingStockChanged', coming)
    const awaited = stockChanged(given, to, [...shelf.facts, expected])
    writes.push(left.write, ...stocked.writes, awaited.write, ...shelf.writes)
  }
  const noted = detected(given, found, moment, moment.occurred_at)
  if ('ask' in noted) return noted
  const data = { transfer_id, from_store_id, to_store_id, reference: input.reference ?? null }
  const started = transfer.event(
    'TransferStarted',
    { ...data, lines: [...lines] },
    moment.occurred_at,
  )
  return transferred(given, transfer_id, started, [
    ...writes,
    ...source.writes,
    ...opened.writes,
    ...noted.writes,
  ])
}

type Sent = Infer<typeof transfer.events.TransferStarted.data>['lines'][number]

/** Lines of one product are one. */
function sentLines(
  wanted: Infer<typeof startInput>['lines'],
  given: Given,
): readonly Sent[] | Rejected {
  const reader = amountReader()
  const byProduct = new Map<string, Sent>()
  for (const [i, { product_id, quantity }] of wanted.entries()) {
    const known = knownProduct(given, product_id)
    if ('rejected' in known) return known
    const { quantity_scale } = known
    const read = reader.positive(`lines.${i}.quantity`, quantity, quantity_scale)
    const before = byProduct.get(product_id)?.quantity ?? 0
    byProduct.set(product_id, { product_id, quantity: before + read, quantity_scale })
  }
  return hasErrors(reader.errors) ? invalid(reader.errors) : [...byProduct.values()]
}

const OPEN = { writes: [], doubts: [] }

/** What is promised stays: only what is free is sent; unless it has left already. */
function shortIn(
  given: Given,
  moment: Moment,
  store_id: string,
  lines: readonly Sent[],
): Rejected | null {
  const { settings, occurred_at } = moment
  if (isFact(moment)) return null
  const missing = lines.flatMap(({ product_id, quantity, quantity_scale: scale }) => {
    const state = given.state(stockItem.at(stockKey(product_id, store_id)))
    const mayLack = settings['inventory.negative'] === true
    if (state !== null && (mayLack || isCounted(state, occurred_at))) return []
    const available = state === null ? 0 : Math.max(0, freeIn(state))
    if (quantity <= available) return []
    const requested = decimalNumber(quantity, scale)
    return [{ product_id, store_id, requested, available: decimalNumber(available, scale) }]
  })
  if (missing.length === 0) return null
  const details = { lines: missing }
  return reject('insufficient_stock', 'There is not enough free stock to send.', { details })
}

const distinct = (lines: readonly { readonly product_id: string }[]): readonly string[] => [
  ...new Set(lines.map(({ product_id }) => product_id)),
]

const itemsOf = (products: readonly string[], stores: readonly string[]): readonly Ref[] =>
  stores.flatMap((store_id) =>
    products.map((product_id) => stockItem.at(stockKey(product_id, store_id))),
  )
