// Cash where the smallest coin is more than a minor unit.

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
