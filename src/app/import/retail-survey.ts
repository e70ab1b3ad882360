// The first pass over the file: which products and customers there are, what stock they need to
// have had, and where each invoice ends. All that is kept is one entry for each of these.
import type { Instant } from '#kernel/message.ts'
import {
  type Invoice,
  invoiceFrom,
  isRefused,
  type Line,
  lineFrom,
  type RowError,
} from './retail-invoice.ts'
import { type RetailRecord, retailRecords } from './retail-reader.ts'

export type Survey = {
  readonly lines: number
  /** Number of invoices in the file; the import may be limited to the first of them. */
  readonly invoices: number
  /** Of the invoices that will be imported. */
  readonly selected: number
  /** Products of the selected invoices. */
  readonly products: readonly Product[]
  /** Of the selected invoices; guests are nobody. */
  readonly customers: readonly Customer[]
  /** Of the file's first invoice: before it the opening stock must be there. */
  readonly opened_at: Instant
  readonly spans: ReadonlyMap<string, Span>
}

export type Product = {
  /** Codes that differ only in case are different products. */
  readonly code: string
  readonly name: string
  readonly sell_price_minor: number
  /**
   * Units that ever leave, in the whole file: with them no order can lack stock, whatever the
   * order.
   */
  readonly opening_stock: number
}

/** All that the file tells of a customer: a number, and when it first stood on a line. */
export type Customer = { readonly customer_id: string; readonly since: Instant }

/** Where an invoice stands among the others, and how many records it has. */
type Span = { readonly order: number; records: number }

type Draft = {
  code: string
  sold_name: string
  any_name: string
  price: number
  opening_stock: number
  wanted: boolean
}

export async function surveyed(file: string, limit = Number.POSITIVE_INFINITY): Promise<Survey> {
  const spans = new Map<string, Span>()
  const drafts = new Map<string, Draft>()
  const customers = new Map<string, Instant>()
  let lines = 0
  let opened_at: Instant | undefined
  for await (const records of retailRecords(file))
    for (const record of records) {
      lines++
      const line = lineFrom(record)
      const span = spans.get(line.invoice)
      if (span === undefined) spans.set(line.invoice, { order: spans.size, records: 1 })
      else span.records++
      if (isRefused(line)) continue
      opened_at = opened_at === undefined || line.time < opened_at ? line.time : opened_at
      const isWanted = (span?.order ?? spans.size - 1) < limit
      countIn(drafts, line, isWanted)
      if (isWanted) noteIn(customers, line)
    }
  const products = [...drafts.values()].filter(({ wanted }) => wanted).map(productFrom)
  return {
    lines,
    invoices: spans.size,
    selected: Math.min(spans.size, limit),
    products,
    customers: [...customers].map(([customer_id, since]) => ({ customer_id, since })),
    opened_at: opened_at ?? '1970-01-01T00:00:00.000Z',
    spans,
  }
}

function noteIn(customers: Map<string, Instant>, { customer_id, time }: Line): void {
  if (customer_id === null) return
  const known = customers.get(customer_id)
  if (known === undefined || time < known) customers.set(customer_id, time)
}

function countIn(drafts: Map<string, Draft>, line: Line, wanted: boolean): void {
  const { code, description, quantity, unit_price_minor, invoice } = line
  const fresh = { code, sold_name: '', any_name: '', price: 0, opening_stock: 0, wanted: false }
  const draft = drafts.get(code) ?? fresh
  drafts.set(code, draft)
  draft.wanted ||= wanted
  draft.any_name ||= description
  if (invoice.startsWith('C')) return
  // Whichever kind the invoice turns out to be, no more than this can leave the stock.
  draft.opening_stock += Math.abs(quantity)
  if (unit_price_minor === 0 || quantity <= 0) return
  // Names on corrections tell of mishaps ("damaged", "?"); the one on a sale is the product's.
  draft.sold_name ||= description
  draft.price ||= unit_price_minor
}

/** What a product's name may have; the file's longest has 35. */
const NAME_MAX = 300

const productFrom = ({ code, sold_name, any_name, price, opening_stock }: Draft): Product => ({
  code,
  name: (sold_name || any_name || code).slice(0, NAME_MAX),
  sell_price_minor: price,
  opening_stock,
})

export type SurveyedInvoice = {
  /** null when every line of it was refused. */
  readonly invoice: Invoice | null
  readonly errors: readonly RowError[]
  readonly lines: number
}

/**
 * The second pass: whole invoices, each as soon as its last line was read, few of them open at a
 * time.
 */
export async function* surveyedInvoices(
  file: string,
  { spans, selected }: Pick<Survey, 'spans' | 'selected'>,
): AsyncGenerator<SurveyedInvoice> {
  const open = new Map<string, (Line | RowError)[]>()
  let done = 0
  for await (const records of retailRecords(file))
    for (const record of records) {
      const whole = collected(record, open, spans, selected)
      if (whole === undefined) continue
      yield { ...invoiceFrom(whole), lines: whole.length }
      if (++done === selected) return
    }
}

function collected(
  record: RetailRecord,
  open: Map<string, (Line | RowError)[]>,
  spans: Survey['spans'],
  selected: number,
): readonly (Line | RowError)[] | undefined {
  const line = lineFrom(record)
  const span = spans.get(line.invoice)
  if (span === undefined) throw new Error('the file was changed while it was read')
  if (span.order >= selected) return undefined
  const lines = open.get(line.invoice) ?? []
  lines.push(line)
  open.set(line.invoice, lines)
  if (lines.length < span.records) return undefined
  open.delete(line.invoice)
  return lines
}
