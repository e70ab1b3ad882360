// What an import has found and done so far, and the report that it ends with.
import type { Invoice, Kind, RowError } from './retail-invoice.ts'

export type ImportReport = {
  readonly file: string
  readonly dry_run: boolean
  /** false: it was stopped before the end. */
  readonly finished: boolean
  /** Lines of the invoices that were dealt with. */
  readonly lines: number
  readonly products: Counted
  readonly customers: Counted
  readonly kinds: Readonly<Record<Kind, KindSums>>
  /** Lines that were not imported; the first 1,000 are named. */
  readonly refused_lines: number
  readonly row_errors: readonly RowError[]
  /** Products and invoices that the product refused; the first 1,000 are named. */
  readonly failed: number
  readonly failures: readonly Failure[]
  /** Written to the log meanwhile. */
  readonly events: number
  readonly elapsed_ms: number
}
/** New ones, those that an earlier run had brought, and those that were refused. */
export type Counted = { readonly new: number; readonly before: number; readonly failed: number }
export type KindSums = Counted & {
  /** Of all that are in the book now. */
  readonly lines: number
  readonly units: number
  readonly amount_minor: number
}
export type Failure = { readonly what: string; readonly reason: string }

export type Tally = {
  product(how: keyof Counted): void
  customer(how: keyof Counted): void
  read(lines: number, errors: readonly RowError[]): void
  invoice(invoice: Invoice, how: keyof Counted): void
  failed(what: string, reason: string): void
  orders(): number
  report(events: number, finished: boolean): ImportReport
}

const NAMED_MAX = 1_000
const NONE = { new: 0, before: 0, failed: 0 }

export function tally(file: string, dryRun: boolean): Tally {
  const began = performance.now()
  const products = { ...NONE }
  const customers = { ...NONE }
  const sums = () => ({ ...NONE, lines: 0, units: 0, amount_minor: 0 })
  const kinds = { sale: sums(), credit: sums(), correction: sums() }
  const row_errors: RowError[] = []
  const failures: Failure[] = []
  let lines = 0
  let refused_lines = 0
  let failed = 0
  return {
    product: (how) => void products[how]++,
    customer: (how) => void customers[how]++,
    read(count, errors) {
      lines += count
      refused_lines += errors.length
      row_errors.push(...errors.slice(0, NAMED_MAX - row_errors.length))
    },
    invoice(invoice, how) {
      const kind = kinds[invoice.kind]
      kind[how]++
      if (how === 'failed') return
      kind.lines += invoice.lines.length
      for (const { quantity, unit_price_minor } of invoice.lines) {
        kind.units += quantity
        kind.amount_minor += quantity * unit_price_minor
      }
    },
    failed(what, reason) {
      failed++
      if (failures.length < NAMED_MAX) failures.push({ what, reason })
    },
    orders: () => kinds.sale.new + kinds.sale.before,
    report: (events, finished) => ({
      file,
      dry_run: dryRun,
      finished,
      lines,
      products,
      customers,
      kinds,
      refused_lines,
      row_errors: row_errors.toSorted((a, b) => a.line - b.line),
      failed,
      failures,
      events,
      elapsed_ms: Math.round(performance.now() - began),
    }),
  }
}
