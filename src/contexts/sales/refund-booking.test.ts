// Where a refund is booked, and what it is refused for: another store, another register, its number
// and its taxes.
import { deepEqual } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productCreated, stockOpened } from '#contexts/inventory/goods-fixture.ts'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import type { Write } from '#kernel/decider.ts'
import { asking } from '#testing/given.ts'
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
} from './till-fixture.ts'

const { after, whenAt } = asking(command, codes)

const shop: readonly Write[] = [
  productCreated('pen'),
  stockOpened('pen', 10),
  registered(),
  store.write('berlin', [
    store.event('StoreCreated', {
      ...{ store_id: 'berlin', name: 'Berlin', kind: 'shop', timezone: 'Europe/Berlin' },
    }),
  ]),
]
const taxed = { 'money.taxes': ['standard:VAT:20'] }
const history = after(shop, [['ProcessSale', cashSale(pens(3))]], { settings: taxed })
const back = (more: object = {}, settings: object = {}, past = history) =>
  whenAt(past, { settings: { ...settings } }, 'RefundSale', {
    ...{ sale_id: SALE, refund_id: REFUND, ...more },
  })
const loose = (more: object = {}, settings: object = {}) =>
  whenAt(
    shop,
    { settings: { 'pos.refund_without_original': 'allow', ...settings } },
    'RefundWithoutSale',
    { refund_id: REFUND, items: [pens(1)], tender: 'cash', cause: 'a gift', ...more },
  )

describe('a refund is booked', () => {
  it('where it was sold, or where it comes back: entry, goods and number', () => {
    const placed = (more: object) => {
      const then = back(more)
      const { store_id, register_id, document_number } = dataOf(then, 'RegisterEntryMade')
      return [store_id, register_id, document_number, dataOf(then, 'InventoryAdjusted').store_id]
    }
    const main = MAIN_STORE_ID
    deepEqual(placed({}), [main, 'main', 'R-main-main-20260302-0001', main])
    deepEqual(placed({ store_id: 'main', register_id: 'till2' }), [
      ...[main, 'till2', 'R-main-till2-20260302-0001', main],
    ])
    const berlin = placed({ store_id: 'berlin' })
    deepEqual(berlin, ['berlin', 'main', 'R-berlin-main-20260302-0001', 'berlin'])
    back({ store_id: 'nowhere' }).rejects('not_found')
    back({ register_id: 'a-b' }).rejects('validation_failed', {
      errors: { register_id: 'must be up to 20 letters, digits or _' },
    })
  })
  it('under a number that nobody else may have, and that looks as the shop wants', () => {
    const owner = `sale-${SALE}`
    back().claims([{ scope: 'sale_number', value: 'R-main-main-20260302-0001', owner }])
    const format = { 'pos.refund_number_format': 'back/{register}/{seq}' }
    back({}, format).claims([{ scope: 'sale_number', value: 'back/main/1', owner }])
    back({}, { 'pos.number_format': '{seq}' }).answers({
      refund_number: 'R-main-main-20260302-0001',
    })
    loose().claims([
      ...[
        {
          scope: 'sale_number',
          value: 'R-main-main-20260302-0001',
          owner: `sale_refund-${REFUND}`,
        },
      ],
    ])
  })
  it('in cash to the coin, so that what comes back piece by piece is what was taken', () => {
    const coins = { 'pos.cash_rounding': 5, 'pos.price_override': 'allow' }
    const sale = cashSale(pens(3, { price: '1.02' }))
    let past = after(shop, [['ProcessSale', sale]], { settings: coins })
    const given = [1, 2, 3].map((nth) => {
      const refund_id = REFUND.replace(/b$/, String(nth))
      const then = back({ refund_id, lines: [{ line: 1, quantity: '1' }] }, coins, past)
      past = [...past, ...then.decision().writes]
      return dataOf(then, 'SaleRefunded').total_amount_minor
    })
    deepEqual(given, [100, 105, 100])
  })
  it('with the taxes that were in its price', () => {
    const [line] = dataOf(back(), 'SaleRefunded').lines
    deepEqual(line.taxes, [{ name: 'VAT', rate: '20', is_inclusive: true, amount_minor: 250 }])
    deepEqual([line.net_minor, line.tax_minor], [1250, 250])
    const [apart] = dataOf(loose({}, taxed), 'SaleRefunded').lines
    deepEqual(apart.taxes, [{ name: 'VAT', rate: '20', is_inclusive: true, amount_minor: 83 }])
  })
})

describe('a refund of what had come back already', () => {
  it('costs what so many units cost, with the taxes that were in them', () => {
    const fact = { occurred_at: '2026-03-02T09:00:00Z', lines: [{ line: 1, quantity: '4' }] }
    const all = [...history, ...back().decision().writes]
    const then = back({ ...fact, refund_id: REFUND.replace(/b$/, 'c') }, {}, all)
    const [line] = dataOf(then, 'SaleRefunded').lines
    deepEqual(
      [line.quantity, line.amount_minor, line.net_minor, line.tax_minor],
      [4, 2000, 1667, 333],
    )
    deepEqual(line.taxes, [{ name: 'VAT', rate: '20', is_inclusive: true, amount_minor: 333 }])
  })
})

describe('a refund is refused', () => {
  it('that is still to come', () => {
    const errors = { occurred_at: 'is in the future' }
    const occurred_at = '2026-03-03T10:00:00Z'
    back({ occurred_at }).rejects('validation_failed', { errors })
    loose({ occurred_at }).rejects('validation_failed', { errors })
  })
  it('of no quantity, of a line that is not there or comes twice', () => {
    const of = (...lines: readonly object[]) => back({ lines })
    of({ line: 1, quantity: '0' }).rejects('validation_failed', {
      errors: { 'lines.0.quantity': 'must be more than 0' },
    })
    of({ line: 1 }, { line: 2 }, { line: 1 }).rejects('validation_failed', {
      errors: { 'lines.1.line': 'is not a line of this sale', 'lines.2.line': 'is named twice' },
    })
    of({ line: 0 }).rejects('validation_failed')
    back({ lines: [] }).rejects('validation_failed')
  })
  it('of a sale that was paid in parts, until it says by what', () => {
    const tenders = [{ type: 'card', amount: '4' }, { type: 'cash' }]
    const split = after(shop, [['ProcessSale', { sale_id: SALE, items: [pens(2)], tenders }]])
    back({}, {}, split).rejects('validation_failed', {
      errors: { tender: 'is required, or tenders: it was not paid in one way that is known' },
    })
    back({ tender: 'card' }, {}, split).answers({ total_amount_minor: 1000 })
  })
  it('without a sale in a currency that its goods are not priced in', () => {
    loose({ currency: 'USD' }).answers({ currency: 'USD' })
    loose({ currency: 'EUR' }).rejects('currency_mismatch')
    loose({ customer_id: CUSTOMER }).answers({ customer_id: CUSTOMER })
    loose({ customer_id: 'nobody' }).rejects('not_found')
  })
})
