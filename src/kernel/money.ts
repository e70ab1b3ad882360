// Exact decimals: money as integer minor units, quantities as integers of the smallest step.
// Nothing here goes through floating point; a decimal is read from its characters.

/** ISO 4217 currencies whose minor unit is not a hundredth. */
const EXPONENTS: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
}
/** Digits after the point in amounts of this currency. */
export const exponentOf = (currency: string): number => EXPONENTS[currency] ?? 2

export type Scaled =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly reason: string }

/** `"29.99"` at scale 2 is 2999. Refuses what is finer than the scale or beyond 2^53 - 1. */
export function scaled(decimal: string, scale: number): Scaled {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?$/.exec(decimal)
  if (match === null) return { ok: false, reason: 'must be a decimal number' }
  const [, sign = '', whole = '', rest = ''] = match
  const fraction = rest.replace(/0+$/, '')
  if (fraction.length > scale)
    return {
      ok: false,
      reason: scale === 0 ? 'must be a whole number' : `must have at most ${scale} decimals`,
    }
  const value = Number(whole + fraction.padEnd(scale, '0'))
  if (!Number.isSafeInteger(value)) return { ok: false, reason: 'is too large' }
  return { ok: true, value: sign === '-' && value !== 0 ? -value : value }
}

/** 2999 at scale 2 is `"29.99"`. */
export function unscaled(value: number, scale: number): string {
  if (scale === 0) return String(value)
  const digits = String(Math.abs(value)).padStart(scale + 1, '0')
  return `${value < 0 ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The same as a number, for people: 2999 at scale 2 is 29.99. Never to reckon with. */
export const decimalNumber = (value: number, scale: number): number =>
  Number(unscaled(value, scale))

/**
 * A line's amount: unit price times quantity, rounded half up (or half to even) to a minor unit.
 * `quantity` is an integer at `quantityScale`. Throws a RangeError beyond 2^53 - 1.
 */
export function lineAmount(
  unitPriceMinor: number,
  quantity: number,
  quantityScale: number,
  rounding: 'half_up' | 'half_even' = 'half_up',
): number {
  const divisor = 10n ** BigInt(quantityScale)
  const product = BigInt(unitPriceMinor) * BigInt(quantity)
  const magnitude = product < 0n ? -product : product
  let whole = magnitude / divisor
  const twice = (magnitude % divisor) * 2n
  const up = twice > divisor || (twice === divisor && (rounding === 'half_up' || whole % 2n === 1n))
  if (up) whole += 1n
  const value = Number(product < 0n ? -whole : whole)
  if (!Number.isSafeInteger(value)) throw new RangeError('an amount beyond 2^53 minor units')
  return value
}

/** null: beyond what an amount can be, 2^53 - 1 minor units. */
export function reckoned<T>(reckon: () => T): T | null {
  try {
    return reckon()
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
