// An operator reads everything once, and not a thousand times.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { sparing } from './sparing.ts'

function listening() {
  const lines: string[] = []
  let ms = 0
  const tell = sparing(
    (line) => lines.push(line),
    () => ms,
  )
  return {
    lines,
    tell,
    later: (by: number) => {
      ms += by
    },
  }
}

test('the same words are told at once, and after ten seconds with how often they came', () => {
  const { tell, lines, later } = listening()
  for (let i = 0; i < 60; i++) {
    tell('leases: away')
    later(500)
  }
  tell('circuit closed')
  deepEqual(lines, [
    'leases: away',
    'leases: away (and 19 times more)',
    'leases: away (and 19 times more)',
    'circuit closed',
  ])
})

test('what comes again after a pause is told as it is', () => {
  const { tell, lines, later } = listening()
  tell('away')
  later(10_000)
  tell('away')
  deepEqual(lines, ['away', 'away'])
})

test('ever new words are all told', () => {
  const { tell, lines } = listening()
  for (let i = 0; i < 1_000; i++) tell(`order ${i}`)
  equal(new Set(lines).size, 1_000)
})
