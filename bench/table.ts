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

export function textTable(results: readonly Result[]): string {
  const notes = results.flatMap(({ name, notes = [] }) => notes.map((note) => `${name}: ${note}`))
  return [columns([HEAD, ...results.map(cells)]), ...notesBelow(notes)].join('\n')
}

export function pageTable(results: readonly Result[]): string {
  const notes = results.flatMap(({ name, notes = [] }) =>
    notes.map((note) => `- \`${name}\`: ${note}`),
  )
  return [pageColumns([HEAD, ...results.map(cells)]), ...notesBelow(notes)].join('\n')
}

const notesBelow = (notes: readonly string[]) => (notes.length > 0 ? ['', ...notes] : [])

/** The first row is the head; columns as wide as their widest cell. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const [head, ...body] = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  return [head, '-'.repeat(head!.length), ...body].join('\n')
}

/** The same as Markdown. */
export function pageColumns(rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  const [head, ...body] = rows
  return [line(head!), line(head!.map(() => '---')), ...body.map(line)].join('\n')
}
