// What a till may sell, how it is paid, and which number it gets.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { product } from '#contexts/catalog/public.ts'
import { customer } from '#contexts/customers/public.ts'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { asking, NOW } from '#testing/given.ts'
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

const { after, when, whenAt } = asking(command, codes)

/** Pens at 5.00, ten of them, and ten kilos of apples at 2.99. */
const shop: readonly Write[] = [
  productCreated('pen'),
  stockOpened('pen', 10),
  productCreated('apples', { sell_price_minor: 299, quantity_scale: 3 }),
  stockOpened('apples', 10_000, { quantity_scale: 3 }),
]
const sell = (input: object, settings: object = {}, history = shop) =>
  whenAt(history, { settings: { ...settings } }, 'ProcessSale', input)
const paid = (payment: object, ...items: readonly object[]) => ({
  sale_id: SALE,
  items,
  ...payment,
})

describe('a sale at once', () => {
  it('writes the sale, its goods, its number and its entry in one append', () => {
    const then = sell(cashSale(pens(2), { product_id: 'apples', quantity: '0.5' }))
    deepEqual(typesIn(then), [
      ...['SaleStarted', 'SaleItemAdded', 'SaleItemAdded', 'SaleCompleted'],
      ...['RegisterEntryMade', 'InventoryAdjusted', 'InventoryAdjusted'],
    ])
    const done = dataOf(then, 'SaleCompleted')
    deepEqual(
      done.lines.map((line: Record<string, unknown>) => [
        line.code,
        line.quantity,
        line.amount_minor,
      ]),
      [
        ['PEN', 2, 1000],
        ['APPLES', 500, 150],
      ],
    )
    deepEqual(
      [done.amount_minor, done.total_amount_minor, done.payment_type, done.business_day],
      [1150, 1150, 'cash', '2026-03-02'],
    )
    deepEqual(done.tenders, [{ type: 'cash', amount_minor: 1150 }])
    then.answers({ sale_number: 'main-main-20260302-0001', status: 'COMPLETED', warnings: [] })
    then.claims([{ scope: 'sale_number', value: 'main-main-20260302-0001', owner: `sale-${SALE}` }])
  })
  it('is of the cashier who sends it, and booked under its number', () => {
    const then = whenAt(shop, { user_id: 'ann@till 3' }, 'ProcessSale', cashSale(pens(1)))
    equal(dataOf(then, 'SaleCompleted').user_id, 'ann@till 3')
    const moved = dataOf(then, 'InventoryAdjusted')
    deepEqual(
      [moved.adjustment, moved.reason, moved.reference],
      [-1, 'sale', 'main-main-20260302-0001'],
    )
  })
  it('finds products by code, tells which it does not know, and takes no two that differ', () => {
    sell(cashSale({ product_code: ' PEN ', quantity: '1' })).answers({ status: 'COMPLETED' })
    sell(cashSale(pens(1), { product_code: 'pen', quantity: '1' })).rejects('not_found', {
      errors: { 'items.1.product_code': 'is not a product that is sold' },
    })
    sell(cashSale({ product_id: 'nothing', quantity: '1' })).rejects('not_found', {
      errors: { 'items.0.product_id': 'is not a product that is sold' },
    })
    sell(cashSale(pens(1, { product_id: 'apples' }))).rejects('validation_failed', {
      errors: { 'items.0.product_code': 'is not the code of that product' },
    })
    sell(cashSale({ quantity: '1' })).rejects('validation_failed', {
      errors: { 'items.0.product_code': 'is required, or product_id' },
    })
  })
  it('names every field that is wrong', () => {
    const item = { product_id: 'pen', quantity: '1.5', price: '1.234' }
    const off = { product_id: 'apples', quantity: '0', discounts: [{ name: 'x' }] }
    sell(cashSale(item, off)).rejects('validation_failed', {
      errors: {
        'items.0.price': 'must have at most 2 decimals',
        'items.0.quantity': 'must be a whole number',
        'items.1.quantity': 'must be more than zero',
        'items.1.discounts.0.percent': 'is required, or amount; not both',
      },
    })
    const percent = [{ name: 'x', percent: '101' }]
    sell({ ...cashSale(pens(1)), discounts: percent }).rejects('validation_failed', {
      errors: { 'discounts.0.percent': 'must lie between 0 and 100' },
    })
    sell({ ...cashSale(pens(1)), register_id: 'a-b' }).rejects('validation_failed')
    sell(cashSale()).rejects('validation_failed')
    for (const quantity of ['200', '999999999999']) {
      const huge = { product_id: 'pen', quantity, price: '99999999' }
      sell(cashSale(huge), { 'pos.price_override': 'allow' }).rejects('validation_failed', {
        errors: { items: 'come to more than can be paid' },
      })
    }
  })
  it('keeps to the prices in force unless tills may change them', () => {
    sell(cashSale(pens(1, { price: '5.00' }))).answers({ total_amount_minor: 500 })
    sell(cashSale(pens(1, { price: '4' }))).rejects('price_mismatch', {
      details: { currency: 'USD', items: [{ item: 0, price: 5, given: 4 }] },
    })
    const free = sell(cashSale(pens(1, { price: '4' })), { 'pos.price_override': 'allow' })
    free.answers({ total_amount_minor: 400 })
  })
  it('takes discounts of lines and of the cart off before the taxes', () => {
    const settings = { 'money.taxes': ['standard:VAT:20'] }
    const lines = [pens(2, { discounts: [{ name: 'Member', percent: '10' }] })]
    const input = { ...cashSale(...lines), discounts: [{ name: 'Coupon', amount: '3' }] }
    const done = dataOf(sell(input, settings), 'SaleCompleted')
    deepEqual(
      [done.amount_minor, done.net_minor, done.tax_minor, done.discount_minor],
      [600, 500, 100, 400],
    )
    deepEqual(done.lines[0].taxes, [
      { name: 'VAT', rate: '20', is_inclusive: true, amount_minor: 100 },
    ])
  })
  it('is in one currency, and one that the shop takes', () => {
    sell({ ...cashSale(pens(1)), currency: 'EUR' }).rejects('currency_mismatch')
    sell(cashSale(pens(1)), { 'money.currencies': ['EUR'] }).rejects('validation_failed')
  })
  it('is rung up once, in a store that is open', () => {
    const sold = after(shop, [['ProcessSale', cashSale(pens(1))]])
    when(sold, 'ProcessSale', cashSale(pens(1))).rejects('already_exists')
    sell({ ...cashSale(pens(1)), store_id: 'nowhere' }).rejects('not_found')
  })
})

