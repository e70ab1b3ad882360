// Cash where the smallest coin is more than a minor unit.
import type { ShopSettings } from '#kernel/decider.ts'
import { exponentOf, scaled } from '#kernel/money.ts'

export type CashAmount = { readonly payable_minor: number; readonly rounding_minor: number }

/**
 * What is paid in cash for this amount where `step_minor` is the smallest coin (5: five cents);
 * half a step goes up. `payable = amount + rounding`. A step of 1 or less changes nothing.
 */
export function cashRounded(amount_minor: number, step_minor: number): CashAmount {
  if (step_minor <= 1) return { payable_minor: amount_minor, rounding_minor: 0 }
  const steps = Math.floor(Math.abs(amount_minor) / step_minor)
  const rest = Math.abs(amount_minor) - steps * step_minor
  const magnitude = (rest * 2 >= step_minor ? steps + 1 : steps) * step_minor
  const payable_minor = amount_minor < 0 && magnitude > 0 ? -magnitude : magnitude
  return { payable_minor, rounding_minor: payable_minor - amount_minor }
}

/** `CHF:0.05`: a currency and its smallest coin. */
const COIN_ENTRY = /^([A-Z]{3}):([0-9]+(?:\.[0-9]+)?)$/

export type Coin = { readonly currency: string; readonly step_minor: number }

/** null: it is none, or finer than the currency's minor unit. */
export function coinIn(entry: string): Coin | null {
  const [, currency = '', amount = ''] = COIN_ENTRY.exec(entry) ?? []
  const read = scaled(amount, exponentOf(currency))
  return read.ok ? { currency, step_minor: read.value } : null
}

/** The step that cash of this currency is rounded to: one for all, or as listed; 0: none. */
export function cashStep(settings: ShopSettings, currency: string): number {
  const told = settings['pos.cash_rounding']
  if (typeof told === 'number') return told
  if (!Array.isArray(told)) return 0
  const coins = told.map((entry) => coinIn(String(entry)))
  return coins.find((coin) => coin?.currency === currency)?.step_minor ?? 0
}
