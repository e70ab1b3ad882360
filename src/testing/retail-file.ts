// A made-up Online Retail file with all the dirt of the real one, and what must come out of it. The
// truth is counted by plain loops from the rows as they were made up; it shares nothing with the
// import.

export type RetailTruth = {
  readonly sales: number
  readonly credits: number
  readonly corrections: number
  readonly credit_units: number
  readonly credit_pence: number
  readonly corrected_units: Readonly<Record<string, number>>
  readonly months: Readonly<Record<string, Sums>>
  readonly days: Readonly<Record<string, Sums>>
  readonly countries: Readonly<Record<string, Sums>>
  readonly products: Readonly<Record<string, Sums>>
  readonly customers: Readonly<Record<string, Sums>>
  /** Credits by month: how many, and their pence. */
  readonly credit_months: Readonly<Record<string, { count: number; pence: number }>>
  /** Lines that must be named as errors, ascending. */
  readonly refused: readonly number[]
}
export type Sums = { orders: number; units: number; pence: number }

type Row = {
  readonly invoice: string
  readonly code: string
  readonly description: string
  readonly quantity: string
  readonly date: string
  readonly price: string
  readonly customer: string
  readonly country: string
  /** Written without its last fields. */
  readonly torn?: true
}
type Placed = Row & { readonly line: number }

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'

export function retailFile(
  seed: number,
  invoices = 300,
): { readonly csv: string; readonly truth: RetailTruth } {
  const rows = madeUp(randomFrom(seed), invoices)
  let csv = `${HEADER}\r\n`
  let line = 2
  const placed: Placed[] = []
  for (const row of rows) {
    placed.push({ ...row, line })
    const text = written(row)
    csv += text
    line += text.split('\n').length - 1
  }
  return { csv, truth: truthOf(placed) }
}

type Random = (below: number) => number

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

// ── making up ─────────────────────────────────────────────────────────────────────────────────

const NAMES = [
  'WHITE LANTERN',
  'BAG, RED, LARGE',
  'SIGN "HOME"',
  'CARD\nTWO LINES',
  'TIN\r\nOLD ',
  '£5 VOUCHER',
  '',
]
const CODES = ['85123A', '85123a', '22423', 'POST', 'BANK CHARGES', 'DOT', '21730', 'gift_0001_20']
const COUNTRIES = ['United Kingdom', 'EIRE', 'Germany', 'Unspecified']
const PRICES = ['2.55', '0.0', '7', '12.5', '0.85', '13541.33', '1.250']

function madeUp(random: Random, invoices: number): readonly Row[] {
  const rows: Row[] = []
  let minutes = 0
  for (let index = 0; index < invoices; index++) {
    minutes += random(900)
    const number = String(536365 + index)
    const made = madeInvoice(random, index, number, minutes)
    // Lines of two invoices that were rung up side by side stand mixed in the file.
    if (index % 41 === 7) rows.splice(rows.length - 1, 0, ...made)
    else rows.push(...made)
  }
  return rows
}

function madeInvoice(random: Random, index: number, number: string, minutes: number): Row[] {
  const customer = random(4) === 0 ? '' : String(12346 + random(20))
  const country = COUNTRIES[random(COUNTRIES.length)]!
  const line = (change: Partial<Row> = {}, later = 0): Row => ({
    invoice: number,
    code: random(3) === 0 ? CODES[random(CODES.length)]! : String(20000 + random(60)),
    description: NAMES[random(NAMES.length)]!,
    quantity: String(1 + random(24)),
    date: dateAt(minutes + later),
    price: PRICES[random(PRICES.length)]!,
    customer,
    country,
    ...change,
  })
  const sale = Array.from({ length: 1 + random(index === 50 ? 300 : 12) }, () => line())
  switch (index % 13) {
    case 1:
      return sale.map((row) => ({ ...row, invoice: `C${number}`, quantity: `-${row.quantity}` }))
    case 2:
      return [line({ price: '0.0', customer: '', quantity: String(random(60) - 30 || 7) })]
    case 3:
      return [line({ price: '0', quantity: '-3', description: 'damaged' }), line({ price: '0.00' })]
    case 4:
      return [line({ price: '-11062.06', code: 'B' }), ...(index % 2 === 0 ? sale : [])]
    case 5:
      return [line({ price: '0.001' }), line({ price: '4.95' }), line({ price: '0.125' })]
    case 6:
      return [
        line({ code: '22423', price: '1.00' }),
        line({ code: '22423', price: '1.10' }),
        ...sale,
      ]
    case 7:
      return [line({ quantity: 'many' }), line({ date: '2010-13-01 08:26:00' }), ...sale, line()]
    case 8:
      return [line({ torn: true }), line({ quantity: '-2', price: '3.00' }), line({ price: '3' })]
    case 9:
      // Rung up over midnight: the first line's time is the invoice's.
      return [line({ price: '2.55' }), line({}, 24 * 60), line({}, 32 * 24 * 60)]
    default:
      return [line({ price: '2.55' }), ...sale]
  }
}

