// Discounts as a sender tells them: by percent or by amount, on an item or on the whole order. They
// are prices like any other, so only those who may name a price may name them.
import { DISCOUNT_NAME_MAX, type Discount, percentTrouble } from '#contexts/pricing/public.ts'
import { type Moment, type Rejected, reject } from '#kernel/decider.ts'
import { scaled } from '#kernel/money.ts'
import { decimal, type Infer, list, object, optional, text } from '#kernel/schema.ts'

const DISCOUNTS_MAX = 10
export const discounts = optional(
  list(
    object({
      name: text({ max: DISCOUNT_NAME_MAX }),
      percent: optional(decimal({ description: 'Either this or the amount.', example: 10 })),
      amount: optional(decimal()),
    }),
    { max: DISCOUNTS_MAX },
  ),
)
export type Told = NonNullable<Infer<typeof discounts>>

/** Whether this sender's prices count. */
export const namesPrices = ({ settings, source }: Pick<Moment, 'settings' | 'source'>): boolean =>
  source === 'import' || settings['orders.client_price'] === 'accept'

/** Reads them; what is wrong is noted by its field's name. */
export function discountsOf(
  told: Told,
  exponent: number,
  field: string,
  errors: Record<string, string>,
): readonly Discount[] {
  return told.flatMap(({ name, percent, amount }, i): readonly Discount[] => {
    const at = `${field}.${i}`
    if ((percent === undefined) === (amount === undefined)) {
      errors[at] = 'needs a percent or an amount, and not both'
      return []
    }
    if (percent !== undefined) {
      const trouble = percentTrouble(percent)
      if (trouble !== null) errors[`${at}.percent`] = trouble
      return [{ name, percent }]
    }
    const read = scaled(amount!, exponent)
    if (read.ok) return [{ name, amount_minor: read.value }]
    errors[`${at}.amount`] = read.reason
    return []
  })
}

/** Refused where the shop alone says what things cost; null: there is nothing against it. */
export function discountTrouble(
  fields: readonly string[],
  rules: Pick<Moment, 'settings' | 'source'>,
): Rejected | null {
  if (fields.length === 0 || namesPrices(rules)) return null
  const errors = fields
    .slice(0, NAMED_MAX)
    .map((field) => [field, 'are given by the shop alone (orders.client_price)'])
  return reject('business_rule_violated', 'The shop says what its goods cost, not the sender.', {
    errors: Object.fromEntries(errors),
  })
}
const NAMED_MAX = 20
