// What comes back, and what is given for it: never more than was sold, to the last cent.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import { asking, type Step, statesAfter } from '#testing/given.ts'
import { seedOfRun } from '#testing/random.ts'
import { saleRefunds } from './refund-rows.ts'
import { register, registerKey } from './register.ts'
import {
  CUSTOMER,
  cashSale,
  codes,
  command,
  dataOf,
  pens,
  REFUND,
  registered,
  SALE,
  typesIn,
} from './till-fixture.ts'

const { after, whenAt } = asking(command, codes)

const shop: readonly Write[] = [
  productCreated('pen'),
  stockOpened('pen', 10),
  productCreated('apples', { sell_price_minor: 299, quantity_scale: 3 }),
  stockOpened('apples', 10_000, { quantity_scale: 3 }),
  productCreated('gum', { sell_price_minor: 3 }),
  registered(),
]
const sold = (input: object, settings: object = {}) =>
  after(shop, [['ProcessSale', input]], { settings: { ...settings } })
const idOf = (n: number) => `01980000-0000-7000-8000-${String(n).padStart(12, '0')}`
let refunds = 9_000
/** Each another one. */
const back = (more: object = {}): Step => [
  'RefundSale',
  { sale_id: SALE, refund_id: idOf(++refunds), ...more },
]
const some = (line: number, quantity: string, more: object = {}) => ({
  lines: [{ line, quantity, ...more }],
})

