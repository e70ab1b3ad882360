// Random days of a till: however sales are paid and whatever comes back, in which parts and by
// which tenders, the lines, the drawer and the accounts end as a plain count says.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { customer } from '#contexts/customers/public.ts'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { cashStep } from '#contexts/pricing/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Accepted, Write } from '#kernel/decider.ts'
import { asking, statesAfter } from '#testing/given.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { register, registerKey } from './register.ts'
import { CUSTOMER, codes, command, registered } from './till-fixture.ts'

const SEED = seedOfRun()
const DAYS = 60
const SALES = 3
const PARTS = 10
const UNKNOWN = 'cust-9'
const YESTERDAY = '2026-03-01T10:00:00.000Z'

const { whenAt } = asking(command, codes)
const shop: readonly Write[] = [
  productCreated('pen'),
  stockOpened('pen', 10),
  productCreated('apples', { sell_price_minor: 299, quantity_scale: 3 }),
  productCreated('gum', { sell_price_minor: 3 }),
  registered(),
]
const settingsOf = (random: Random) => ({
  'pos.cash_rounding': random.pick<unknown>([0, 5, 10, ['USD:0.10'], ['CHF:0.05']]),
  'money.taxes': random.pick([[], ['standard:VAT:20']]),
  'money.prices_include_tax': random.chance(0.5),
  'money.tax_level': random.pick(['line', 'total']),
  'pos.price_override': 'allow',
})

// biome-ignore lint/suspicious/noExplicitAny: events are looked at field by field
type Data = any
type Tenders = readonly { readonly type: string; readonly amount_minor: number }[]
const of = (type: string, tenders: Tenders) =>
  tenders.reduce((sum, each) => (each.type === type ? sum + each.amount_minor : sum), 0)