describe('paying', () => {
  const pay = (payment: object, settings: object = {}, history = shop) =>
    sell(paid(payment, pens(2)), settings, history)
  it('gives change of cash, and only of cash', () => {
    const then = pay({ payment_type: 'cash', paid_amount: '20' })
    then.answers({ change_minor: 1000, tenders: [{ type: 'cash', amount_minor: 1000 }] })
    pay({ payment_type: 'card', paid_amount: '20' }).rejects('business_rule_violated')
    pay({ payment_type: 'card', paid_amount: '10' }).answers({ change_minor: 0 })
  })
  it('refuses less than it comes to', () => {
    pay({ payment_type: 'cash', paid_amount: '9.99' }).rejects('business_rule_violated', {
      details: { currency: 'USD', total_amount: 10, paid_amount: 9.99 },
    })
    pay({ tenders: [{ type: 'card', amount: '4' }] }).rejects('business_rule_violated')
    pay({
      tenders: [
        { type: 'card', amount: '4' },
        { type: 'cash', amount: '5' },
      ],
    }).rejects('business_rule_violated')
  })
  it('may be split: one tender takes the rest, cash may be more than that', () => {
    const split = [
      { type: 'voucher', amount: '3' },
      { type: 'card', amount: '2.50' },
      { type: 'cash' },
    ]
    pay({ tenders: split }).answers({
      payment_type: 'split',
      tenders: [
        { type: 'voucher', amount_minor: 300 },
        { type: 'card', amount_minor: 250 },
        { type: 'cash', amount_minor: 450 },
      ],
    })
    const more = [
      { type: 'voucher', amount: '3' },
      { type: 'cash', amount: '10' },
    ]
    pay({ tenders: more }).answers({ change_minor: 300, total_amount_minor: 1000 })
    const rest = [{ type: 'cash', amount: '4' }, { type: 'card' }]
    pay({ tenders: rest }).answers({
      tenders: [
        { type: 'cash', amount_minor: 400 },
        { type: 'card', amount_minor: 600 },
      ],
    })
    const two = [{ type: 'card', amount: '4' }, { type: 'card' }]
    pay({ tenders: two }).answers({ payment_type: 'card' })
  })
  it('refuses tenders that take more than the rest, that nobody knows, or that come twice', () => {
    const over = [
      { type: 'voucher', amount: '11' },
      { type: 'cash', amount: '1' },
    ]
    pay({ tenders: over }).rejects('business_rule_violated')
    pay({ tenders: [{ type: 'voucher', amount: '11' }, { type: 'card' }] }).rejects(
      'business_rule_violated',
    )
    // Nothing is left for the cash: it would all be change.
    pay({
      tenders: [
        { type: 'card', amount: '10' },
        { type: 'cash', amount: '5' },
      ],
    }).rejects('business_rule_violated')
    pay({ payment_type: 'shells' }).rejects('validation_failed', {
      errors: { payment_type: 'must be one of cash, credit, card, voucher' },
    })
    pay({ payment_type: 'shells', paid_amount: '10' }, { 'pos.tenders': ['shells'] }).answers({
      payment_type: 'shells',
    })
    pay({ tenders: [{ type: 'cash' }, { type: 'cash', amount: '1' }] }).rejects('validation_failed')
    pay({ tenders: [{ type: 'cash' }, { type: 'card' }] }).rejects('validation_failed', {
      errors: { 'tenders.1.amount': 'is required: another tender takes the rest already' },
    })
    pay({}).rejects('validation_failed', {
      errors: { payment_type: 'is required, or tenders' },
    })
    pay({ payment_type: 'cash', tenders: [{ type: 'cash' }] }).rejects('validation_failed')
    pay({ paid_amount: '5', tenders: [{ type: 'cash' }] }).rejects('validation_failed')
  })
  it('rounds what is paid in cash to the smallest coin, beside the lines', () => {
    const coins = { 'pos.cash_rounding': 5 }
    const apples = { product_id: 'apples', quantity: '1' }
    const cash = sell(paid({ payment_type: 'cash', paid_amount: '5' }, apples), coins)
    cash.answers({
      amount_minor: 299,
      rounding_minor: 1,
      total_amount_minor: 300,
      change_minor: 200,
    })
    equal(dataOf(cash, 'SaleCompleted').lines[0].amount_minor, 299)
    sell(paid({ payment_type: 'card' }, apples), coins).answers({
      rounding_minor: 0,
      total_amount_minor: 299,
    })
    const split = [{ type: 'card', amount: '1.01' }, { type: 'cash' }]
    sell(paid({ tenders: split }, apples), coins).answers({
      rounding_minor: 2,
      total_amount_minor: 301,
    })
  })
  it('rounds to the coin of the currency that is paid in', () => {
    const coins = { 'pos.cash_rounding': ['CHF:0.05', 'SEK:1.00'] }
    const cash = (currency: string, price: string, more: object = {}) => {
      const items = [{ product_id: 'pen', quantity: '1', price }]
      const priced = [productCreated('pen', { currency }), stockOpened('pen', 10)]
      const settings = { ...coins, 'pos.price_override': 'allow', ...more }
      return dataOf(
        sell(paid({ payment_type: 'cash' }, ...items), settings, priced),
        'SaleCompleted',
      )
    }
    const figures = ({ total_amount_minor, rounding_minor }: Record<string, number>) => [
      ...[total_amount_minor, rounding_minor],
    ]
    deepEqual(figures(cash('CHF', '2.98')), [300, 2])
    deepEqual(figures(cash('SEK', '2.49')), [200, -49])
    deepEqual(figures(cash('USD', '2.98')), [298, 0])
    deepEqual(figures(cash('USD', '2.98', { 'pos.cash_rounding': 5 })), [300, 2])
  })
  it('takes nothing for what is free', () => {
    const gift = pens(1, { discounts: [{ name: 'Gift', percent: '100' }] })
    sell(cashSale(gift)).answers({ total_amount_minor: 0, tenders: [], payment_type: 'cash' })
  })
})

