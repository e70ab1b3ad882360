// The tills' part of the naive books: receipts counted, what was given back held against what was
// sold, accounts added up.
import type { Recorded } from '#kernel/message.ts'

export type Till = {
  /** The last number of each series of receipts. */
  readonly series: Map<string, number>
  readonly sales: Map<string, Sold>
  readonly accounts: Map<string, { balance: number; limit: number | null }>
  /** Units that left for each receipt, and those that its lines name; less what came back. */
  readonly left: Map<string, number>
  readonly named: Map<string, number>
  /** How many receipts and changes of accounts were looked at. */
  seen: number
}
type Sold = {
  readonly amount: number
  returned: number
  readonly units: Map<number, number>
}
export const openTill = (): Till => ({
  series: new Map(),
  sales: new Map(),
  accounts: new Map(),
  left: new Map(),
  named: new Map(),
  seen: 0,
})

// biome-ignore lint/suspicious/noExplicitAny: the log's own JSON, read as a stranger would read it
type Data = any
type TillHandler = (till: Till, data: Data, breach: (text: string) => void) => void

export const tillHandlers: Readonly<Record<Recorded['event_type'], TillHandler>> = {
  SaleCompleted: (till, data, breach) => {
    const { sale_id, sale_number, lines } = data
    if (till.sales.has(sale_id)) breach(`sale ${sale_id} was completed twice`)
    numbered(till, sale_number, breach)
    addsUp(sale_number, data, breach)
    const units = new Map<number, number>(lines.map((each: Data) => [each.line, each.quantity]))
    till.sales.set(sale_id, { amount: data.amount_minor, returned: 0, units })
    till.named.set(sale_number, sumOf(lines, 'quantity'))
  },
  SaleRefunded: (till, data, breach) => {
    const { sale_id, refund_number, lines, amount_minor } = data
    numbered(till, refund_number, breach)
    addsUp(refund_number, data, breach)
    const restocked = lines.filter((each: Data) => each.restocked)
    till.named.set(refund_number, -sumOf(restocked, 'quantity'))
    const sold = till.sales.get(sale_id)
    if (sold === undefined) return breach(`refund ${refund_number} of the unknown sale ${sale_id}`)
    sold.returned += amount_minor
    if (sold.returned > sold.amount)
      breach(`sale ${sale_id} of ${sold.amount}: ${sold.returned} were given back`)
    for (const { line, quantity } of lines) {
      const left = (sold.units.get(line) ?? 0) - quantity
      if (left < 0) breach(`sale ${sale_id}, line ${line}: more came back than was sold`)
      sold.units.set(line, left)
    }
  },
  InventoryAdjusted: (till, { reason, reference, adjustment }) => {
    if (reason !== 'sale' && reason !== 'sale_refund') return
    till.left.set(reference, (till.left.get(reference) ?? 0) - adjustment)
  },
  // Whoever bought before he was registered owes that already.
  CustomerRegistered: (till, { customer_id, credit_limit_minor }) => {
    const balance = till.accounts.get(customer_id)?.balance ?? 0
    till.accounts.set(customer_id, { balance, limit: credit_limit_minor })
  },
  CustomerAccountOpened: (till, { customer_id }) =>
    void till.accounts.set(customer_id, { balance: 0, limit: null }),
  CreditLimitChanged: (till, { customer_id, credit_limit_minor }) => {
    const account = till.accounts.get(customer_id)
    if (account !== undefined) account.limit = credit_limit_minor
  },
  CustomerBalanceChanged: (till, data, breach) => {
    const { customer_id, change_minor, balance_minor, cause } = data
    till.seen++
    const account = till.accounts.get(customer_id)
    if (account === undefined) return breach(`the unknown customer ${customer_id} owes something`)
    account.balance += change_minor
    if (account.balance !== balance_minor)
      breach(`${customer_id} owes ${account.balance}, and the book says ${balance_minor}`)
    if (cause === 'sale' && account.limit !== null && account.balance > account.limit)
      breach(`${customer_id} owes ${account.balance}, and may ${account.limit}`)
  },
}

/** What left the shelves for each receipt is what its lines name. */
export const goodsTroubles = ({ left, named }: Till): readonly string[] =>
  [...named].flatMap(([number, units]) => {
    const moved = left.get(number) ?? 0
    return moved === units ? [] : [`receipt ${number} names ${units} units, and ${moved} left`]
  })

/** The next of its series: none missing, none twice. */
function numbered(till: Till, number: string, breach: (text: string) => void): void {
  till.seen++
  const digits = /[0-9]+$/.exec(number)?.[0] ?? ''
  const series = number.slice(0, number.length - digits.length)
  const expected = (till.series.get(series) ?? 0) + 1
  if (Number(digits) !== expected) breach(`receipt ${number}, where ${expected} belongs`)
  till.series.set(series, Number(digits))
}

function addsUp(number: string, data: Data, breach: (text: string) => void): void {
  const { lines, amount_minor, rounding_minor, total_amount_minor, tenders } = data
  const lined = sumOf(lines, 'amount_minor')
  if (lined !== amount_minor) breach(`receipt ${number}: lines of ${lined} make ${amount_minor}`)
  const paid = sumOf(tenders, 'amount_minor')
  if (amount_minor + rounding_minor !== total_amount_minor || paid !== total_amount_minor)
    breach(`receipt ${number} of ${total_amount_minor}: ${paid} was paid`)
}

const sumOf = (all: readonly Data[], field: string): number =>
  all.reduce((sum: number, each: Data) => sum + each[field], 0)