const decimals = (minor: number) => (minor / 100).toFixed(2)
const idOf = (n: number) => `01980000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** Some tenders of an amount each, the last of which takes the rest. */
function someTenders(random: Random, types: readonly string[], most: number) {
  const chosen = types.filter(() => random.chance(0.5))
  const all = chosen.length === 0 ? [random.pick(types)] : chosen
  return all.map((type, i) =>
    i === all.length - 1 ? { type } : { type, amount: decimals(random.int(1, most)) },
  )
}

function openDay(random: Random) {
  const settings = settingsOf(random)
  let history = shop
  let ids = 0
  /** The data of its only event of that type; null: refused by a rule. */
  const send = (type: string, input: object, told: string): Data | null => {
    const then = whenAt(history, { settings }, type, input)
    let decision: Accepted
    try {
      decision = then.decision()
    } catch (error) {
      if (!/business_rule_violated|not_found/.test(String(error))) throw error
      return null
    }
    history = [...history, ...decision.writes]
    return decision.writes.flatMap(({ events }) => events).find((each) => each.type === told)?.data
  }
  const step = cashStep(settings, 'USD')
  return { send, step, next: () => idOf(++ids), states: () => statesAfter(...history) }
}

/** What the till should come to: the drawer, and what each customer owes. */
type Count = { drawer: number; readonly owed: Record<string, number> }
type Day = ReturnType<typeof openDay>

function sold(random: Random, { send, next }: Day, count: Count): Data | null {
  const customer_id = random.pick([CUSTOMER, UNKNOWN])
  const items = Array.from({ length: random.int(1, 3) }, () => ({
    product_id: random.pick(['pen', 'apples', 'gum']),
    quantity: String(random.int(1, 9)),
    price: decimals(random.int(0, 999)),
    discounts: random.chance(0.3) ? [{ name: 'off', percent: String(random.int(0, 100)) }] : [],
  }))
  const input = {
    ...{ sale_id: next(), items, customer_id },
    tenders: someTenders(random, ['cash', 'card', 'credit', 'voucher'], 700),
    // Only what happened already can be owed by somebody unknown.
    ...(customer_id === UNKNOWN ? { occurred_at: YESTERDAY } : {}),
  }
  const done = send('ProcessSale', input, 'SaleCompleted')
  if (done === null) return null
  if (customer_id === CUSTOMER) count.drawer += of('cash', done.tenders)
  count.owed[customer_id]! += of('credit', done.tenders)
  return done
}

function returned(random: Random, { send, step, next }: Day, sale: Data, count: Count): void {
  const left = new Map<number, number>(sale.lines.map((each: Data) => [each.line, each.quantity]))
  // What was told late was taken as it was, whatever it should have come to.
  const { difference_minor: differs = 0 } = sale
  const paid = sale.amount_minor + differs - of('credit', sale.tenders)
  // Who is unknown and never owed anything has no account.
  const owes = of('credit', sale.tenders) > 0
  const always = sale.customer_id === CUSTOMER || owes ? 'credit' : 'card'
  let [back, paidOut, rounded, differed] = [0, 0, 0, 0]
  for (let part = 1; part <= PARTS && [...left.values()].some((units) => units > 0); part++) {
    const { line, quantity_scale } = random.pick(
      sale.lines.filter((each: Data) => left.get(each.line)! > 0) as readonly Data[],
    )
    const quantity = (random.int(1, left.get(line)!) / 10 ** quantity_scale).toFixed(quantity_scale)
    const whole = part === PARTS || random.chance(0.1)
    const input = {
      ...{ sale_id: sale.sale_id, refund_id: next() },
      ...(whole ? {} : { lines: [{ line, quantity }] }),
    }
    const tenders = someTenders(random, ['cash', 'card', 'credit'], 200)
    const done =
      send('RefundSale', { ...input, tenders }, 'SaleRefunded') ??
      send('RefundSale', { ...input, tender: always }, 'SaleRefunded')
    ok(done, `a refund by ${always} was refused (SEED=${SEED})`)
    for (const each of done.lines) left.set(each.line, left.get(each.line)! - each.quantity)
    back += done.amount_minor
    const { difference_minor = 0 } = done
    differed += difference_minor
    paidOut += done.amount_minor + difference_minor - of('credit', done.tenders)
    ok(paidOut <= paid, `${paidOut} of ${paid} was paid out (SEED=${SEED})`)
    equal(done.amount_minor + done.rounding_minor, done.total_amount_minor)
    // All parts together are rounded as one would be.
    rounded += done.rounding_minor - difference_minor
    ok(Math.abs(rounded) * 2 <= step, `${rounded} were rounded (SEED=${SEED})`)
    count.drawer -= of('cash', done.tenders)
    count.owed[sale.customer_id]! -= of('credit', done.tenders)
  }
  deepEqual([back, differed], [sale.amount_minor, differs], `SEED=${SEED}`)
}

test(`a till's days end as they are counted (SEED=${SEED})`, () => {
  const random = seeded(SEED)
  let sales = 0
  for (let each = 0; each < DAYS; each++) {
    const day = openDay(random)
    const till = { register_id: 'main', session_id: day.next(), float: '10' }
    day.send('OpenCashSession', till, 'CashSessionOpened')
    const count: Count = { drawer: 1_000, owed: { [CUSTOMER]: 0, [UNKNOWN]: 0 } }
    for (let n = 0; n < SALES; n++) {
      const sale = sold(random, day, count)
      if (sale === null) continue
      sales++
      if (random.chance(0.7)) returned(random, day, sale, count)
    }
    const states = day.states()
    const { session } = states.state(register.at(registerKey(MAIN_STORE_ID, 'main')))
    const owes = (id: string) => states.state(customer.at(id))?.balance_minor ?? 0
    deepEqual(
      [session?.expected_minor, owes(CUSTOMER), owes(UNKNOWN)],
      [count.drawer, count.owed[CUSTOMER], count.owed[UNKNOWN]],
      `SEED=${SEED}`,
    )
  }
  ok(sales > DAYS, `only ${sales} sales in ${DAYS} days (SEED=${SEED})`)
})
