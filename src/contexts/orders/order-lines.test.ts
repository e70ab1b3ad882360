// From what is asked for to an order's lines: which prices count, what is rounded and when, and
// what is told of everything that is wrong.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { product } from '#contexts/catalog/public.ts'
import { productCreated } from '#contexts/inventory/goods-fixture.ts'
import type { Rejected, Write } from '#kernel/decider.ts'
import { NOW, statesAfter } from '#testing/given.ts'
import { type Item, type Priced, pricedLines } from './order-lines.ts'

const productOf = (product_id: string, more: object = {}): Write =>
  productCreated(product_id, { name: `The ${product_id}`, ...more })
const archived = (product_id: string): Write =>
  product.write(product_id, [product.event('ProductArchived', { product_id })])
/** A price for a time to come, that nobody has written down since. */
const toBe = (product_id: string, sell_price_minor: number, effective_at: string): Write =>
  product.write(product_id, [
    product.event('ProductPriceScheduled', {
      ...{ product_id, schedule_id: effective_at, effective_at, sell_price_minor },
      ...{ currency: 'USD', scheduled_by: null },
    }),
  ])
const goods = statesAfter(
  productOf('cup'),
  productOf('tea', { quantity_scale: 3, sell_price_minor: 5 }),
  productOf('bell', { currency: 'EUR' }),
  productOf('gong', { currency: 'JPY', sell_price_minor: 7 }),
  productOf('house', { sell_price_minor: 10 ** 13 }),
  productOf('old'),
  productOf('lamp'),
  toBe('lamp', 450, NOW),
  toBe('lamp', 400, '2100-01-01T00:00:00.000Z'),
  archived('old'),
)
type Settings = Readonly<Record<string, unknown>>
const priced = (
  items: readonly Item[],
  currency?: string,
  settings: Settings = {},
  source = 'api',
) => pricedLines(items, currency, goods, { settings, source, now: NOW })
const of = (result: Priced | Rejected): Priced => {
  ok(!('rejected' in result), JSON.stringify(result))
  return result
}
const refusal = (result: Priced | Rejected) => {
  ok('rejected' in result, JSON.stringify(result))
  return result.rejected
}
const item = (product_id: string, quantity = '1', price?: string): Item =>
  price === undefined ? { product_id, quantity } : { product_id, quantity, price }

const untaxed = (net_minor: number) => ({
  ...{ net_minor, tax_minor: 0, discount_minor: 0 },
  ...{ taxes: [], discounts: [], department_id: null },
})

describe('the lines of an order', () => {
  it('have the price that is in force at their moment, written down already or not', () => {
    equal(of(priced([item('lamp', '2')])).total_amount_minor, 900)
    equal(refusal(priced([item('lamp', '1', '5.00')])).code, 'price_mismatch')
  })
  it('are numbered, named and priced as the product is now', () => {
    deepEqual(of(priced([item('cup', '2'), item('tea', '1.5')])), {
      currency: 'USD',
      lines: [
        {
          line: 1,
          product_id: 'cup',
          code: 'CUP',
          name: 'The cup',
          quantity: 2,
          quantity_scale: 0,
          unit_price_minor: 500,
          amount_minor: 1_000,
          ...untaxed(1_000),
        },
        {
          line: 2,
          product_id: 'tea',
          code: 'TEA',
          name: 'The tea',
          quantity: 1_500,
          quantity_scale: 3,
          unit_price_minor: 5,
          amount_minor: 8,
          ...untaxed(8),
        },
      ],
      total_amount_minor: 1_008,
      ...{ net_minor: 1_008, tax_minor: 0, discount_minor: 0 },
    })
  })
  it('are rounded half up, or half to even where the settings say so, line by line', () => {
    const halves = [item('tea', '0.5'), item('tea', '0.5')]
    const total = (settings: Settings) => of(priced(halves, undefined, settings)).total_amount_minor
    equal(total({}), 6)
    equal(total({ 'money.rounding': 'half_up' }), 6)
    equal(total({ 'money.rounding': 'half_even' }), 4)
  })
  it('come to no more than can be paid, each and together', () => {
    deepEqual(refusal(priced([item('house', '1000')])).errors, {
      'items.0.quantity': 'comes to more than can be paid',
    })
    const many = Array(10).fill(item('house', '100'))
    deepEqual(refusal(priced(many)).errors, { items: 'come to more than can be paid' })
    equal(of(priced([item('house', '900')])).total_amount_minor, 9 * 10 ** 15)
  })
})

