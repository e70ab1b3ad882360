// What was rung up or taken back while nobody could ask: booked as it was told, whatever the book
// says; what contradicts it is named in the document until somebody has settled it.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { product } from '#contexts/catalog/public.ts'
import { customer } from '#contexts/customers/public.ts'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import type { Write } from '#kernel/decider.ts'
import { asking, type Step } from '#testing/given.ts'
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

const shop: readonly Write[] = [
  productCreated('pen'),
  stockOpened('pen', 10),
  productCreated('apples', { sell_price_minor: 299, quantity_scale: 3 }),
  registered(),
]
const YESTERDAY = { occurred_at: '2026-03-01T10:00:00.000Z' }
const sold = (input: object, settings: object = {}, history = shop) =>
  whenAt(history, { settings: { ...settings } }, 'ProcessSale', { ...YESTERDAY, ...input })
const afterSale = (input: object) => after(shop, [['ProcessSale', { ...YESTERDAY, ...input }]])
const idOf = (n: number) => `01980000-0000-7000-8000-${String(n).padStart(12, '0')}`

describe('goods that nobody knows', () => {
  const strange = { product_code: ' HAT ', quantity: '2', price: '7.50', name: 'Green hat' }
  it('are taken into the catalogue as the till tells them, archived, and sold', () => {
    const then = sold(cashSale(pens(1), strange))
    deepEqual(typesIn(then), [
      ...['SaleStarted', 'SaleItemAdded', 'SaleItemAdded', 'SaleCompleted'],
      ...['ProductCreated', 'ProductArchived', 'RegisterEntryMade', 'InventoryAdjusted'],
      ...['InventoryCreated', 'InventoryAdjusted', 'ProductStocked', 'StockDiscrepancyDetected'],
    ])
    const { product_id, code, name, sell_price_minor } = dataOf(then, 'ProductCreated')
    deepEqual([code, name, sell_price_minor], ['HAT', 'Green hat', 750])
    const done = dataOf(then, 'SaleCompleted')
    deepEqual([done.lines[1].product_id, done.lines[1].quantity], [product_id, 2_000])
    equal(done.amount_minor, 2_000)
    then.answers({ doubts: ['product_unknown'] })
    then.claims([
      { scope: 'sale_number', value: 'main-main-20260302-0001', owner: `sale-${SALE}` },
      { scope: 'product_code', value: 'HAT', owner: `product-${product_id}` },
    ])
  })
  it('are one product under one code or one id, counted as finely as any of it', () => {
    const half = { product_code: 'HAT', quantity: '0.0625', price: '8' }
    const then = sold(cashSale(strange, half, { ...strange, product_id: 'hat' }))
    equal(dataOf(then, 'ProductCreated').quantity_scale, 4)
    const lines = dataOf(then, 'SaleCompleted').lines as { product_id: string; quantity: number }[]
    equal(new Set(lines.map(({ product_id }) => product_id)).size, 1)
    deepEqual(
      lines.map(({ quantity }) => quantity),
      [20_000, 625, 20_000],
    )
  })
  it('by an id alone have it for good, and a code of their own', () => {
    const then = sold(cashSale({ product_id: 'hat', quantity: '1', price: '3' }))
    const { product_id, code } = dataOf(then, 'ProductCreated')
    deepEqual([product_id, code.startsWith('told-')], ['hat', true])
    const id = 'x'.repeat(101)
    sold(cashSale({ product_id: id, quantity: '1', price: '3' })).rejects('validation_failed', {
      errors: { 'items.0.product_id': 'must have at most 100 characters' },
    })
    sold(cashSale({ product_id: 'hat:red', quantity: '1', price: '3' })).rejects(
      'validation_failed',
      { errors: { 'items.0.product_id': 'must not hold a colon' } },
    )
  })
  it('have a code that is none too long as it is kept, and a name that says something', () => {
    const grows = { product_code: '\u0958'.repeat(51), quantity: '1', price: '3' }
    sold(cashSale(grows)).rejects('validation_failed', {
      errors: { 'items.0.product_code': 'must have at most 100 characters' },
    })
    const named = (name: string) => {
      const then = sold(cashSale({ ...strange, product_code: 'HAT', name }))
      return dataOf(then, 'ProductCreated').name
    }
    deepEqual([named(' '), named(' Red hat ')], ['HAT', 'Red hat'])
    equal([...named('\u0958'.repeat(200))].length, 300)
  })
  it('cost what the till says: nobody else knows', () => {
    const free = { product_code: 'HAT', quantity: '1' }
    sold(cashSale(free)).rejects('validation_failed', {
      errors: { 'items.0.price': 'is required: the catalogue has none for it' },
    })
    sold(cashSale({ product_code: '  ', quantity: '1', price: '1' })).rejects('validation_failed')
  })
  it('are no goods to be asked for now', () => {
    const { occurred_at, ...now } = { ...cashSale(strange), ...YESTERDAY }
    when(shop, 'ProcessSale', now).rejects('not_found')
    const once = [...shop, ...sold(cashSale(strange)).decision().writes]
    const hat = dataOf(sold(cashSale(strange)), 'ProductCreated').product_id
    const again = { ...cashSale({ product_id: hat, quantity: '1' }), sale_id: idOf(1) }
    when(once, 'ProcessSale', again).rejects('not_found')
    sold(again, {}, once).answers({ doubts: ['product_archived'] })
  })
  it('may come back without a sale as well', () => {
    const loose = { refund_id: REFUND, items: [strange], tender: 'cash', cause: 'too green' }
    const then = when(shop, 'RefundWithoutSale', { ...loose, ...YESTERDAY })
    then.answers({ total_amount_minor: 1500, doubts: ['product_unknown', 'refund_not_allowed'] })
    const moved = dataOf(then, 'InventoryAdjusted')
    equal(moved.adjustment, 2_000)
    whenAt(shop, { settings: { 'pos.refund_without_original': 'allow' } }, 'RefundWithoutSale', {
      ...loose,
    }).rejects('not_found')
  })
})

