// The page of scores, docs/mutation.md: a row for each file, with the day and the commit that it
// was measured on. Only what stands between the two marks is written here.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mutant, Outcome } from './mutate-run.ts'
import { GROUPS, ROOT, type Subject } from './mutate-scope.ts'

const PAGE = join(ROOT, 'docs', 'mutation.md')
const BEGIN = '<!-- scores -->'
const END = '<!-- /scores -->'

const COUNTS = ['killed', 'timeout', 'survived', 'uncovered', 'broken'] as const
export type Counts = Readonly<Record<(typeof COUNTS)[number], number>>
export type Row = Counts & {
  readonly path: string
  readonly seconds: number
  readonly day: string
  readonly commit: string
}

const STATUS: Readonly<Record<string, keyof Counts>> = {
  Killed: 'killed',
  Timeout: 'timeout',
  Survived: 'survived',
  NoCoverage: 'uncovered',
  RuntimeError: 'broken',
  CompileError: 'broken',
}

export function counted(mutants: readonly Mutant[]): Counts {
  const counts = { killed: 0, timeout: 0, survived: 0, uncovered: 0, broken: 0 }
  for (const { status } of mutants) {
    const name = STATUS[status]
    // Ignored by a comment with its reason: no mutant at all.
    if (name !== undefined) counts[name]++
  }
  return counts
}

export const sumOf = (rows: readonly Counts[]): Counts => {
  const sum = (name: keyof Counts) => rows.reduce((total, row) => total + row[name], 0)
  return {
    killed: sum('killed'),
    timeout: sum('timeout'),
    survived: sum('survived'),
    uncovered: sum('uncovered'),
    broken: sum('broken'),
  }
}

const mutantsIn = ({ killed, timeout, survived, uncovered }: Counts): number =>
  killed + timeout + survived + uncovered

/** Of a hundred mutants, how many were noticed; those that do not even load count for nothing. */
export const scoreOf = (counts: Counts): number =>
  mutantsIn(counts) === 0 ? 100 : (100 * (counts.killed + counts.timeout)) / mutantsIn(counts)

export const rowOf = (
  { path, mutants, seconds }: Outcome,
  { day, commit }: Pick<Row, 'day' | 'commit'>,
): Row => ({ path, ...counted(mutants), seconds: Math.round(seconds), day, commit })

export const readRows = (): readonly Row[] => rowsIn(readFileSync(PAGE, 'utf8'))

/** The new rows take the place of the old ones; files that are not in scope any more go. */
export function writeRows(rows: readonly Row[], subjects: readonly Subject[]): void {
  const text = readFileSync(PAGE, 'utf8')
  const known = new Map([...rowsIn(text), ...rows].map((row) => [row.path, row]))
  const [head, tail] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (head < 0 || tail < head) throw new Error(`${PAGE} has no ${BEGIN} … ${END}`)
  const table = tables(known, subjects)
  writeFileSync(PAGE, `${text.slice(0, head + BEGIN.length)}\n${table}\n${text.slice(tail)}`)
}

export function tables(known: ReadonlyMap<string, Row>, subjects: readonly Subject[]): string {
  const of = (group: string) =>
    subjects.flatMap(({ path, area }) => (area.group === group ? (known.get(path) ?? []) : []))
  const totals = GROUPS.map((group) => {
    const sum = sumOf(of(group))
    return [group, ...cells(sum)]
  })
  const files = GROUPS.flatMap(of).map((row) => [
    row.path,
    ...cells(row),
    String(row.seconds),
    row.day,
    row.commit,
  ])
  const names = [
    'mutants',
    'killed',
    'timed out',
    'survived',
    'not covered',
    'do not load',
    'score',
  ]
  return [
    ...lines(['group', ...names], totals),
    '',
    ...lines(['file', ...names, 'seconds', 'day', 'commit'], files),
  ].join('\n')
}

const cells = (counts: Counts): string[] => [
  String(mutantsIn(counts)),
  ...COUNTS.map((name) => String(counts[name])),
  `${scoreOf(counts).toFixed(1)} %`,
]

const lines = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  )

/** The rows of files, as they were written. */
export const rowsIn = (text: string): readonly Row[] =>
  text.split('\n').flatMap((line) => {
    const [path, , killed, timeout, survived, uncovered, broken, , seconds, day, commit] = line
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    if (path === undefined || !/^src\/.+\.ts$/.test(path) || commit === undefined) return []
    return [
      {
        path,
        killed: Number(killed),
        timeout: Number(timeout),
        survived: Number(survived),
        uncovered: Number(uncovered),
        broken: Number(broken),
        seconds: Number(seconds),
        day: day ?? '',
        commit,
      },
    ]
  })
