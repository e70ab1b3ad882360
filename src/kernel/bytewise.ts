// The order of texts that every engine answers in: by their UTF-8 bytes, as SQL engines compare.

/** JavaScript compares UTF-16 units, which puts U+E000…U+FFFF behind what lies above them. */
export const bytewise = (a: string, b: string): number => {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all others, so they go last. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)
