// A line of an order: what was ordered at which price, and what became of its units. Units of a
// line go one after the other, so that whatever is cancelled or comes back in parts closes to zero.
import { type PricedLine, partOfLine, pricedFields } from '#contexts/pricing/public.ts'
import { type Infer, id, integer, money, nullable, object, quantity, text } from '#kernel/schema.ts'

const CODE_MAX = 100
const NAME_MAX = 300
const SCALE_MAX = 6

const units = { line: integer({ min: 1 }), quantity: quantity({ min: 1 }) }
const goods = {
  line: units.line,
  product_id: id(),
  code: text({ max: CODE_MAX }),
  department_id: nullable(id()),
  quantity: units.quantity,
  quantity_scale: integer({ min: 0, max: SCALE_MAX }),
}
/** As it was ordered. */
export const line = object({
  ...goods,
  name: text({ max: NAME_MAX }),
  unit_price_minor: money(),
  ...pricedFields,
})
/** So many units of a line, with what they come to. */
export const linePart = object({ ...goods, ...pricedFields })
/** So many units of a line, and nothing else. */
export const lineUnits = object(units)
/** So many units that came back, and what they had cost. */
export const lineRefund = object({ ...units, amount_minor: money() })
/** So much of the goods was promised while it was not here, and has not come yet. */
export const waitingUnits = object({
  product_id: goods.product_id,
  quantity: units.quantity,
  quantity_scale: goods.quantity_scale,
})
/** As it is shown: with what became of it. */
export const lineNow = object({
  ...line.properties,
  cancelled_quantity: quantity({ min: 0 }),
  shipped_quantity: quantity({ min: 0 }),
  returned_quantity: quantity({ min: 0 }),
  cancelled_minor: money(),
  /** Came back, and was not paid back so far. */
  withheld_quantity: quantity({ min: 0 }),
  withheld_minor: money(),
})

export type LinePart = Infer<typeof linePart>
export type LineUnits = Infer<typeof lineUnits>
export type WaitingUnits = Infer<typeof waitingUnits>
export type LineRefund = Infer<typeof lineRefund>
export type OrderLine = Infer<typeof lineNow>

export const ordered = (lines: readonly Infer<typeof line>[]): readonly OrderLine[] =>
  lines.map((each) => ({
    ...each,
    cancelled_quantity: 0,
    shipped_quantity: 0,
    returned_quantity: 0,
    cancelled_minor: 0,
    withheld_quantity: 0,
    withheld_minor: 0,
  }))

/** Units that have neither left nor been cancelled. */
export const unsent = (each: OrderLine): number =>
  each.quantity - each.cancelled_quantity - each.shipped_quantity

export const allUnsent = (lines: readonly OrderLine[]): LineUnits[] =>
  lines
    .map((each) => ({ line: each.line, quantity: unsent(each) }))
    .filter(({ quantity }) => quantity > 0)

type Counter = 'cancelled_quantity' | 'shipped_quantity' | 'returned_quantity'

/** The lines with so many more units cancelled, shipped or returned. */
export function counted(
  lines: readonly OrderLine[],
  counter: Counter,
  more: readonly (LineUnits & { readonly amount_minor?: number })[],
): readonly OrderLine[] {
  const byLine = Map.groupBy(more, (part) => part.line)
  return lines.map((each) => {
    const parts = byLine.get(each.line) ?? []
    const quantity = parts.reduce((sum, part) => sum + part.quantity, 0)
    if (quantity === 0) return each
    const amount = parts.reduce((sum, part) => sum + (part.amount_minor ?? 0), 0)
    const cancelled_minor = each.cancelled_minor + (counter === 'cancelled_quantity' ? amount : 0)
    return { ...each, [counter]: each[counter] + quantity, cancelled_minor }
  })
}

/** The lines with so much more withheld: negative where it is paid back after all. */
export function withheld(
  lines: readonly OrderLine[],
  more: readonly LineRefund[],
  sign: 1 | -1,
): readonly OrderLine[] {
  return lines.map((each) => {
    const parts = more.filter(({ line }) => line === each.line)
    if (parts.length === 0) return each
    const sum = (of: 'quantity' | 'amount_minor') =>
      parts.reduce((all, part) => all + part[of], 0) * sign
    return {
      ...each,
      withheld_quantity: each.withheld_quantity + sum('quantity'),
      withheld_minor: each.withheld_minor + sum('amount_minor'),
    }
  })
}

/** In the steps that the order counts its goods in. */
export function waitingOf(
  lines: readonly Pick<OrderLine, 'product_id' | 'quantity_scale'>[],
  waiting: readonly { readonly product_id: string; readonly quantity: number }[],
): WaitingUnits[] {
  const scales = new Map(lines.map((each) => [each.product_id, each.quantity_scale]))
  return waiting.map(({ product_id, quantity }) => ({
    ...{ product_id, quantity, quantity_scale: scales.get(product_id) ?? 0 },
  }))
}

/** What is paid back for so many of the units withheld; with the last one, all of it. */
export function withheldPart(each: OrderLine, quantity: number): LineRefund {
  const { line, withheld_quantity: of, withheld_minor } = each
  return { line, quantity, amount_minor: share(withheld_minor, quantity, of) }
}

/** The next units whose money goes back: after those that were cancelled or came back before. */
export function nextPart(each: OrderLine, quantity: number): LinePart {
  const from = each.cancelled_quantity + each.returned_quantity
  return partOf(each, quantity, partOfLine(each, { from, to: from + quantity, of: each.quantity }))
}

/** What is left of the lines, less what was cancelled; lines without any are left out. */
export const remaining = (lines: readonly OrderLine[]): LinePart[] =>
  lines.flatMap((each) => {
    const left = each.quantity - each.cancelled_quantity
    return left > 0 ? [nextPart(each, left)] : []
  })

/** What the units come to that have left; the whole line less what was cancelled in the end. */
export function shippedMinor({ amount_minor, cancelled_minor, ...each }: OrderLine): number {
  const of = each.quantity - each.cancelled_quantity
  if (each.shipped_quantity === 0) return 0
  return share(amount_minor - cancelled_minor, each.shipped_quantity, of)
}

/** amount × units / of, rounded half up: all of it for all units. */
function share(amount: number, units: number, of: number): number {
  const twice = 2n * BigInt(amount) * BigInt(units)
  return Number((twice + BigInt(of)) / (2n * BigInt(of)))
}

function partOf(each: OrderLine, quantity: number, priced: PricedLine): LinePart {
  const { line, product_id, code, department_id, quantity_scale } = each
  const { taxes, discounts, ...amounts } = priced
  return {
    ...{ line, product_id, code, department_id, quantity, quantity_scale },
    ...{ ...amounts, taxes: [...taxes], discounts: [...discounts] },
  }
}