describe('a refund', () => {
  const history = sold(cashSale(pens(3), { product_id: 'apples', quantity: '1' }))
  it('gives back all that is left, the way it was paid, and books the goods in', () => {
    const then = whenAt(history, {}, ...back())
    then.answers({
      refund_number: 'R-main-main-20260302-0001',
      total_amount_minor: 1799,
      tenders: [{ type: 'cash', amount_minor: 1799 }],
    })
    deepEqual(typesIn(then), [
      ...['SaleRefunded', 'RegisterEntryMade', 'InventoryAdjusted', 'InventoryAdjusted'],
    ])
    const { original_business_day, cause, lines } = dataOf(then, 'SaleRefunded')
    deepEqual([original_business_day, cause, lines.length], ['2026-03-02', 'return', 2])
    deepEqual(dataOf(then, 'RegisterEntryMade').tenders, [{ type: 'cash', amount_minor: -1799 }])
  })
  it('takes back no more than was sold less what came back before', () => {
    const once = after(history, [back(some(1, '2'))])
    whenAt(once, {}, ...back(some(1, '2'))).rejects('business_rule_violated', {
      details: { lines: [{ line: 1, requested: 2, left: 1 }] },
    })
    whenAt(once, {}, ...back(some(1, '1'))).answers({ total_amount_minor: 500 })
    const all = after(once, [back()])
    whenAt(all, {}, ...back()).rejects('invalid_state')
    whenAt(all, {}, ...back(some(1, '1'))).rejects('invalid_state')
  })
  it('restocks what can be sold again, and only that', () => {
    const broken = whenAt(history, {}, ...back(some(1, '1', { restock: false })))
    ok(!typesIn(broken).includes('InventoryAdjusted'))
    equal(dataOf(broken, 'SaleRefunded').lines[0].restocked, false)
    const moved = dataOf(whenAt(history, {}, ...back(some(1, '1'))), 'InventoryAdjusted')
    deepEqual([moved.adjustment, moved.reason], [1, 'sale_refund'])
    equal(moved.reference, 'R-main-main-20260302-0001')
    ok(!typesIn(whenAt(history, {}, ...back({ restock: false }))).includes('InventoryAdjusted'))
  })
  it('names the lines that are wrong', () => {
    whenAt(history, {}, ...back(some(7, '1'))).rejects('validation_failed', {
      errors: { 'lines.0.line': 'is not a line of this sale' },
    })
    whenAt(history, {}, ...back({ lines: [{ line: 1 }, { line: 1 }] })).rejects(
      'validation_failed',
      {
        errors: { 'lines.1.line': 'is named twice' },
      },
    )
    whenAt(history, {}, ...back(some(1, '0'))).rejects('validation_failed')
    whenAt(history, {}, ...back(some(1, '0.5'))).rejects('validation_failed')
    whenAt(shop, {}, ...back()).rejects('not_found')
  })
  it('is of a completed sale', () => {
    const going = after(shop, [['StartSale', { sale_id: SALE }]])
    whenAt(going, {}, ...back()).rejects('invalid_state')
  })
  it('may come back in another way, wholly told', () => {
    const split = { tenders: [{ type: 'voucher', amount: '10' }, { type: 'cash' }] }
    whenAt(history, {}, ...back(split)).answers({
      tenders: [
        { type: 'voucher', amount_minor: 1000 },
        { type: 'cash', amount_minor: 799 },
      ],
    })
    const less = { tenders: [{ type: 'voucher', amount: '10' }] }
    whenAt(history, {}, ...back(less)).rejects('business_rule_violated')
    whenAt(history, {}, ...back({ tender: 'shells' })).rejects('validation_failed', {
      errors: { tender: 'must be one of cash, credit, card, voucher' },
    })
    const two = sold({
      ...{ sale_id: SALE, items: [pens(2)] },
      tenders: [{ type: 'card', amount: '4' }, { type: 'cash' }],
    })
    whenAt(two, {}, ...back()).rejects('validation_failed')
    whenAt(two, {}, ...back({ tender: 'card' })).answers({ total_amount_minor: 1000 })
  })
  it('in cash is rounded to the smallest coin, beside the lines', () => {
    const coins = { 'pos.cash_rounding': 5 }
    const then = whenAt(history, { settings: coins }, ...back(some(2, '1')))
    then.answers({ amount_minor: 299, rounding_minor: 1, total_amount_minor: 300 })
    whenAt(history, { settings: coins }, ...back({ ...some(2, '1'), tender: 'card' })).answers({
      rounding_minor: 0,
      total_amount_minor: 299,
    })
  })
  it('in cash piece by piece gives no more than was taken, to the last coin', () => {
    const coins = { settings: { 'pos.cash_rounding': 5 } }
    let past = sold(cashSale({ product_id: 'gum', quantity: '11' }), coins.settings)
    const given = Array.from({ length: 11 }, (_, i) => {
      const refund_id = `01980000-0000-7000-8000-0000000000${10 + i}`
      const then = whenAt(past, coins, ...back({ ...some(1, '1'), refund_id }))
      past = [...past, ...then.decision().writes]
      return Number(dataOf(then, 'SaleRefunded').total_amount_minor)
    })
    // 33 cents were 35 with the coins that there are.
    deepEqual(given, [5, 0, 5, 0, 5, 5, 0, 5, 0, 5, 5])
    equal(
      given.reduce((sum, one) => sum + one, 0),
      35,
    )
  })
  it('in cash is rounded to the coin of its currency alone', () => {
    const given = (entries: readonly string[]) => {
      const settings = { 'pos.cash_rounding': entries }
      const then = whenAt(history, { settings }, ...back(some(2, '1')))
      return Number(dataOf(then, 'SaleRefunded').total_amount_minor)
    }
    deepEqual([given(['CHF:0.05', 'USD:0.10']), given(['CHF:0.05', 'SEK:1'])], [300, 299])
  })
  it('is of the country of its sale; one that was stored before told of none', () => {
    const french = sold({ ...cashSale(pens(3)), country: 'France' })
    const then = whenAt(french, {}, ...back())
    then.answers({ country: 'France' })
    const data = dataOf(then, 'SaleRefunded')
    const row = (more: object) =>
      saleRefunds.on.SaleRefunded?.apply(undefined, { data: { ...data, ...more } } as Recorded, '')
    equal(row({})?.country, 'France')
    equal(row({ country: undefined })?.country, null)
  })
  it('has numbers without gaps, of their own', () => {
    const once = after(history, [back(some(1, '1'))])
    const again = whenAt(once, {}, ...back({ ...some(1, '1'), refund_id: SALE }))
    again.answers({ refund_number: 'R-main-main-20260302-0002' })
    const next = { ...cashSale(pens(1)), sale_id: REFUND }
    whenAt(once, {}, 'ProcessSale', next).answers({ sale_number: 'main-main-20260302-0002' })
  })
})

describe('the last part of a line', () => {
  const taxed = { 'money.taxes': ['standard:VAT:20'] }
  const history = sold(cashSale(pens(2)), taxed)
  /** The first of two, given back with a cent more or less than it would be today. */
  const before = (more: number): readonly Write[] =>
    after(history, [back(some(1, '1'))], { settings: taxed }).map((write) => ({
      ...write,
      events: write.events.map((event) => {
        if (event.type !== 'SaleRefunded') return event
        const data = event.data as Record<'amount_minor' | 'total_amount_minor', number> & Refunded
        const [line] = data.lines
        const { amount_minor, net_minor } = line
        const other = { amount_minor: amount_minor + more, net_minor: net_minor + more }
        const total = { total_amount_minor: data.total_amount_minor + more }
        const tenders = data.tenders.map((one) => ({ ...one, amount_minor: 500 + more }))
        return {
          ...event,
          data: { ...data, ...other, ...total, tenders, lines: [{ ...line, ...other }] },
        }
      }),
    }))
  it('is what is left of it, also where parts were rounded otherwise once', () => {
    for (const more of [-1, 0, 1]) {
      const then = whenAt(before(more), { settings: taxed }, ...back(some(1, '1')))
      then.answers({ total_amount_minor: 500 - more })
      const [line] = dataOf(then, 'SaleRefunded').lines
      equal(line.amount_minor, 500 - more)
      equal(line.net_minor + line.tax_minor, 500 - more)
    }
  })
})