describe('selling on credit', () => {
  const credit = { payment_type: 'credit', paid_amount: '0', customer_id: CUSTOMER }
  const known = (limit: number | null = null) => [...shop, registered(limit)]
  it('raises the balance of the customer, who must be known', () => {
    const then = sell(paid(credit, pens(2)), {}, known())
    then.answers({ payment_type: 'credit', balance_minor: 1000, total_amount_minor: 1000 })
    const moved = dataOf(then, 'CustomerBalanceChanged')
    deepEqual(
      [moved.change_minor, moved.cause, moved.reference],
      [1000, 'sale', 'main-main-20260302-0001'],
    )
    sell(paid(credit, pens(2))).rejects('not_found')
    const nobody = { payment_type: 'credit' }
    sell(paid(nobody, pens(2))).rejects('validation_failed', {
      errors: { customer_id: 'is required: somebody must owe what is on credit' },
    })
  })
  it('what is paid at once is cash; all of it is no credit', () => {
    const then = sell(paid({ ...credit, paid_amount: '4' }, pens(2)), {}, known())
    then.answers({
      balance_minor: 600,
      payment_type: 'split',
      tenders: [
        { type: 'cash', amount_minor: 400 },
        { type: 'credit', amount_minor: 600 },
      ],
    })
    sell(paid({ ...credit, paid_amount: '10' }, pens(2)), {}, known()).rejects('validation_failed')
  })
  it('stays within the limit', () => {
    sell(paid(credit, pens(2)), {}, known(1000)).answers({ balance_minor: 1000 })
    sell(paid(credit, pens(2)), {}, known(999)).rejects('credit_limit_exceeded')
  })
  it('a customer who pays at once must be known as well', () => {
    const cash = { payment_type: 'cash', customer_id: CUSTOMER }
    sell(paid(cash, pens(1))).rejects('not_found')
    sell(paid(cash, pens(1)), {}, known()).answers({ balance_minor: null })
  })
})

