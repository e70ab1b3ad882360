// Puts what was measured between its marks in docs/performance.md; every other word stays.
import type { Result } from './question.ts'
import { pageTable } from './table.ts'

export type Taken = { readonly day: string; readonly machine: string; readonly seconds: number }

export function withTable(
  page: string,
  results: readonly Result[],
  { day, machine, seconds }: Taken,
): string {
  const told = `Measured on ${day}: ${machine}. Each measurement ${seconds} s, the median of three.`
  return withSection(page, 'bench', `${told}\n\n${pageTable(results)}`)
}

export function withSection(page: string, name: string, inside: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from)
    throw new Error(`the page has no place for the table (${begin} … ${end})`)
  return `${page.slice(0, from)}${begin}\n\n${inside}\n\n${page.slice(to)}`
}
