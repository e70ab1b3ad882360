// Naive books of tills, beside the program's own: receipts counted, what was given back held
// against what was sold, accounts and drawers added up. A plain fold of the log.
import type { Recorded } from '#kernel/message.ts'

export type Till = {
  /** The last number of each series of receipts. */
  readonly series: Map<string, number>
  readonly sales: Map<string, Sold>
  readonly accounts: Map<string, { balance: number; limit: number | null }>
  /** Units that left for each receipt, and those that its lines name; less what came back. */
  readonly left: Map<string, number>
  readonly named: Map<string, number>
  /** Cash that each receipt says was taken; what was given back is negative. */
  readonly cash: Map<string, number>
  /** Sessions by their id. */
  readonly drawers: Map<string, Drawer>
  /** The session that is open, by register. */
  readonly open: Map<string, string>
  /** Receipts of sales that were told later: nobody could refuse them any more. */
  readonly late: Set<string>
  /** How many receipts, changes of accounts and moves of cash were looked at. */
  seen: number
}
type Sold = {
  readonly amount: number
  returned: number
  readonly units: Map<number, number>
}
type Drawer = { expected: number; readonly currency: string; difference: number; isTold: boolean }

/** The device that tells of sales later. */
export const OFFLINE = 'offline'

export const openTill = (): Till => ({
  series: new Map(),
  sales: new Map(),
  accounts: new Map(),
  left: new Map(),
  named: new Map(),
  cash: new Map(),
  drawers: new Map(),
  open: new Map(),
  late: new Set(),
  seen: 0,
})

// biome-ignore lint/suspicious/noExplicitAny: the log's own JSON, read as a stranger would read it
type Data = any
type TillHandler = (till: Till, data: Data, breach: (text: string) => void) => void

const registerOf = ({ store_id, register_id }: Data) => `${store_id}:${register_id}`
/** A move is inside the session that is open where it was made. */
function drawerOf(till: Till, data: Data, breach: (text: string) => void): Drawer | undefined {
  const { session_id } = data
  if (till.open.get(registerOf(data)) !== session_id)
    breach(`cash of session ${session_id} moved, which is not open there`)
  return till.drawers.get(session_id)
}

export const tillHandlers: Readonly<Record<Recorded['event_type'], TillHandler>> = {
  SaleCompleted: (till, data, breach) => {
    const { sale_id, sale_number, lines } = data
    if (till.sales.has(sale_id)) breach(`sale ${sale_id} was completed twice`)
    if (data.device_id === OFFLINE) till.late.add(sale_number)
    numbered(till, sale_number, breach)
    addsUp(sale_number, data, breach)
    const units = new Map<number, number>(lines.map((each: Data) => [each.line, each.quantity]))
    till.sales.set(sale_id, { amount: data.amount_minor, returned: 0, units })
    till.named.set(sale_number, sumOf(lines, 'quantity'))
    till.cash.set(sale_number, cashIn(data.tenders))
  },
  SaleRefunded: (till, data, breach) => {
    const { sale_id, against_sale_id: against, refund_number, lines, amount_minor } = data
    if (data.device_id === OFFLINE) till.late.add(refund_number)
    numbered(till, refund_number, breach)
    addsUp(refund_number, data, breach)
    const restocked = lines.filter((each: Data) => each.restocked)
    till.named.set(refund_number, -sumOf(restocked, 'quantity'))
    till.cash.set(refund_number, -cashIn(data.tenders))
    // Beyond what a sale had left only what was told later comes back.
    if (against !== undefined && !till.late.has(refund_number))
      breach(`refund ${refund_number} is more than its sale ${against} has left`)
    // There is nothing to hold it against.
    if (sale_id === null) return
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
  RegisterEntryMade: (till, data, breach) => {
    const { document_number, session_id, currency } = data
    const cash = till.cash.get(document_number)
    if (cash === undefined) return breach(`nothing is known of the receipt ${document_number}`)
    // What was told later may be of before the drawer was opened.
    const isOpen = till.open.has(registerOf(data))
    if (session_id === null && isOpen && !till.late.has(document_number))
      breach(`receipt ${document_number} is in no drawer, and one was open`)
    if (session_id === null) return
    const drawer = drawerOf(till, data, breach)
    if (drawer !== undefined && drawer.currency === currency) drawer.expected += cash
  },
  CashSessionOpened: (till, data, breach) => {
    const { session_id, currency, float_minor } = data
    till.seen++
    if (till.open.has(registerOf(data))) breach(`two drawers are open at ${registerOf(data)}`)
    if (till.drawers.has(session_id)) breach(`session ${session_id} was opened twice`)
    till.open.set(registerOf(data), session_id)
    till.drawers.set(session_id, { expected: float_minor, currency, difference: 0, isTold: true })
  },
  CashMoved: (till, data, breach) => {
    till.seen++
    const drawer = drawerOf(till, data, breach)
    if (drawer !== undefined) drawer.expected += data.amount_minor
  },
  CashSessionClosed: (till, data, breach) => {
    const { session_id, expected_minor, counted_minor, difference_minor } = data
    till.seen++
    const drawer = drawerOf(till, data, breach)
    till.open.delete(registerOf(data))
    if (drawer === undefined) return
    if (drawer.expected !== expected_minor)
      breach(`${drawer.expected} belong into drawer ${session_id}; the book says ${expected_minor}`)
    drawer.difference = counted_minor - drawer.expected
    drawer.isTold = drawer.difference === 0
    if (difference_minor !== drawer.difference)
      breach(`drawer ${session_id} differs by ${drawer.difference}, not by ${difference_minor}`)
  },
  CashDifferenceFound: (till, { session_id, difference_minor }, breach) => {
    const drawer = till.drawers.get(session_id)
    if (drawer?.isTold !== false || drawer.difference !== difference_minor)
      return breach(`drawer ${session_id} does not differ by ${difference_minor}`)
    drawer.isTold = true
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
    const { customer_id, change_minor, balance_minor, cause, reference } = data
    till.seen++
    const account = till.accounts.get(customer_id)
    if (account === undefined) return breach(`the unknown customer ${customer_id} owes something`)
    account.balance += change_minor
    if (account.balance !== balance_minor)
      breach(`${customer_id} owes ${account.balance}, and the book says ${balance_minor}`)
    const isNew = cause === 'sale' && !till.late.has(reference)
    if (isNew && account.limit !== null && account.balance > account.limit)
      breach(`${customer_id} owes ${account.balance}, and may ${account.limit}`)
  },
}

/** What left the shelves for each receipt is what its lines name; what a drawer lacked was told. */
export const tillTroubles = ({ left, named, drawers }: Till): readonly string[] => [
  ...[...named].flatMap(([number, units]) => {
    const moved = left.get(number) ?? 0
    return moved === units ? [] : [`receipt ${number} names ${units} units, and ${moved} left`]
  }),
  ...[...drawers].flatMap(([id, { isTold, difference }]) =>
    isTold ? [] : [`drawer ${id} differed by ${difference}, and nobody was told`],
  ),
]

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
const cashIn = (tenders: readonly Data[]): number =>
  sumOf(
    tenders.filter(({ type }) => type === 'cash'),
    'amount_minor',
  )