describe('what is not there', () => {
  const policy = (name: string) => ({ 'pos.stock_policy': name })
  it('is sold with a warning, sold silently, or not sold', () => {
    const warned = sell(cashSale(pens(7), pens(7)))
    warned.answers({
      warnings: [
        {
          ...{ product_id: 'pen', store_id: MAIN_STORE_ID, quantity_scale: 0 },
          ...{ requested: 14, available: 10 },
        },
      ],
    })
    ok(typesIn(warned).includes('StockDiscrepancyDetected'))
    sell(cashSale(pens(14)), policy('allow')).answers({ warnings: [] })
    sell(cashSale(pens(7), pens(7)), policy('block')).rejects('insufficient_stock')
    sell(cashSale(pens(10)), policy('block')).answers({ warnings: [] })
  })
})

describe('numbers', () => {
  const sold = (id: string, more: object = {}) =>
    ['ProcessSale', { ...cashSale(pens(1)), sale_id: id, ...more }] as const
  const ids = [1, 2, 3].map((i) => `01980000-0000-7000-8000-00000000000${i}`) as [
    string,
    string,
    string,
  ]
  it('go on without a gap, each register and each day for itself', () => {
    const history = after(shop, [sold(ids[0]), sold(ids[1])])
    when(history, ...sold(ids[2])).answers({ sale_number: 'main-main-20260302-0003' })
    when(history, ...sold(ids[2], { register_id: 'till2' })).answers({
      sale_number: 'main-till2-20260302-0001',
    })
    whenAt(history, { now: '2026-03-03T10:00:00.000Z' }, ...sold(ids[2])).answers({
      sale_number: 'main-main-20260303-0001',
    })
  })
  it('of yesterday go on where a clock is behind', () => {
    const history = after(shop, [sold(ids[0])])
    const tomorrow = { now: '2026-03-03T00:00:00.000Z' }
    const later = after(history, [sold(ids[1])], tomorrow)
    when(later, ...sold(ids[2])).answers({ sale_number: 'main-main-20260302-0002' })
  })
  it('look as the shop wants', () => {
    const settings = { 'pos.number_format': '{store}/{register}/{yyyy}#{seq}' }
    const history = after(shop, [sold(ids[0])], { settings })
    whenAt(history, { settings }, ...sold(ids[1])).answers({
      sale_number: 'main/main/2026#2',
    })
  })
  it('are given when a sale is recorded, also one of yesterday', () => {
    const then = when(shop, ...sold(ids[0], { occurred_at: '2026-03-01T23:30:00+01:00' }))
    then.answers({
      sale_number: 'main-main-20260302-0001',
      business_day: '2026-03-01',
      completed_at: '2026-03-01T22:30:00.000Z',
    })
  })
})

