// Naive books of orders, money against goods: what was cancelled after it was paid, or came back,
// was paid back, once; and no unit was sent, cancelled or taken back that there was not.
import type { Recorded } from '#kernel/message.ts'

type Units = { readonly line: number; readonly quantity: number }
type Data = {
  readonly order_id: string
  readonly payment_id: string
  readonly operation_id: string
  readonly amount_minor: number
  readonly total_amount_minor?: number
  readonly lines?: readonly Units[]
  readonly change?: string
  readonly is_owed?: boolean
  readonly is_external?: boolean
}
type Line = { quantity: number; cancelled: number; shipped: number; returned: number }
type Account = {
  total: number
  returned: number
  isCancelled: boolean
  isExternal: boolean
  captured: number
  refunded: number
  owedBack: number
  /** Of money taken elsewhere: what a person was told to give back. */
  toldElsewhere: number
  readonly owed: Set<string>
  lines: Map<number, Line>
}

export type Owed = Map<string, Account>
export const openOwed = (): Owed => new Map()

export function takeOwed(owed: Owed, { event_type, data: told }: Recorded): void {
  const data = told as Data
  if (event_type === 'OrderCreated') owed.set(data.order_id, opened(data))
  const account = owed.get(data.order_id)
  if (account !== undefined) booked(account, event_type, data)
}

/** Of a shop at peace. */
export const owedTroubles = (owed: Owed): readonly string[] =>
  [...owed].flatMap(([id, account]) => [...owedProblems(id, account), ...unitProblems(id, account)])

function opened({ total_amount_minor = 0, lines = [] }: Data): Account {
  return {
    total: total_amount_minor,
    ...{ returned: 0, captured: 0, refunded: 0, owedBack: 0, toldElsewhere: 0 },
    ...{ isCancelled: false, isExternal: false, owed: new Set() },
    lines: new Map(lines.map(({ line, quantity }) => [line, newLine(quantity)])),
  }
}
const newLine = (quantity: number): Line => ({ quantity, cancelled: 0, shipped: 0, returned: 0 })

function booked(account: Account, type: string, data: Data): void {
  const { amount_minor, operation_id, total_amount_minor, lines } = data
  const count = (what: 'cancelled' | 'shipped' | 'returned') => {
    for (const { line, quantity } of lines ?? []) {
      const known = account.lines.get(line)
      if (known !== undefined) known[what] += quantity
    }
  }
  switch (type) {
    case 'OrderUpdated':
      if (lines === undefined) break
      account.total = total_amount_minor ?? 0
      account.lines = new Map(lines.map(({ line, quantity }) => [line, newLine(quantity)]))
      break
    case 'OrderLinesCancelled':
      account.total = total_amount_minor ?? 0
      count('cancelled')
      break
    case 'OrderPartiallyShipped':
    case 'OrderShipped':
      if (lines !== undefined) count('shipped')
      // All that was left, in one parcel.
      else for (const line of account.lines.values()) line.shipped = line.quantity - line.cancelled
      break
    case 'OrderRefundGranted':
      account.returned += amount_minor
      break
    case 'OrderReturnChanged':
      if (data.change !== 'received') break
      account.returned += amount_minor
      count('returned')
      break
    case 'OrderCancelled':
      account.isCancelled = true
      break
    case 'PaymentAuthorized':
      if (data.is_external === true) paidElsewhere(account)
      break
    case 'PaymentCaptured':
      account.captured += amount_minor
      break
    case 'PaymentRefundRequested':
      if (data.is_owed === true) account.owed.add(operation_id)
      break
    case 'PaymentRefundOwed':
      account.toldElsewhere += amount_minor
      break
    case 'PaymentRefunded':
      account.refunded += amount_minor
      if (account.owed.has(operation_id)) account.owedBack += amount_minor
  }
}

/** Another one only after the one before is back: what is not would be left over here. */
function paidElsewhere(account: Account): void {
  account.isExternal = true
  account.captured -= account.refunded
  account.refunded = 0
  account.toldElsewhere = 0
}

function owedProblems(id: string, account: Account): readonly string[] {
  const { total, returned, isCancelled, isExternal, captured, refunded, owedBack } = account
  const owed = isCancelled ? 0 : total - returned
  if (isExternal) return elsewhereProblems(id, account, owed)
  if (isCancelled) return []
  const kept = captured - owedBack
  // What somebody gave back by hand cannot be given back again.
  const isEmpty = refunded === captured
  if (kept > owed && !isEmpty)
    return [`order ${id} comes to ${owed}, and ${kept} was kept: it still owes its payer`]
  return []
}

function elsewhereProblems(id: string, account: Account, owed: number): readonly string[] {
  const { captured, refunded, toldElsewhere } = account
  return [
    ...(captured - toldElsewhere === owed
      ? []
      : [
          `order ${id} of ${owed} was paid elsewhere with ${captured}; ${toldElsewhere} is to go back`,
        ]),
    ...(refunded > toldElsewhere
      ? [`order ${id}: ${refunded} went back elsewhere, and ${toldElsewhere} was to`]
      : []),
  ]
}

const unitProblems = (id: string, { lines }: Account): readonly string[] =>
  [...lines].flatMap(([line, { quantity, cancelled, shipped, returned }]) => [
    ...(shipped + cancelled > quantity
      ? [
          `order ${id}: ${shipped} of line ${line} left, and ${cancelled} of ${quantity} were cancelled`,
        ]
      : []),
    ...(returned > shipped
      ? [`order ${id}: ${returned} of line ${line} came back of ${shipped}`]
      : []),
  ])
