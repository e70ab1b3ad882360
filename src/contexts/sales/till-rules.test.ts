// A sale that goes on line by line, and the drawer it is paid into.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
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
  registered,
  SALE,
  typesIn,
} from './till-fixture.ts'

const { after, when, whenAt } = asking(command, codes)

const shop: readonly Write[] = [productCreated('pen'), stockOpened('pen', 10)]
const of = { sale_id: SALE }
const start: Step = ['StartSale', of]
const add: Step = ['AddSaleItem', { ...of, ...pens(2) }]
const suspend: Step = ['SuspendSale', { ...of, reason: 'forgot the purse' }]
const resume: Step = ['ResumeSale', { ...of, register_id: 'till2' }]
const complete: Step = ['CompleteSale', { ...of, payment_type: 'cash' }]
const giveUp: Step = ['VoidSale', { ...of, reason: 'changed his mind' }]

describe('a sale that goes on', () => {
  it('comes together line by line, and is booked when it is completed', () => {
    const history = after(shop, [start, add, add])
    const then = when(history, ...complete)
    deepEqual(typesIn(then), ['SaleCompleted', 'RegisterEntryMade', 'InventoryAdjusted'])
    then.answers({ sale_number: 'main-main-20260302-0001', total_amount_minor: 2000 })
    equal(dataOf(then, 'InventoryAdjusted').adjustment, -4)
  })
  it('has the prices of when its lines were added', () => {
    const dearer = [...after(shop, [start, add]), productPrice(900)]
    when(dearer, ...complete).answers({ total_amount_minor: 1000 })
    const more = after(dearer, [add])
    when(more, ...complete).answers({ total_amount_minor: 2800 })
  })
  it('is for whom it was started, or for whom it is completed, and at a time that was', () => {
    const known = [...shop, registered()]
    const begun = after(known, [['StartSale', { ...of, customer_id: CUSTOMER }], add])
    when(begun, ...complete).answers({ customer_id: CUSTOMER })
    when(begun, complete[0], { ...complete[1], customer_id: null }).answers({ customer_id: null })
    const late = after(known, [start, add])
    const credit = { ...of, payment_type: 'credit', customer_id: CUSTOMER }
    when(late, complete[0], credit).answers({ customer_id: CUSTOMER, balance_minor: 1000 })
    when(late, complete[0], { ...complete[1], occurred_at: '2026-03-03T10:00:00Z' }).rejects(
      'validation_failed',
      { errors: { occurred_at: 'is in the future' } },
    )
    when(late, complete[0], { ...complete[1], discounts: [{ name: 'x' }] }).rejects(
      'validation_failed',
      { errors: { 'discounts.0.percent': 'is required, or amount; not both' } },
    )
  })
  it('gives up lines, once, and never gives their number again', () => {
    const remove: Step = ['RemoveSaleItem', { ...of, line: 1 }]
    const codesOf = (then: ReturnType<typeof when>) =>
      (then.decision().response as { items: { line: number }[] }).items.map(({ line }) => line)
    const two = after(shop, [start, add, add])
    deepEqual(codesOf(when(two, ...add)), [1, 2, 3])
    deepEqual(codesOf(when(two, ...remove)), [2])
    when(after(two, [remove]), ...complete).answers({ total_amount_minor: 1000 })
    const history = after(shop, [start, add, remove])
    when(history, ...remove).writesNothing()
    when(history, 'RemoveSaleItem', { ...of, line: 2 }).rejects('not_found')
    equal(dataOf(when(history, ...add), 'SaleItemAdded').line, 2)
    when(history, ...complete).rejects('validation_failed', {
      errors: { sale_id: 'is a sale without any line' },
    })
  })
  it('is set aside and taken up at another register of the store, which numbers it then', () => {
    const aside = after(shop, [start, add, suspend])
    when(aside, ...suspend).writesNothing()
    for (const step of [add, complete]) when(aside, ...step).rejects('invalid_state')
    const again = after(aside, [resume])
    when(again, ...resume).writesNothing()
    when(again, ...complete).answers({
      sale_number: 'main-till2-20260302-0001',
      register_id: 'till2',
    })
    // Somebody who goes to another till takes it along; at the same one nothing changes.
    const moved = after(shop, [start, add, resume])
    when(moved, ...complete).answers({ register_id: 'till2' })
    when(moved, 'ResumeSale', of).writesNothing()
    when(aside, 'ResumeSale', { ...of, register_id: 'no:colons' }).rejects('validation_failed')
  })
  it('that is given up takes no number and ends there', () => {
    const gone = after(shop, [start, add, giveUp])
    ok(!typesIn(when(after(shop, [start, add, suspend]), ...giveUp)).includes('RegisterEntryMade'))
    when(gone, ...giveUp).writesNothing()
    for (const step of [add, suspend, resume, complete])
      when(gone, ...step).rejects('invalid_state')
    const next = { ...cashSale(pens(1)), sale_id: '01980000-0000-7000-8000-000000000001' }
    when(gone, 'ProcessSale', next).answers({ sale_number: 'main-main-20260302-0001' })
  })
  it('never changes once it is completed', () => {
    const sold = after(shop, [start, add, complete])
    const remove: Step = ['RemoveSaleItem', { ...of, line: 1 }]
    for (const step of [add, remove, suspend, resume, complete, giveUp])
      when(sold, ...step).rejects('invalid_state', { details: { status: 'COMPLETED' } })
  })
  it('has room for three hundred lines', () => {
    const begun = after(shop, [start])
    const { stream, events } = when(begun, ...add).decision().writes[0]!
    const lines = (n: number): readonly Write[] => {
      const numbered = (_: unknown, i: number) => ({
        ...events[0]!,
        data: { ...(events[0]!.data as object), line: i + 1 },
      })
      return [...begun, { stream, events: Array.from({ length: n }, numbered) }]
    }
    ok(typesIn(when(lines(299), ...add)).includes('SaleItemAdded'))
    when(lines(300), ...add).rejects('business_rule_violated')
  })
  it('is there before anything is done with it, and begins once', () => {
    for (const step of [add, suspend, resume, complete, giveUp])
      when(shop, ...step).rejects('not_found')
    when(after(shop, [start]), ...start).rejects('already_exists')
    when(shop, 'StartSale', { ...of, currency: 'EUR' }).answers({ currency: 'EUR' })
    const euro = after(shop, [['StartSale', { ...of, currency: 'EUR' }]])
    when(euro, ...add).rejects('currency_mismatch')
    when(shop, 'StartSale', { ...of, store_id: 'nowhere' }).rejects('not_found')
    when(shop, 'StartSale', { ...of, register_id: 'no:colons' }).rejects('validation_failed')
    const settings = { 'money.default': 'EUR', 'money.currencies': ['EUR', 'CHF'] }
    whenAt(shop, { settings }, ...start).answers({ currency: 'EUR' })
    whenAt(shop, { settings }, 'StartSale', { ...of, currency: 'USD' }).rejects(
      'validation_failed',
      { errors: { currency: 'must be one of EUR, CHF' } },
    )
    when(after(shop, [start]), 'AddSaleItem', { ...of, product_code: 'X', quantity: '1' }).rejects(
      'not_found',
      { errors: { product_code: 'is not a product that is sold' } },
    )
  })
})