describe('goods that are another than told', () => {
  it('are those of the id, or else those of the code', () => {
    const mixed = { product_id: 'apples', product_code: 'PEN', quantity: '1' }
    const then = sold(cashSale(mixed))
    then.answers({ doubts: ['product_code_differs'] })
    equal(dataOf(then, 'SaleCompleted').lines[0].product_id, 'apples')
    const byCode = sold(cashSale({ ...mixed, product_id: 'gone' }))
    byCode.answers({ doubts: ['product_code_differs'] })
    equal(dataOf(byCode, 'SaleCompleted').lines[0].product_id, 'pen')
    sold(cashSale(pens(1, { product_id: 'pen' }))).answers({ total_amount_minor: 500 })
  })
  it('may have been sold in any currency, at the price that was taken', () => {
    const francs = { ...cashSale(pens(2, { price: '4.20' })), currency: 'CHF' }
    const then = sold(francs, { 'money.currencies': ['USD', 'EUR'] })
    then.answers({ currency: 'CHF', total_amount_minor: 840 })
    then.answers({ doubts: ['product_currency_differs', 'currency_not_taken'] })
    sold({ ...cashSale(pens(1)), currency: 'CHF' }).rejects('validation_failed', {
      errors: { 'items.0.price': 'is required: the catalogue has none for it' },
    })
    sold({ ...francs, currency: 'chf' }).rejects('validation_failed')
  })
})