describe('a sale that happened already', () => {
  const past = { occurred_at: '2026-03-01T10:00:00.000Z' }
  const fact = (more: object, settings: object = {}, history = shop) =>
    sell({ ...cashSale(pens(2)), ...past, ...more }, settings, history)
  it('is recorded at its time, whatever the rules of today say', () => {
    const settings = { 'pos.stock_policy': 'block', 'pos.require_session': true }
    const then = fact({ items: [pens(12, { price: '3' })] }, settings)
    then.answers({ total_amount_minor: 3600 })
    for (const { events } of then.decision().writes)
      for (const { type, occurred_at } of events)
        if (type !== 'StockDiscrepancyDetected') equal(occurred_at, past.occurred_at, type)
  })
  it('was sold where a shop has closed since, and what is not sold any more', () => {
    const berlin = { store_id: 'berlin', name: 'Berlin', kind: 'shop', timezone: 'UTC' } as const
    const closed = [
      ...shop,
      store.write('berlin', [
        store.event('StoreCreated', { ...berlin, timezone: 'Europe/Berlin' }),
        store.event('StoreClosed', { store_id: 'berlin' }),
      ]),
      product.write('pen', [product.event('ProductArchived', { product_id: 'pen' })]),
    ]
    const then = fact({ store_id: 'berlin', occurred_at: '2026-03-01T23:30:00Z' }, {}, closed)
    then.answers({ sale_number: 'berlin-main-20260302-0001', business_day: '2026-03-02' })
    then.answers({ doubts: ['product_archived', 'store_closed'] })
    sell({ ...cashSale(pens(1)), store_id: 'berlin' }, {}, closed).rejects('not_found')
    const apples = { product_id: 'apples', quantity: '1' }
    sell({ ...cashSale(apples), store_id: 'berlin' }, {}, closed).rejects('invalid_state')
    fact({ store_id: 'nowhere' }).answers({ doubts: ['store_unknown'] })
  })
  it('goes on account beyond the limit too', () => {
    const credit = { payment_type: 'credit', customer_id: CUSTOMER }
    const then = fact(credit, {}, [...shop, registered(100)])
    then.answers({ balance_minor: 1000, account_warnings: ['credit_limit_exceeded'] })
    fact(credit, {}, [...shop, registered(1000)]).answers({ account_warnings: [] })
    const gone = (type: 'CustomerArchived' | 'CustomerErased', warning: string) => {
      const data = { customer_id: CUSTOMER, erased_at: NOW }
      const ended = customer.write(CUSTOMER, [customer.event(type, data)])
      const told = fact(credit, {}, [...shop, registered(100), ended])
      told.answers({ balance_minor: 1000, account_warnings: [warning, 'credit_limit_exceeded'] })
    }
    gone('CustomerArchived', 'customer_archived')
    gone('CustomerErased', 'customer_erased')
  })
  it('opens the account of somebody unknown: the debt is there, whoever it turns out to be', () => {
    const credit = { payment_type: 'credit', customer_id: CUSTOMER }
    const then = fact(credit)
    then.answers({
      ...{ customer_id: CUSTOMER, balance_minor: 1000, sale_number: 'main-main-20260302-0001' },
      account_warnings: ['customer_not_registered'],
    })
    const { customer_id, ...opened } = dataOf(then, 'CustomerAccountOpened')
    deepEqual(opened, { currency: 'USD', is_erased: false, opened_at: past.occurred_at })
    const history = [...shop, ...then.decision().writes]
    const again = { sale_id: REFUND, payment_type: 'credit', customer_id: CUSTOMER }
    // Another late one goes on the same account; nobody asks for one now.
    const late = when(history, 'ProcessSale', { ...again, ...past, items: [pens(1)] })
    late.answers({ balance_minor: 1500, account_warnings: ['customer_not_registered'] })
    ok(!typesIn(late).includes('CustomerAccountOpened'))
    for (const payment_type of ['credit', 'cash'])
      when(history, 'ProcessSale', { ...again, payment_type, items: [pens(1)] }).rejects(
        'not_found',
      )
    when(history, 'RefundSale', { sale_id: SALE, refund_id: REFUND }).answers({ balance_minor: 0 })
  })
  it('is over: what is told within a minute is asked, and may be refused', () => {
    const cheap = { items: [pens(2, { price: '3' })] }
    const just = { ...cheap, occurred_at: '2026-03-02T09:59:01.000Z' }
    fact(just).rejects('price_mismatch')
    fact({ ...cheap, occurred_at: '2026-03-02T09:58:59.000Z' }).answers({ total_amount_minor: 600 })
    fact(just, { 'pos.fact_after_ms': 30_000 }).answers({ total_amount_minor: 600 })
    fact({ ...cheap, occurred_at: '2026-03-02T10:04:00.000Z' }).rejects('price_mismatch')
    const now = fact({ occurred_at: '2026-03-02T09:59:30.000Z' })
    now.answers({ completed_at: NOW })
  })
  it('cannot be still to come; a clock that is a little ahead counts as now', () => {
    fact({ occurred_at: '2026-03-02T10:06:00.000Z' }).rejects('validation_failed', {
      errors: { occurred_at: 'is in the future' },
    })
    fact({ occurred_at: '2026-03-02T10:04:00.000Z' }).answers({ completed_at: NOW })
  })
})
