// Reads the decimals of one command into integers and collects what is wrong with them, so that the
// sender hears of all mistakes at once.
import { exponentOf, scaled } from '#kernel/money.ts'
import type { FieldErrors } from '#kernel/schema.ts'

/** A sum of a thousand such amounts is still an exact integer. */
export const AMOUNT_MAX = 10 ** 13
/** Of one stock item; a sum over a thousand stores is still exact. */
export const QUANTITY_MAX = 10 ** 12

export type AmountReader = {
  /** What was wrong so far; empty: all is well. */
  readonly errors: FieldErrors
  /** An amount that is not negative, in minor units. 0 when it is wrong. */
  amount(field: string, decimal: string, currency: string): number
  /** A quantity in steps of `scale`, not negative. 0 when it is wrong. */
  quantity(field: string, decimal: string, scale: number): number
  /** A quantity above zero. */
  positive(field: string, decimal: string, scale: number): number
  /** A change of a quantity, up or down. */
  change(field: string, decimal: string, scale: number): number
  note(field: string, reason: string): void
}

export function amountReader(): AmountReader {
  const errors: Record<string, string> = {}
  const note = (field: string, reason: string) => {
    errors[field] ??= reason
  }
  const read = (field: string, decimal: string, scale: number, max: number): number => {
    const read = scaled(decimal, scale)
    if (read.ok && Math.abs(read.value) <= max) return read.value
    note(field, read.ok ? 'is too large' : read.reason)
    return 0
  }
  const notNegative = (field: string, value: number): number => {
    if (value < 0) note(field, 'must not be negative')
    return Math.max(0, value)
  }
  return {
    errors,
    note,
    amount: (field, decimal, currency) =>
      notNegative(field, read(field, decimal, exponentOf(currency), AMOUNT_MAX)),
    quantity: (field, decimal, scale) =>
      notNegative(field, read(field, decimal, scale, QUANTITY_MAX)),
    positive(field, decimal, scale) {
      const value = read(field, decimal, scale, QUANTITY_MAX)
      if (value <= 0) note(field, 'must be more than zero')
      return value
    },
    change: (field, decimal, scale) => read(field, decimal, scale, QUANTITY_MAX),
  }
}

export const hasErrors = (errors: FieldErrors): boolean => Object.keys(errors).length > 0
