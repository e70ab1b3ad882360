// Which currencies the shop takes, as its settings say.
import type { ShopSettings } from '#kernel/decider.ts'

export const standardCurrency = (settings: ShopSettings): string =>
  String(settings['money.default'] ?? 'USD')

/** null: it is taken. */
export function currencyTrouble(currency: string, settings: ShopSettings): string | null {
  const taken = settings['money.currencies']
  if (!Array.isArray(taken) || taken.includes(currency)) return null
  return `must be one of ${taken.join(', ')}`
}
