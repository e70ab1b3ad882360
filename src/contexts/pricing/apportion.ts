// A whole number of minor units shared out by weight, to the last one.

/**
 * Shares of `total` (0 or more) in proportion to `weights` (0 or more each): they add up to `total`
 * exactly. What is left after rounding down goes to the largest remainders, the first of equals.
 * No share is more than its weight where the total is not more than all weights. All weights 0: the
 * first has it all.
 */
export function apportion(total: number, weights: readonly number[]): readonly number[] {
  const all = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  if (all === 0n) return weights.map((_, i) => (i === 0 ? total : 0))
  const exact = weights.map((weight, index) => {
    const product = BigInt(total) * BigInt(weight)
    return { index, whole: product / all, rest: product % all }
  })
  let left = Number(BigInt(total) - exact.reduce((sum, { whole }) => sum + whole, 0n))
  const shares = exact.map(({ whole }) => Number(whole))
  // Equals stay in their order.
  const byRest = exact.toSorted((a, b) => Number(b.rest > a.rest) - Number(b.rest < a.rest))
  for (const { index } of byRest) {
    if (left === 0) break
    shares[index]! += 1
    left -= 1
  }
  return shares
}