const productPrice = (sell_price_minor: number): Write => ({
  stream: 'product-pen',
  events: [
    {
      type: 'ProductPriceChanged',
      data: {
        ...{ product_id: 'pen', sell_price_minor, cost_price_minor: null, currency: 'USD' },
        ...{ previous_sell_price_minor: 500, price_number: 2, changed_by: null },
      },
    },
  ],
})

const till = { register_id: 'main' }
const open: Step = ['OpenCashSession', { ...till, float: '50', session_id: SALE }]
const move = (direction: string, amount: string): Step => [
  'MoveCash',
  { ...till, direction, amount, reason: 'bank' },
]
const close = (counted: string): Step => ['CloseCashSession', { ...till, counted }]
const sold = (n: number, more: object = {}): Step => [
  'ProcessSale',
  { ...cashSale(pens(n)), sale_id: `01980000-0000-7000-8000-00000000000${n}`, ...more },
]

describe('a cash session', () => {
  it('expects its float, what was moved, and what was sold for cash, less what was given back', () => {
    const card = sold(3, { payment_type: 'card' })
    const back: Step = [
      'RefundSale',
      { sale_id: '01980000-0000-7000-8000-000000000002', lines: [{ line: 1, quantity: '1' }] },
    ]
    const day = after(shop, [open, sold(2), card, move('in', '10'), move('out', '20'), back])
    when(day, ...close('45')).answers({ expected_minor: 4500, difference_minor: 0 })
    ok(!typesIn(when(day, ...close('45'))).includes('CashDifferenceFound'))
  })
  it('tells of what is short or too much', () => {
    const day = after(shop, [open, sold(2)])
    const short = when(day, ...close('59.50'))
    short.answers({ expected_minor: 6000, counted_minor: 5950, difference_minor: -50 })
    equal(dataOf(short, 'CashDifferenceFound').is_short, true)
    const over = dataOf(when(day, ...close('60.01')), 'CashDifferenceFound')
    deepEqual([over.difference_minor, over.is_short], [1, false])
  })
  it('has nothing in its drawer of what was rung up before it was opened and told late', () => {
    const noon: Step = ['OpenCashSession', { ...till, float: '50', session_id: SALE }]
    const at = (occurred_at: string) => sold(2, { occurred_at })
    const told = (opened: Step, sale: Step) => {
      const then = when(after(shop, [opened, sale]), ...close('50'))
      return Number((then.decision().response as { expected_minor: number }).expected_minor)
    }
    equal(told(noon, at('2026-03-02T09:30:00.000Z')), 5000)
    equal(told(noon, at('2026-03-02T09:59:30.000Z')), 6000)
    // The till was alone all morning, and tells of its opening late as well.
    const early: Step = [noon[0], { ...noon[1], occurred_at: '2026-03-02T08:00:00+01:00' }]
    equal(told(early, at('2026-03-02T09:30:00.000Z')), 6000)
    equal(told(early, at('2026-03-02T07:00:00.000Z')), 6000)
    equal(told(early, at('2026-03-02T06:59:59.999Z')), 5000)
    const tomorrow: Step = [noon[0], { ...noon[1], occurred_at: '2026-03-03T08:00:00Z' }]
    when(shop, ...tomorrow).rejects('validation_failed', {
      errors: { occurred_at: 'is in the future' },
    })
    const opened = dataOf(when(shop, ...early), 'CashSessionOpened')
    equal(opened.opened_at, '2026-03-02T07:00:00.000Z')
  })
  it('counts its own currency alone', () => {
    const euro: Step = ['OpenCashSession', { ...till, float: '50', currency: 'EUR' }]
    when(after(shop, [euro, sold(2)]), ...close('50')).answers({
      currency: 'EUR',
      difference_minor: 0,
    })
  })
  it('is open once at a register, and begins anew after it was closed', () => {
    when(after(shop, [open]), ...open).rejects('invalid_state', { details: { session_id: SALE } })
    const other: Step = ['OpenCashSession', { register_id: 'till2' }]
    when(after(shop, [open]), ...other).answers({ expected_minor: 0 })
    const closed = after(shop, [open, close('50')])
    when(closed, ...close('50')).rejects('invalid_state')
    when(closed, ...move('in', '1')).rejects('invalid_state')
    when(closed, ...open).answers({ expected_minor: 5000 })
    when(after(shop, [open, close('49')]), ...open).answers({ expected_minor: 5000 })
  })
  it('takes what a customer pays of his debt, in one go with his account', () => {
    const settles = (direction: string, amount: string, more: object = {}): Step => [
      'MoveCash',
      { ...till, direction, amount, reason: 'pays his debt', customer_id: CUSTOMER, ...more },
    ]
    const credit = { payment_type: 'credit', customer_id: CUSTOMER }
    const owing = after([...shop, registered(1_000)], [open, sold(2, credit)])
    when(owing, ...settles('in', '4')).answers({ expected_minor: 5400, balance_minor: 600 })
    const then = when(owing, ...settles('in', '12'))
    then.answers({ expected_minor: 6200, balance_minor: -200 })
    const { change_minor, cause, reference } = dataOf(then, 'CustomerBalanceChanged')
    deepEqual([change_minor, cause, reference], [-1200, 'payment', SALE])
    equal(dataOf(then, 'CashMoved').customer_id, CUSTOMER)
    const ahead = [...owing, ...then.decision().writes]
    when(ahead, ...settles('out', '2')).answers({ expected_minor: 6000, balance_minor: 0 })
    when(ahead, ...settles('out', '2.01')).rejects('business_rule_violated')
    when(ahead, ...move('out', '2.01')).answers({ balance_minor: null })
    when(owing, ...settles('in', '1', { customer_id: 'nobody' })).rejects('not_found')
    const euro: Step = ['OpenCashSession', { ...till, currency: 'EUR' }]
    const other = after([...shop, registered()], [euro])
    when(other, ...settles('in', '1')).rejects('currency_mismatch')
  })
  it('takes amounts that are amounts, and a reason', () => {
    const history = after(shop, [open])
    const errors = (field: string, reason: string) => ({ errors: { [field]: reason } })
    when(history, ...move('in', '0')).rejects(
      'validation_failed',
      errors('amount', 'must be more than zero'),
    )
    when(history, ...close('-1')).rejects(
      'validation_failed',
      errors('counted', 'must not be negative'),
    )
    when(history, 'MoveCash', { ...till, direction: 'in', amount: '1', reason: ' ' }).rejects(
      'validation_failed',
      errors('reason', 'must not be blank'),
    )
    when(shop, 'OpenCashSession', { ...till, float: '0.001' }).rejects(
      'validation_failed',
      errors('float', 'must have at most 2 decimals'),
    )
    const most = 10 ** 12 / 100
    when(history, ...move('out', String(most))).answers({ expected_minor: 5000 - most * 100 })
    when(history, ...move('in', `${most}.01`)).rejects(
      'validation_failed',
      errors('amount', 'is too large'),
    )
    const spaced = when(history, 'MoveCash', {
      ...{ ...till, direction: 'in', amount: '1', reason: ' bank ' },
    })
    equal(dataOf(spaced, 'CashMoved').reason, 'bank')
    when(shop, 'OpenCashSession', { register_id: 'no-dash' }).rejects('validation_failed')
  })
  it('is in a currency that the shop takes, in a store that there is', () => {
    const settings = { 'money.default': 'EUR', 'money.currencies': ['EUR', 'CHF'] }
    const opened = (more: object) => whenAt(shop, { settings }, open[0], { ...open[1], ...more })
    opened({}).answers({ currency: 'EUR' })
    opened({ currency: 'CHF' }).answers({ currency: 'CHF' })
    opened({ currency: 'USD' }).rejects('validation_failed', {
      errors: { currency: 'must be one of EUR, CHF' },
    })
    when(shop, open[0], { ...open[1], store_id: 'nowhere' }).rejects('not_found')
  })
  it('has room for a thousand movements', () => {
    const moved: Write = {
      ...when(after(shop, [open]), ...move('in', '1')).decision().writes[0]!,
    }
    const times = (n: number): readonly Write[] => [
      ...after(shop, [open]),
      { ...moved, events: Array.from({ length: n }, () => moved.events[0]!) },
    ]
    when(times(999), ...move('in', '1')).answers({ expected_minor: 105_000 })
    when(times(1_000), ...move('in', '1')).rejects('business_rule_violated')
    when(times(1_000), ...close('1050')).answers({ difference_minor: 0 })
  })
  it('may be asked for by the shop before anything is sold', () => {
    const settings = { 'pos.require_session': true }
    whenAt(shop, { settings }, ...sold(1)).rejects('invalid_state')
    whenAt(after(shop, [open]), { settings }, ...sold(1)).answers({ status: 'COMPLETED' })
    whenAt(after(shop, [open, close('50')]), { settings }, ...sold(1)).rejects('invalid_state')
  })
})