type Refunded = {
  readonly lines: readonly [Line]
  readonly tenders: readonly object[]
}

describe('a refund of what was sold on credit', () => {
  const credit = { payment_type: 'credit', customer_id: CUSTOMER, sale_id: SALE }
  it('comes off the account', () => {
    const history = sold({ ...credit, items: [pens(2)] })
    const then = whenAt(history, {}, ...back(some(1, '1')))
    then.answers({ balance_minor: 500, tenders: [{ type: 'credit', amount_minor: 500 }] })
    const moved = dataOf(then, 'CustomerBalanceChanged')
    deepEqual([moved.change_minor, moved.cause], [-500, 'refund'])
  })
  it('is not paid out: money that never came cannot go', () => {
    const history = sold({ ...credit, items: [pens(2)], paid_amount: '4' })
    whenAt(history, {}, ...back({ tender: 'cash' })).rejects('business_rule_violated', {
      details: { currency: 'USD', left: 4, given: 10 },
    })
    const split = { tenders: [{ type: 'cash', amount: '4' }, { type: 'credit' }] }
    whenAt(history, {}, ...back(split)).answers({ balance_minor: 0 })
    const four = some(1, '1')
    const once = after(history, [
      back({ ...four, tenders: [{ type: 'cash', amount: '4' }, { type: 'credit' }] }),
    ])
    whenAt(once, {}, ...back({ tender: 'cash' })).rejects('business_rule_violated')
    whenAt(once, {}, ...back({ tender: 'credit' })).answers({ balance_minor: 0 })
  })
  it('needs an account to come off', () => {
    const history = sold(cashSale(pens(1)))
    whenAt(history, {}, ...back({ tender: 'credit' })).rejects('validation_failed')
  })
})

describe('a refund without a sale', () => {
  const settings = { 'pos.refund_without_original': 'allow' }
  const loose = (more: object = {}): Step => [
    'RefundWithoutSale',
    { refund_id: REFUND, items: [pens(2)], tender: 'cash', cause: 'lost the receipt', ...more },
  ]
  it('is booked apart, with its cause, where the shop allows it', () => {
    whenAt(shop, {}, ...loose()).rejects('business_rule_violated')
    const then = whenAt(shop, { settings }, ...loose())
    then.answers({ sale_id: null, total_amount_minor: 1000 })
    const data = dataOf(then, 'SaleRefunded')
    deepEqual(
      [data.cause, data.original_business_day, data.lines[0].line, data.lines[0].restocked],
      ['lost the receipt', null, null, true],
    )
    equal(dataOf(then, 'InventoryAdjusted').adjustment, 2)
    const done = [...shop, ...then.decision().writes]
    whenAt(done, { settings }, ...loose()).rejects('already_exists')
  })
  it('takes the price that it is told, and a cause', () => {
    const cheaper = { items: [pens(2, { price: '3', restock: false })] }
    const then = whenAt(shop, { settings }, ...loose(cheaper))
    then.answers({ total_amount_minor: 600 })
    ok(!typesIn(then).includes('InventoryAdjusted'))
    whenAt(shop, { settings }, ...loose({ cause: '' })).rejects('validation_failed')
    whenAt(shop, { settings }, ...loose({ tender: undefined })).rejects('validation_failed')
  })
  it('has the next number however long none was needed, where no day begins a new series', () => {
    const format = { ...settings, 'pos.refund_number_format': 'R-{store}-{register}-{seq}' }
    const numbered = (history: readonly Write[], last: number) =>
      whenAt(history, { settings: format }, ...loose({ refund_id: idOf(last) }))
    let history: readonly Write[] = [...shop, ...numbered(shop, 1_000).decision().writes]
    for (let day = 1; day <= 50; day++) {
      const now = new Date(Date.UTC(2026, 3, day)).toISOString()
      const sale: Step = ['ProcessSale', { ...cashSale(pens(1)), sale_id: idOf(day) }]
      history = after(history, [sale], { settings: format, now })
    }
    numbered(history, 2_000).answers({ refund_number: 'R-main-main-2' })
    const till = statesAfter(...history).state(register.at(registerKey(MAIN_STORE_ID, 'main')))
    equal(till.counters.length, 41)
  })
  it('may go on the account', () => {
    const credit = { tender: 'credit', customer_id: CUSTOMER }
    whenAt(shop, { settings }, ...loose(credit)).answers({ balance_minor: -1000 })
    whenAt(shop, { settings }, ...loose({ tender: 'credit' })).rejects('validation_failed')
  })
  it('is nobody’s, or a customer’s that there is; who was one, was one', () => {
    const unknown = { customer_id: 'cust-9' }
    whenAt(shop, { settings }, ...loose(unknown)).rejects('not_found', {
      errors: { customer_id: 'is not a customer' },
    })
    const before = { ...unknown, occurred_at: '2026-03-01T10:00:00.000Z' }
    whenAt(shop, { settings }, ...loose(before)).answers({ customer_id: 'cust-9' })
  })
})