describe('money that was taken', () => {
  const card = (amount: string) => ({ tenders: [{ type: 'card', amount }] })
  const paid = (payment: object) => sold({ sale_id: SALE, items: [pens(2)], ...payment })
  it('was taken, also less or more than it should have been', () => {
    const less = paid(card('9'))
    less.answers({ amount_minor: 1000, rounding_minor: -100, total_amount_minor: 900 })
    less.answers({ doubts: ['paid_otherwise'], tenders: [{ type: 'card', amount_minor: 900 }] })
    equal(dataOf(less, 'SaleCompleted').difference_minor, -100)
    paid(card('12.50')).answers({ rounding_minor: 250, total_amount_minor: 1250 })
    paid({ payment_type: 'cash', paid_amount: '8' }).answers({ rounding_minor: -200 })
    // Of cash that is more, there was change.
    paid({ payment_type: 'cash', paid_amount: '20' }).answers({ change_minor: 1000 })
    const both = [...card('10').tenders, { type: 'cash', amount: '5' }]
    paid({ tenders: both }).answers({ rounding_minor: 500, total_amount_minor: 1500 })
    const all = { payment_type: 'credit', paid_amount: '11', customer_id: CUSTOMER }
    const none = paid(all)
    none.answers({ tenders: [{ type: 'cash', amount_minor: 1100 }], balance_minor: null })
  })
  it('may have been anything that the till takes for money', () => {
    const shells = paid({ payment_type: 'shells' })
    shells.answers({ doubts: ['tender_unknown'], payment_type: 'shells' })
    paid({}).rejects('validation_failed')
  })
  it('goes back with the goods, all of it and no more', () => {
    const history = afterSale({ sale_id: SALE, items: [pens(3)], ...card('14') })
    const half = (n: number): Step => [
      'RefundSale',
      { sale_id: SALE, refund_id: idOf(n), lines: [{ line: 1, quantity: '1' }] },
    ]
    const [one, two] = [after(history, [half(1)]), after(history, [half(1), half(2)])]
    const given = [history, one, two].map((before, n) => {
      const data = dataOf(when(before, ...half(n + 1)), 'SaleRefunded')
      return [data.total_amount_minor, data.amount_minor + data.rounding_minor]
    })
    // A third of what was lacking each time, rounded towards nothing until the last.
    deepEqual(given, [
      [467, 467],
      [467, 467],
      [466, 466],
    ])
    equal(
      given.reduce((sum, [total = 0]) => sum + total, 0),
      1400,
    )
  })
})

describe('what is on credit', () => {
  const credit = { payment_type: 'credit' }
  const owed = (input: object) =>
    sold({ ...cashSale(pens(2, { price: '5' })), ...credit, ...input })
  it('in another currency than the account stands in the sale, and on no account', () => {
    const then = owed({ customer_id: CUSTOMER, currency: 'EUR' })
    then.answers({ balance_minor: null, tenders: [{ type: 'credit', amount_minor: 1000 }] })
    then.answers({ doubts: ['product_currency_differs', 'account_currency_differs'] })
    equal(typesIn(then).includes('CustomerBalanceChanged'), false)
  })
  it('of nobody known is owed by somebody', () => {
    const then = owed({})
    then.answers({ doubts: ['debtor_unknown'], total_amount_minor: 1000 })
    const history = [...shop, ...then.decision().writes]
    const back = { sale_id: SALE, refund_id: REFUND }
    // What no account took, none gives back; and it is not paid out.
    when(history, 'RefundSale', back).answers({ balance_minor: null, doubts: ['debtor_unknown'] })
    when(history, 'RefundSale', { ...back, tender: 'cash' }).rejects('business_rule_violated')
  })
  it('beyond the limit, or of somebody archived, is doubtful', () => {
    const archived = customer.write(CUSTOMER, [
      customer.event('CustomerArchived', { customer_id: CUSTOMER }),
    ])
    const poor = [...shop.slice(0, 3), registered(100), archived]
    const input = { ...cashSale(pens(2)), ...credit, customer_id: CUSTOMER }
    const told = ['customer_archived', 'credit_limit_exceeded']
    sold(input, {}, poor).answers({ doubts: told, account_warnings: told })
  })
})

describe('a refund that happened already', () => {
  const history = afterSale(cashSale(pens(2), { product_id: 'apples', quantity: '1' }))
  const back = (more: object): Step => [
    'RefundSale',
    { sale_id: SALE, refund_id: REFUND, ...YESTERDAY, ...more },
  ]
  it('of more than the sale has left is booked apart from it, at what so much of it had cost', () => {
    const then = when(history, ...back({ lines: [{ line: 1, quantity: '5' }] }))
    then.answers({ sale_id: null, against_sale_id: SALE, total_amount_minor: 2500 })
    then.answers({ doubts: ['came_back_already'] })
    deepEqual(typesIn(then), ['SaleRefunded', 'RegisterEntryMade', 'InventoryAdjusted'])
    equal(dataOf(then, 'InventoryAdjusted').adjustment, 5)
    const beyond = [...history, ...then.decision().writes]
    when(beyond, ...back({ refund_id: idOf(1) })).answers({ total_amount_minor: 1299 })
    when(beyond, ...back({ lines: [{ line: 1, quantity: '5' }] })).rejects('already_exists')
  })
  it('of all of a sale, once more, is as much again', () => {
    const gone = after(history, [back({ refund_id: idOf(1) })])
    when(gone, ...back({})).answers({ against_sale_id: SALE, total_amount_minor: 1299 })
    when(gone, 'RefundSale', { sale_id: SALE, refund_id: REFUND }).rejects('invalid_state')
  })
  it('is told twice under one id, and is one', () => {
    const gone = after(history, [back({})])
    when(gone, ...back({})).rejects('already_exists')
  })
  it('of more than was paid is paid out, and doubtful', () => {
    const credit = { ...cashSale(pens(2)), payment_type: 'credit', customer_id: CUSTOMER }
    const then = when(afterSale(credit), ...back({ tender: 'cash' }))
    then.answers({ total_amount_minor: 1000, doubts: ['more_paid_out_than_paid'] })
  })
  it('gave what it gave', () => {
    const then = when(history, ...back({ tenders: [{ type: 'cash', amount: '10' }] }))
    then.answers({ amount_minor: 1299, rounding_minor: -299, doubts: ['paid_otherwise'] })
  })
})

