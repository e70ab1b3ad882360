// What the lines of the Online Retail file mean: each line read, each invoice of one kind. Pure.
import type { Instant } from '#kernel/message.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { COLUMNS, type RetailRecord } from './retail-reader.ts'

export const CURRENCY = 'GBP'

export type Line = {
  readonly line: number
  readonly invoice: string
  readonly code: string
  /** Empty in many lines. */
  readonly description: string
  readonly quantity: number
  readonly time: Instant
  readonly unit_price_minor: number
  readonly customer_id: string | null
  readonly country: string | null
}

/** A line that is not imported, and why. Everything else of the file is. */
export type RowError = {
  readonly line: number
  readonly invoice: string
  readonly reason: string
}

export type Kind = 'sale' | 'credit' | 'correction'

export type Invoice = {
  readonly number: string
  readonly kind: Kind
  /** Of its first line, like customer and country. */
  readonly time: Instant
  readonly customer_id: string | null
  readonly country: string | null
  readonly lines: readonly [Line, ...Line[]]
}

export function lineFrom({ line, fields }: RetailRecord): Line | RowError {
  const [number = '', stockCode = '', description = '', units, date, price, customer, country] =
    fields
  const invoice = number.trim()
  const code = stockCode.trim()
  const refused = (reason: string): RowError => ({ line, invoice, reason })
  if (fields.length < COLUMNS.length)
    return refused(`has ${fields.length} fields instead of ${COLUMNS.length}`)
  if (!/^[A-Za-z0-9._-]{1,100}$/.test(invoice)) return refused('InvoiceNo is not a number')
  if (code === '' || code.length > CODE_MAX)
    return refused(`StockCode must have 1 to ${CODE_MAX} characters`)
  const quantity = scaled(units!.trim(), 0)
  if (!quantity.ok) return refused(`Quantity ${quantity.reason}`)
  const time = instantFrom(date!.trim())
  if (time === null) return refused('InvoiceDate is not a time')
  const unitPrice = scaled(price!.trim(), exponentOf(CURRENCY))
  if (!unitPrice.ok) return refused(`UnitPrice ${unitPrice.reason}`)
  if (unitPrice.value < 0) return refused('UnitPrice is negative')
  const customerId = customer!.trim().replace(/\.0$/, '')
  if (!/^(?:[A-Za-z0-9][A-Za-z0-9._:-]{0,199})?$/.test(customerId))
    return refused('CustomerID is not an id')
  return {
    line,
    invoice,
    code,
    description: description.trim(),
    quantity: quantity.value,
    time,
    unit_price_minor: unitPrice.value,
    customer_id: customerId === '' ? null : customerId,
    country: country!.trim() === '' ? null : country!.trim(),
  }
}

const CODE_MAX = 100

export const isRefused = (line: Line | RowError): line is RowError => 'reason' in line
const isRead = (line: Line | RowError): line is Line => !isRefused(line)

/** Refused lines are out before; what is left of the invoice decides. */
export function kindOf(lines: readonly Line[]): Kind {
  if (lines[0]!.invoice.startsWith('C')) return 'credit'
  return lines.every(({ unit_price_minor, quantity }) => unit_price_minor === 0 || quantity <= 0)
    ? 'correction'
    : 'sale'
}

/** The invoice of these lines; null when none is left. A sale cannot sell nothing or less. */
export function invoiceFrom(lines: readonly (Line | RowError)[]): {
  readonly invoice: Invoice | null
  readonly errors: readonly RowError[]
} {
  const errors = lines.filter(isRefused)
  const read = lines.filter(isRead)
  if (read.length === 0) return { invoice: null, errors }
  const kind = kindOf(read)
  const kept = kind === 'sale' ? read.filter(({ quantity }) => quantity > 0) : read
  if (kept.length < read.length)
    for (const { line, invoice, quantity } of read)
      if (quantity <= 0)
        errors.push({ line, invoice, reason: `Quantity is ${quantity} on an invoice that sells` })
  const [first, ...rest] = kept
  // A sale has a line with a positive quantity, or it would be a correction.
  if (first === undefined) return { invoice: null, errors }
  const { invoice: number, time, customer_id, country } = first
  return {
    invoice: { number, kind, time, customer_id, country, lines: [first, ...rest] },
    errors,
  }
}

/**
 * `2010-12-01 08:26:00` (T and Z allowed), or the month first as in `12/1/2010 8:26`; taken as UTC.
 */
export function instantFrom(date: string): Instant | null {
  const iso = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.0+)?)?Z?$/.exec(date)
  if (iso !== null) return instantOf(iso.slice(1))
  const us = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(date)
  if (us === null) return null
  const [month, day, year, ...time] = us.slice(1)
  return instantOf([year, month, day, ...time])
}

function instantOf(parts: readonly (string | undefined)[]): Instant | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map((part) =>
    Number(part ?? 0),
  )
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // 30 February would silently become March.
  const same =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second
  return same ? date.toISOString() : null
}