describe('a product that cannot be ordered', () => {
  it('is named once, and each of its lines', () => {
    const items = [item('cup'), item('none'), item('old'), item('none')]
    deepEqual(refusal(priced(items)), {
      code: 'not_found',
      message: 'There is no product none, old.',
      errors: {
        'items.1.product_id': 'is not a product that is sold',
        'items.2.product_id': 'is not a product that is sold',
        'items.3.product_id': 'is not a product that is sold',
      },
    })
  })
  it('is told of twenty lines at most', () => {
    const items = Array.from({ length: 30 }, (_, i) => item(`none-${i}`))
    const { errors, message } = refusal(priced(items))
    equal(Object.keys(errors!).length, 20)
    equal(message.split(',').length, 20)
  })
})

describe('the currency of an order', () => {
  it('is that of its products', () => {
    equal(of(priced([item('bell')])).currency, 'EUR')
    equal(of(priced([item('bell')], 'EUR')).currency, 'EUR')
    deepEqual(refusal(priced([item('cup'), item('bell')])), {
      code: 'currency_mismatch',
      message: 'Not everything in the order is priced in USD.',
      errors: { 'items.1.product_id': 'is not priced in USD' },
    })
    deepEqual(refusal(priced([item('cup')], 'EUR')).errors, {
      'items.0.product_id': 'is not priced in EUR',
    })
  })
  it('is one that the shop takes', () => {
    const settings = { 'money.currencies': ['EUR', 'GBP'] }
    equal(of(priced([item('bell')], undefined, settings)).currency, 'EUR')
    deepEqual(refusal(priced([item('cup')], undefined, settings)).errors, {
      currency: 'must be one of EUR, GBP',
    })
  })
})

describe('a price that the sender names', () => {
  it('has to be the one in force; every one that is not is told', () => {
    const items = [item('cup', '1', '5.00'), item('cup', '1', '4.99'), item('tea', '1', '1')]
    deepEqual(refusal(priced(items)), {
      code: 'price_mismatch',
      message: 'The price has changed; these are the prices in force.',
      details: {
        currency: 'USD',
        items: [
          { item: 1, price: 5, given: 4.99 },
          { item: 2, price: 0.05, given: 1 },
        ],
      },
    })
    equal(of(priced([item('cup', '1', '5')])).total_amount_minor, 500)
    const many = Array(30).fill(item('cup', '1', '1'))
    const { items: wrong } = refusal(priced(many)).details ?? {}
    equal(Array.isArray(wrong) && wrong.length, 20)
  })
  it('counts for imports, and where the settings say so', () => {
    const cheap = [item('cup', '2', '1.5'), item('cup')]
    const lines = [
      [150, 300],
      [500, 500],
    ]
    for (const result of [
      priced(cheap, undefined, {}, 'import'),
      priced(cheap, undefined, { 'orders.client_price': 'accept' }),
    ])
      deepEqual(
        of(result).lines.map(({ unit_price_minor, amount_minor }) => [
          unit_price_minor,
          amount_minor,
        ]),
        lines,
      )
    equal(
      refusal(priced(cheap, undefined, { 'orders.client_price': 'check' })).code,
      'price_mismatch',
    )
  })
  it('has the digits of the currency', () => {
    equal(of(priced([item('gong', '3', '7')])).total_amount_minor, 21)
    deepEqual(refusal(priced([item('gong', '1', '7.5')])).errors, {
      'items.0.price': 'must be a whole number',
    })
  })
})

describe('what is wrong with the lines', () => {
  it('is told of all together, the first of each', () => {
    const items = [
      item('cup', '0.5', '1.234'),
      item('cup', '0'),
      item('cup', '-1'),
      item('cup', '1', '1.234'),
      item('cup', '1', '4'),
    ]
    deepEqual(refusal(priced(items)), {
      code: 'validation_failed',
      message: 'Some fields are not acceptable.',
      errors: {
        'items.0.quantity': 'must be a whole number',
        'items.1.quantity': 'must be more than 0',
        'items.2.quantity': 'must be more than 0',
        'items.3.price': 'must have at most 2 decimals',
      },
    })
  })
  it('is told of twenty at most', () => {
    const { errors } = refusal(priced(Array(30).fill(item('cup', '0'))))
    equal(Object.keys(errors!).length, 20)
  })
})
