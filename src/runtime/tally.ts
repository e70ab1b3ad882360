// Counts what differs and names the first of it: a report stays short however much is wrong.
import type { Difference, VerifyReport } from './operations.ts'

export type Check = VerifyReport['checks'][number]
export type Tally = {
  compared: number
  differ(key: string, live: object | null, rebuilt: object | null): void
  check(): Check
}
const NAMED_MAX = 100

export function tally(name: string): Tally {
  const differences: Difference[] = []
  let differing = 0
  return {
    compared: 0,
    differ(key, live, rebuilt) {
      differing++
      if (differences.length < NAMED_MAX) differences.push({ key, live, rebuilt })
    },
    check() {
      return { name, compared: this.compared, differing, differences }
    },
  }
}