describe('a sale that was set aside here', () => {
  it('may have been completed there', () => {
    const of = { sale_id: SALE }
    const steps: Step[] = [
      ['StartSale', of],
      ['AddSaleItem', { ...of, ...pens(1) }],
      ['SuspendSale', of],
    ]
    const done = { ...of, payment_type: 'cash' }
    const aside = after(shop, steps)
    when(aside, 'CompleteSale', done).rejects('invalid_state')
    when(aside, 'CompleteSale', { ...done, ...YESTERDAY }).answers({
      ...{ doubts: ['sale_was_suspended'], status: 'COMPLETED' },
    })
  })
  it('or with other goods, or although it was given up here', () => {
    const of = { sale_id: SALE }
    const begun = after(shop, [
      ['StartSale', of],
      ['AddSaleItem', { ...of, ...pens(9) }],
    ])
    const voided = after(begun, [['VoidSale', of]])
    const there = cashSale(pens(2))
    when(begun, 'ProcessSale', there).rejects('already_exists')
    const then = sold(there, {}, begun)
    deepEqual(typesIn(then).slice(0, 3), ['SaleItemRemoved', 'SaleItemAdded', 'SaleCompleted'])
    deepEqual(
      dataOf(then, 'SaleCompleted').lines.map((one: { line: number }) => one.line),
      [1],
    )
    then.answers({ total_amount_minor: 1000 })
    equal(dataOf(then, 'SaleCompleted').doubts, undefined)
    const still = sold(there, {}, voided)
    still.answers({ total_amount_minor: 1000, doubts: ['sale_was_voided'] })
    sold(there, {}, [...begun, ...then.decision().writes]).rejects('already_exists')
  })
  it('in a drawer that was opened there', () => {
    const drawer = { register_id: 'till1', currency: 'CHF', store_id: 'nowhere', float: '10' }
    const settings = { 'money.currencies': ['USD'] }
    whenAt(shop, { settings }, 'OpenCashSession', drawer).rejects('not_found')
    const then = whenAt(shop, { settings }, 'OpenCashSession', { ...drawer, ...YESTERDAY })
    then.answers({ currency: 'CHF', expected_minor: 1000 })
  })
})

describe('what is doubtful', () => {
  const settle: Step = ['SettleSaleDoubts', { sale_id: SALE, note: ' the price was wrong ' }]
  it('is settled once, with a note', () => {
    const archived = product.write('pen', [product.event('ProductArchived', { product_id: 'pen' })])
    const doubtful = after(
      [...shop, archived],
      [['ProcessSale', { ...YESTERDAY, ...cashSale(pens(1)) }]],
    )
    const then = when(doubtful, ...settle)
    deepEqual(dataOf(then, 'SaleDoubtsSettled').note, 'the price was wrong')
    then.answers({ sale_id: SALE, refund_id: null, settled_by: null })
    when(after(doubtful, [settle]), ...settle).writesNothing()
    when(doubtful, 'SettleSaleDoubts', { sale_id: SALE, note: ' ' }).rejects('validation_failed')
    when(shop, ...settle).rejects('not_found')
    when(shop, 'SettleRefundDoubts', { refund_id: REFUND, note: 'x' }).rejects('not_found')
  })
  it('is nothing of a sale by the book', () => {
    const plain = sold(cashSale(pens(1)))
    equal(dataOf(plain, 'SaleCompleted').doubts, undefined)
    when([...shop, ...plain.decision().writes], ...settle).writesNothing()
  })
})
