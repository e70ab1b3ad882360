// The cache of rows: never wrong, never larger than it may be.
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { seeded, seedOfRun } from '#testing/random.ts'
import { recentRows } from './recent-rows.ts'

test('what it has is what was put in last, and what was used lately it has', () => {
  const seed = seedOfRun()
  const { int, next: random } = seeded(seed)
  for (const max of [1, 2, 7, 50]) {
    const rows = recentRows<number>(max)
    const truth = new Map<string, number>()
    let used: string[] = []
    for (let step = 0; step < 3_000; step++) {
      const key = `k${int(0, 59)}`
      const kind = random()
      if (kind < 0.01) {
        rows.clear()
        used = []
      } else if (kind < 0.1) {
        rows.delete(key)
        truth.delete(key)
        used = used.filter((one) => one !== key)
      } else if (kind < 0.5) {
        rows.set(key, step)
        truth.set(key, step)
        used = [key, ...used.filter((one) => one !== key)]
      } else {
        const row = rows.get(key)
        if (row !== undefined) {
          equal(row, truth.get(key), `SEED=${seed}`)
          used = [key, ...used.filter((one) => one !== key)]
        }
      }
      for (const one of used.slice(0, Math.floor(max / 2)))
        ok(rows.get(one) !== undefined, `SEED=${seed}: ${one} was used lately`)
      used = used.slice(0, Math.floor(max / 2))
    }
  }
})

test('never holds more than it may', () => {
  const rows = recentRows<number>(10)
  for (let i = 0; i < 1_000; i++) rows.set(`k${i}`, i)
  let held = 0
  for (let i = 0; i < 1_000; i++) if (rows.get(`k${i}`) !== undefined) held++
  ok(held >= 5 && held <= 10, `${held}`)
})
