// What somebody counted, and when. The count tells what lay there at that moment; what has come and
// gone since then is kept, and what is recorded later of an earlier moment changes nothing more.
import { amountReader, hasErrors, product, QUANTITY_MAX } from '#contexts/catalog/public.ts'
import {
  type Asked,
  accept,
  ask,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import { inUtc } from '#kernel/instants.ts'
import type { Instant } from '#kernel/message.ts'
import {
  decimal,
  flag,
  type Infer,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  optional,
  quantity,
} from '#kernel/schema.ts'
import { COUNTS, COUNTS_TAG } from './count-commands.ts'
import { detected, type Found, foundIn } from './discrepancy.ts'
import { changedSince, newestMove } from './recent-moves.ts'
import { stockItem, stockKey } from './stock.ts'
import { type Place, stockChanged } from './stock-changes.ts'
import { type StockCountState, stockCount } from './stock-count.ts'
import { openedFor } from './stock-place.ts'
import { stockedProduct } from './stocked-product.ts'
import { isFuture, isOver, past } from './told-late.ts'

const LINES_MAX = 500
const line = { product_id: id(), counted: decimal({ signed: true, example: 7 }) }
const occurred_at = optional(instant({ description: 'When it was counted; absent: now.' }))
const input = object({
  count_id: id(),
  lines: optional(list(object({ ...line, occurred_at }), { min: 1, max: LINES_MAX })),
  product_id: optional(id({ example: 'product_id-1' })),
  counted: optional(line.counted),
  occurred_at,
})
type Input = Infer<typeof input>
type WantedLine = { product_id: string; counted: string; occurred_at?: Instant }

export const recordCount = command({
  type: 'RecordCount',
  input,
  reads: (input) => {
    const products = [...new Set(linesOf(input).map(({ product_id }) => product_id))]
    return [stockCount.at(input.count_id), ...products.map((one) => product.seen(one))]
  },
  decide,
  answer: object({
    count_id: id(),
    store_id: id(),
    lines: list(
      object({
        product_id: id(),
        counted_quantity: quantity(),
        expected_quantity: nullable(quantity()),
        adjustment: quantity(),
        /** What the book has now. */
        quantity: quantity(),
        is_superseded: flag(),
        counted_at: instant(),
        quantity_scale: integer(),
      }),
    ),
  }),
  route: {
    method: 'POST',
    path: `${COUNTS}/:count_id/counts`,
    tag: COUNTS_TAG,
    summary: 'Write down what was counted, and when: one product, or several lines',
  },
})

const linesOf = ({ lines, product_id, counted }: Input): readonly WantedLine[] => [
  ...(lines ?? []),
  ...(product_id === undefined || counted === undefined ? [] : [{ product_id, counted }]),
]

/** When it was counted, as the sender tells it. */
const toldOf = (line: WantedLine, input: Input, { occurred_at, now }: Moment): Instant =>
  line.occurred_at ?? input.occurred_at ?? occurred_at ?? now

const isLate = (input: Input, moment: Moment): boolean =>
  linesOf(input).every((line) => isOver(inUtc(toldOf(line, input, moment)), moment))

function decide(input: Input, given: Given, moment: Moment): Decision {
  const { count_id } = input
  const state = given.state(stockCount.at(count_id))
  if (state === null) return noSuch('count', count_id)
  // What was counted while it went on may be told after its end.
  if (state.status !== 'OPEN' && !isLate(input, moment))
    return reject('invalid_state', `Count ${count_id} is ${state.status}: begin another one.`, {
      details: { status: state.status },
    })
  const lines = read(input, state, given, moment)
  if ('rejected' in lines) return lines
  const lacking = given.lacking(
    lines.map(({ place }) => stockItem.at(stockKey(place.product_id, place.store_id))),
  )
  if (lacking.length > 0) return ask(lacking)
  const lists = given.lacking(
    lines.flatMap(({ place }) =>
      itemOf(given, place) === null ? [stockedProduct.at(place.product_id)] : [],
    ),
  )
  if (lists.length > 0) return ask(lists)

  const writes: Write[] = []
  const found: Found[] = []
  const answers = []
  for (const line of lines) {
    const counted = countedLine(given, count_id, line, moment)
    if ('rejected' in counted || 'ask' in counted) return counted
    writes.push(...counted.writes)
    found.push(...counted.found)
    answers.push(counted.answer)
  }
  const noted = detected(given, found, moment)
  if ('ask' in noted) return noted
  const { store_id } = state
  const recorded = stockCount.event('StockCountRecorded', {
    ...{ count_id, store_id, counted_lines: lines.length },
    differing_lines: answers.filter(({ adjustment }) => adjustment !== 0).length,
  })
  const own = stockCount.write(count_id, [recorded])
  return accept([own, ...writes, ...noted.writes], { count_id, store_id, lines: answers })
}

type Line = {
  readonly place: Place
  readonly counted: number
  /** null: now. */
  readonly counted_at: Instant | null
  readonly quantity_scale: number
}

function read(
  input: Input,
  count: StockCountState,
  given: Given,
  moment: Moment,
): readonly Line[] | Rejected {
  const { now } = moment
  const wanted = linesOf(input)
  if (wanted.length === 0) return invalid({ lines: 'is required, or product_id and counted' })
  const reader = amountReader()
  const seen = new Set<string>()
  const lines = wanted.map((line, i): Line => {
    const { product_id, counted } = line
    const prefix = input.lines === undefined ? '' : `lines.${i}.`
    const state = given.state(product.seen(product_id))
    const trouble = seen.has(product_id) ? 'is counted twice here' : outOf(count, product_id, state)
    if (trouble !== null) reader.note(`${prefix}product_id`, trouble)
    seen.add(product_id)
    const quantity_scale = state?.quantity_scale ?? 0
    const told = toldOf(line, input, moment)
    if (isFuture(told, now)) reader.note(`${prefix}occurred_at`, 'is in the future')
    return {
      place: { product_id, store_id: count.store_id },
      counted: reader.quantity(`${prefix}counted`, counted, quantity_scale),
      counted_at: past(told, now),
      quantity_scale,
    }
  })
  return hasErrors(reader.errors) ? invalid(reader.errors) : lines
}

function outOf(
  { scope, product_ids, department_id }: StockCountState,
  productId: string,
  state: { readonly department_id: string | null } | null,
): string | null {
  if (state === null) return 'is not a product'
  const isIn =
    scope === 'all' ||
    (scope === 'products' && product_ids?.includes(productId) === true) ||
    (scope === 'department' && state.department_id === department_id)
  return isIn ? null : 'is not in this count'
}

const itemOf = (given: Given, { product_id, store_id }: Place) =>
  given.state(stockItem.at(stockKey(product_id, store_id)))

function countedLine(given: Given, count_id: string, line: Line, { now }: Moment) {
  const { place, counted, quantity_scale } = line
  const shelf = openedFor(given, place, quantity_scale)
  if ('ask' in shelf) return shelf satisfies Asked
  const before = itemOf(given, place)
  const counted_at = line.counted_at ?? afterAll(before, now)
  const expected = expectedIn(before, counted_at)
  const is_superseded = before?.counted != null && counted_at < before.counted.at
  if (expected === null && !is_superseded) return tooLate(place)
  const adjustment = is_superseded ? 0 : counted - (expected ?? 0)
  const cause = { reason: 'count', reference: count_id }
  const data = { ...place, count_id, counted, expected, adjustment, is_superseded }
  const change = stockChanged(given, place, [
    ...shelf.facts,
    stockItem.event('StockCounted', { ...data, counted_at, quantity_scale }, counted_at),
    ...(adjustment === 0
      ? []
      : [stockItem.event('InventoryAdjusted', { ...place, adjustment, ...cause }, counted_at)]),
  ])
  const { quantity } = change.after
  if (Math.abs(quantity) > QUANTITY_MAX) return invalid({ counted: 'is too large' })
  return {
    writes: [change.write, ...shelf.writes],
    found: foundIn(change, { kind: 'count', quantity_scale, ...cause }),
    answer: {
      ...{ product_id: place.product_id, counted_quantity: counted, expected_quantity: expected },
      ...{ adjustment, quantity, is_superseded, counted_at, quantity_scale },
    },
  }
}

/** Now is after all that is in the book, also where it was written by another clock. */
function afterAll(state: ReturnType<typeof itemOf>, now: Instant): Instant {
  if (state === null) return now
  const moved = new Date(newestMove(state.recent)).toISOString()
  return [now, moved, state.counted?.at ?? now].sort().at(-1)!
}

/** What the book says lay there then; null: that is not known any more. */
function expectedIn(state: ReturnType<typeof itemOf>, at: Instant): number | null {
  if (state === null) return 0
  const since = changedSince(state.recent, at)
  return since === null ? null : state.quantity - since
}

const tooLate = ({ product_id }: Place): Rejected =>
  reject('invalid_state', 'Too much has moved since it was counted: count it again.', {
    details: { product_id },
  })
