// How results look: as a table for eyes, as JSON for programs, and as lines of a page.
import { type Figure, type Limits, type Result, verdictOf } from './question.ts'

const HEAD = ['measure', 'ours', 'raw', 'ratio', 'at least', 'aim', 'verdict'] as const

const DIGITS = { '/s': 0, '%': 0, µs: 1, ms: 1, MB: 1 } as const

export function shown({ value, unit }: Figure): string {
  const digits = Math.abs(value) < 10 ? Math.max(1, DIGITS[unit]) : DIGITS[unit]
  const number = value.toLocaleString('en-US', { maximumFractionDigits: digits })
  return unit === '/s' ? `${number}/s` : `${number} ${unit}`
}

function limitShown(limits: Limits | undefined, which: 'at_least' | 'aim', { unit }: Figure) {
  if (limits === undefined) return ''
  return `${limits.better === 'more' ? '≥' : '≤'} ${shown({ value: limits[which], unit })}`
}

export function cells(result: Result): readonly string[] {
  const { measure, ours, raw, baseline, judged, limits } = result
  return [
    measure,
    shown(ours),
    `${shown(raw)} (${baseline})`,
    shown(judged),
    limitShown(limits, 'at_least', judged),
    limitShown(limits, 'aim', judged),
    verdictOf(result),
  ]
}

/** Columns as wide as their widest cell. */
export function textTable(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  const notes = results.flatMap(({ name, notes = [] }) => notes.map((note) => `${name}: ${note}`))
  const [head, ...body] = rows.map(line)
  return [
    head,
    '-'.repeat(head!.length),
    ...body,
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n')
}

export function pageTable(results: readonly Result[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  const notes = results.flatMap(({ name, notes = [] }) =>
    notes.map((note) => `- \`${name}\`: ${note}`),
  )
  return [
    line(HEAD),
    line(HEAD.map(() => '---')),
    ...results.map((result) => line(cells(result))),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n')
}
