// What the mutation script reckons with: the lines of a diff, the time there is, and its page.
import { deepEqual, equal, match } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chosen, linesIn, linesOf } from './mutate-changes.ts'
import { counted, type Row, rowOf, rowsIn, scoreOf, sumOf, tables } from './mutate-page.ts'
import type { Mutant } from './mutate-run.ts'
import { subjects } from './mutate-scope.ts'

describe('the lines of a diff', () => {
  it('are those that it brings; what is only gone has none', () => {
    const diff = [
      '--- a/src/kernel/money.ts',
      '+++ b/src/kernel/money.ts',
      '@@ -1 +1 @@ // Exact decimals',
      '-old',
      '+new',
      '@@ -10,0 +11,3 @@ export const a',
      '@@ -20,2 +23,0 @@ export const b',
    ].join('\n')
    deepEqual(linesIn(diff), [
      [1, 1],
      [11, 13],
    ])
    equal(linesOf(linesIn(diff)), 4)
    deepEqual(linesIn(''), [])
  })
})

describe('the time there is', () => {
  const changes = [
    { path: 'a.ts', lines: [[1, 5] as const, [10, 19] as const] },
    { path: 'b.ts', lines: [[1, 4] as const] },
  ]
  it('is enough for all of it, or for the first of it; the rest is said', () => {
    deepEqual(
      chosen(changes, 100, () => 1),
      { taken: changes, left: [] },
    )
    deepEqual(
      chosen(changes, 13, () => 1),
      {
        taken: [
          {
            path: 'a.ts',
            lines: [
              [1, 5],
              [10, 12],
            ],
          },
        ],
        left: [
          { path: 'a.ts', lines: [[13, 19]] },
          { path: 'b.ts', lines: [[1, 4]] },
        ],
      },
    )
    deepEqual(chosen(changes, 26, () => 1).left, [{ path: 'b.ts', lines: [[2, 4]] }])
    deepEqual(
      chosen(changes, 3, () => 1),
      { taken: [], left: changes },
    )
  })
})

describe('a score', () => {
  const mutant = (status: string): Mutant => ({
    line: 1,
    mutator: 'BooleanLiteral',
    status,
    before: 'true',
    after: 'false',
  })
  const some = ['Killed', 'Killed', 'Timeout', 'Survived', 'NoCoverage', 'RuntimeError', 'Ignored']
  const counts = { killed: 2, timeout: 1, survived: 1, uncovered: 1, broken: 1 }
  it('is what was noticed of all that could be', () => {
    deepEqual(counted(some.map(mutant)), counts)
    equal(scoreOf(counts), 60)
    equal(scoreOf(counted([])), 100)
    deepEqual(sumOf([counts, counts]), counted([...some, ...some].map(mutant)))
  })
  it('comes back from its page as it was written', () => {
    const measured = { day: '2026-01-02', commit: 'abc1234' }
    const path = 'src/kernel/money.ts'
    const row: Row = rowOf({ path, mutants: some.map(mutant), seconds: 12.4 }, measured)
    const other: Row = { ...row, path: 'src/contexts/returns/return.ts', survived: 0, uncovered: 0 }
    const gone: Row = { ...row, path: 'src/kernel/gone.ts' }
    const known = new Map([row, other, gone].map((each) => [each.path, each]))
    const text = tables(known, subjects())
    deepEqual(rowsIn(text), [row, other])
    match(text, /^\| kernel \| 5 \| 2 \| 1 \| 1 \| 1 \| 1 \| 60\.0 % \|$/m)
    match(text, /^\| money and stock \| 3 \| 2 \| 1 \| 0 \| 0 \| 1 \| 100\.0 % \|$/m)
  })
})

describe('the scope', () => {
  it('is the kernel without its tests, and rules that there are', () => {
    const paths = subjects().map(({ path }) => path)
    equal(new Set(paths).size, paths.length)
    equal(paths.filter((path) => path.endsWith('.test.ts')).length, 0)
    equal(paths.includes('src/kernel/money.ts'), true)
    equal(paths.includes('src/contexts/payments/payment.ts'), true)
  })
})
