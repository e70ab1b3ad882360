// Which taxes are due, by the shop's settings.
import type { ShopSettings } from '#kernel/decider.ts'
import type { PricingRules, Rate } from './price-lines.ts'

export const STANDARD_TAX_CLASS = 'standard'
/** `standard:VAT:20`, or for one country alone `standard@Germany:MwSt:19`. */
export const TAX_ENTRY =
  /^([a-z][a-z0-9_]{0,49})(?:@([^:@]{1,100}))?:([^:@]{1,100}):([0-9]{1,3}(?:\.[0-9]{1,4})?)$/

/**
 * The rates of a product's tax class (null: `standard`) where it goes. Where the settings name the
 * country for that class, those alone; otherwise those that name none.
 */
export function ratesFor(
  settings: ShopSettings,
  tax_class: string | null,
  country: string | null,
): readonly Rate[] {
  const listed = settings['money.taxes']
  if (!Array.isArray(listed)) return []
  const is_inclusive = settings['money.prices_include_tax'] !== false
  const ofClass = listed.flatMap((entry) => {
    const [, name_of_class, where, name, rate] = TAX_ENTRY.exec(String(entry)) ?? []
    return name_of_class === (tax_class ?? STANDARD_TAX_CLASS)
      ? [{ where, rate: { name: name!, rate: rate!, is_inclusive } }]
      : []
  })
  const here = ofClass.filter(({ where }) => where === country)
  const due = here.length > 0 ? here : ofClass.filter(({ where }) => where === undefined)
  return due.map(({ rate }) => rate)
}

export const pricingRules = (settings: ShopSettings): PricingRules => ({
  rounding: settings['money.rounding'] === 'half_even' ? 'half_even' : 'half_up',
  tax_level: settings['money.tax_level'] === 'total' ? 'total' : 'line',
})
