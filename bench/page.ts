// Puts the table between its marks in docs/performance.md and leaves every other word alone.
import type { Result } from './question.ts'
import { pageTable } from './table.ts'

const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

export type Taken = { readonly day: string; readonly machine: string; readonly seconds: number }

export function withTable(
  page: string,
  results: readonly Result[],
  { day, machine, seconds }: Taken,
): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from)
    throw new Error(`the page has no place for the table (${BEGIN} … ${END})`)
  const told = `Measured on ${day}: ${machine}. Each measurement ${seconds} s, the median of three.`
  const inside = `${BEGIN}\n\n${told}\n\n${pageTable(results)}\n\n`
  return page.slice(0, from) + inside + page.slice(to)
}
