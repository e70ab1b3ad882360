// Lines that somebody names of an order, with units in decimals: read, summed up and held against
// what may still be taken of them.
import { invalid, type Rejected, reject } from '#kernel/decider.ts'
import { decimalNumber, scaled } from '#kernel/money.ts'
import { decimal, integer, list, object } from '#kernel/schema.ts'
import { lineOf, type OrderState } from './order.ts'
import { LINES_MAX } from './order-events.ts'
import type { LineUnits } from './order-line.ts'

export const toldLine = object({
  line: integer({ min: 1, description: 'Its number in the order.' }),
  quantity: decimal(),
})
export const toldLines = list(toldLine, { min: 1, max: LINES_MAX })
export type ToldLine = { readonly line: number; readonly quantity: string }

/** One of each line in the order they first appear, or why not. `may`: what may be taken. */
export function unitsTold(
  order: Pick<OrderState, 'lines'>,
  told: readonly ToldLine[],
  may: readonly LineUnits[],
): readonly LineUnits[] | Rejected {
  const read = unitsRead(order, told)
  if ('rejected' in read) return read
  const wanted = summedUnits(read)
  const allowed = new Map(may.map(({ line, quantity }) => [line, quantity]))
  const over = wanted.filter(({ line, quantity }) => quantity > (allowed.get(line) ?? 0))
  if (over.length === 0) return wanted
  return reject('business_rule_violated', 'That is more than there is of these lines.', {
    details: {
      lines: over.slice(0, NAMED_MAX).map(({ line, quantity }) => {
        const scale = lineOf(order, line)!.quantity_scale
        const requested = decimalNumber(quantity, scale)
        return { line, requested, available: decimalNumber(allowed.get(line) ?? 0, scale) }
      }),
    },
  })
}

/** As they were told, one for one. */
export function unitsRead(
  order: Pick<OrderState, 'lines'>,
  told: readonly ToldLine[],
): readonly LineUnits[] | Rejected {
  const errors: Record<string, string> = {}
  const units = told.map(({ line, quantity }, i) => {
    const known = lineOf(order, line)
    if (known === null) {
      errors[`lines.${i}.line`] = 'is not a line of the order'
      return { line, quantity: 0 }
    }
    const read = scaled(quantity, known.quantity_scale)
    if (!read.ok) errors[`lines.${i}.quantity`] = read.reason
    else if (read.value <= 0) errors[`lines.${i}.quantity`] = 'must be more than 0'
    return { line, quantity: read.ok ? read.value : 0 }
  })
  return Object.keys(errors).length > 0 ? invalid(errors) : units
}
const NAMED_MAX = 20

export const summedUnits = (units: readonly LineUnits[]): LineUnits[] =>
  [...Map.groupBy(units, ({ line }) => line)].map(([line, some]) => ({
    line,
    quantity: some.reduce((sum, { quantity }) => sum + quantity, 0),
  }))