const seed = seedOfRun()
const RUNS = 150
const cents = (most: number) => fc.integer({ min: 0, max: most })
const decimals = (minor: number) => (minor / 100).toFixed(2)
const discount = fc.oneof(
  fc.record({ name: fc.constant('off'), percent: cents(100).map(String) }),
  fc.record({ name: fc.constant('less'), amount: cents(3_000).map(decimals) }),
)
const item = fc.record({
  product_id: fc.constantFrom('pen', 'apples'),
  quantity: fc.integer({ min: 1, max: 9 }).map(String),
  price: cents(2_000).map(decimals),
  discounts: fc.array(discount, { maxLength: 2 }),
})
const taxes = fc.constantFrom([], ['standard:VAT:20'], ['standard:GST:5', 'standard:PST:9.975'])
const cart = fc.record({
  items: fc.array(item, { minLength: 1, maxLength: 5 }),
  discounts: fc.array(discount, { maxLength: 2 }),
  settings: fc.record({
    'money.taxes': taxes,
    'money.tax_level': fc.constantFrom('line', 'total'),
    'money.prices_include_tax': fc.boolean(),
    'pos.price_override': fc.constant('allow'),
  }),
  /** Which line comes back next, and how much of it. */
  cuts: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 9 })), { maxLength: 6 }),
})

describe('refunds of any sale, in any parts', () => {
  it(`come to what was sold, line by line (SEED=${seed})`, () => {
    const check = fc.property(cart, ({ items, discounts, settings, cuts }) => {
      const sale = { sale_id: SALE, items, discounts, payment_type: 'card' }
      let history = sold(sale, settings)
      const whole = history.flatMap(({ events }) => events).find((e) => e.type === 'SaleCompleted')
      const lines = (whole!.data as { lines: Line[] }).lines
      const left = new Map(lines.map(({ line, quantity }) => [line, quantity]))
      const came = new Map<number, Line>()
      const take = (input: object) => {
        const then = whenAt(history, { settings }, ...back({ ...input, tender: 'card' }))
        history = [...history, ...then.decision().writes]
        for (const each of dataOf(then, 'SaleRefunded').lines) {
          const before = came.get(each.line) ?? { amount_minor: 0, net_minor: 0, tax_minor: 0 }
          ok(each.amount_minor >= 0 && each.net_minor >= 0 && each.tax_minor >= 0)
          came.set(each.line, added(before as Line, each))
          left.set(each.line, left.get(each.line)! - each.quantity)
        }
      }
      for (const [nth, most] of cuts) {
        const { line, quantity_scale } = lines[nth % lines.length]!
        const units = Math.min(left.get(line)!, most * 10 ** quantity_scale)
        // One unit at least always stays for the last refund, which takes whatever is left.
        if (units > 0 && [...left.values()].some((rest, i) => rest > (i + 1 === line ? units : 0)))
          take(some(line, String(units / 10 ** quantity_scale)))
      }
      take({})
      for (const { line, amount_minor, net_minor, tax_minor } of lines)
        deepEqual(pick(came.get(line)!), { amount_minor, net_minor, tax_minor })
      whenAt(history, { settings }, ...back()).rejects('invalid_state')
    })
    fc.assert(check, { numRuns: RUNS, seed })
  })
})

type Line = {
  readonly line: number
  readonly quantity: number
  readonly quantity_scale: number
  readonly amount_minor: number
  readonly net_minor: number
  readonly tax_minor: number
}
const pick = ({ amount_minor, net_minor, tax_minor }: Line) => ({
  amount_minor,
  net_minor,
  tax_minor,
})
const added = (a: Line, b: Line): Line => ({
  ...b,
  amount_minor: a.amount_minor + b.amount_minor,
  net_minor: a.net_minor + b.net_minor,
  tax_minor: a.tax_minor + b.tax_minor,
})