function dateAt(minutes: number): string {
  const date = new Date(Date.UTC(2010, 11, 1, 8, 26) + minutes * 60_000)
  return date.toISOString().slice(0, 19).replace('T', ' ')
}

function written(row: Row): string {
  const { invoice, code, description, quantity, date, price, customer, country } = row
  const fields = [invoice, code, description, quantity, date, price, customer, country]
  const kept = row.torn ? fields.slice(0, 4) : fields
  return `${kept.map(quoted).join(',')}\r\n`
}

const quoted = (field: string) =>
  /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field

// ── the truth ─────────────────────────────────────────────────────────────────────────────────

function truthOf(rows: readonly Placed[]): RetailTruth {
  const refused: number[] = []
  const invoices: Record<string, Placed[]> = {}
  for (const row of rows) {
    if (isBad(row)) {
      refused.push(row.line)
      continue
    }
    invoices[row.invoice] ??= []
    invoices[row.invoice]!.push(row)
  }
  const truth = {
    sales: 0,
    credits: 0,
    corrections: 0,
    credit_units: 0,
    credit_pence: 0,
    corrected_units: {} as Record<string, number>,
    months: {} as Record<string, Sums>,
    days: {} as Record<string, Sums>,
    countries: {} as Record<string, Sums>,
    products: {} as Record<string, Sums>,
    customers: {} as Record<string, Sums>,
    credit_months: {} as Record<string, { count: number; pence: number }>,
  }
  for (const lines of Object.values(invoices)) {
    const month = lines[0]!.date.slice(0, 7)
    if (lines[0]!.invoice[0] === 'C') {
      truth.credits++
      truth.credit_months[month] ??= { count: 0, pence: 0 }
      truth.credit_months[month]!.count++
      for (const row of lines) {
        truth.credit_units += Number(row.quantity)
        truth.credit_pence += penceOf(row)
        truth.credit_months[month]!.pence += penceOf(row)
      }
    } else if (lines.every((row) => Number(row.price) === 0 || Number(row.quantity) <= 0)) {
      truth.corrections++
      for (const row of lines) {
        truth.corrected_units[row.code] ??= 0
        truth.corrected_units[row.code]! += Number(row.quantity)
      }
    } else {
      truth.sales++
      const sold = lines.filter((row) => Number(row.quantity) > 0)
      for (const row of lines) if (Number(row.quantity) <= 0) refused.push(row.line)
      count(truth.months, sold[0]!.date.slice(0, 7), sold)
      count(truth.days, sold[0]!.date.slice(0, 10), sold)
      count(truth.countries, sold[0]!.country, sold)
      count(truth.customers, sold[0]!.customer || 'guest', sold)
      for (const code of new Set(sold.map((row) => row.code)))
        count(
          truth.products,
          code,
          sold.filter((row) => row.code === code),
        )
    }
  }
  return { ...truth, refused: refused.sort((a, b) => a - b) }
}

function isBad({ torn, price, quantity, date }: Row): boolean {
  const finerThanAPenny = price !== Number(price).toFixed(2) && (Number(price) * 100) % 1 !== 0
  return (
    torn === true ||
    Number(price) < 0 ||
    finerThanAPenny ||
    quantity === 'many' ||
    date.startsWith('2010-13')
  )
}

// Pounds as numbers are exact enough here to be rounded to the penny they stand for.
const penceOf = (row: Row) => Math.round(Number(row.price) * 100) * Number(row.quantity)

function count(sums: Record<string, Sums>, key: string, rows: readonly Row[]): void {
  sums[key] ??= { orders: 0, units: 0, pence: 0 }
  sums[key]!.orders++
  for (const row of rows) {
    sums[key]!.units += Number(row.quantity)
    sums[key]!.pence += penceOf(row)
  }
}
