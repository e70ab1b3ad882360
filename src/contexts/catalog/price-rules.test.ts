// Prices and the product's own fields at their limits: how amounts are read, what an event of a
// product may hold, what the price history says, and the names under which all this is asked for.
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Write } from '#kernel/decider.ts'
import type { Fact, Recorded } from '#kernel/message.ts'
import { check } from '#kernel/schema.ts'
import { assertLimits, atLeast, upTo } from '#testing/field-limits.ts'
import { commandIn, given } from '#testing/given.ts'
import { assertNamesColumns, assertRowsFit } from '#testing/table-rows.ts'
import { wireNames } from '#testing/wire-names.ts'
import { AMOUNT_MAX, amountReader, hasErrors, QUANTITY_MAX } from './amount-reader.ts'
import { catalog } from './catalog.ts'
import { department } from './department.ts'
import { type PriceRow, priceHistory } from './price-history.ts'
import { product } from './product.ts'
import { unit } from './unit.ts'
import { productUpdates } from './update-product.ts'

const commands = [...catalog.commands, ...productUpdates]
const command = commandIn(commands)
const createProduct = command('CreateProduct')
const updateProduct = command('UpdateProduct')

const P = 'p-1'
const NEW = '01980000-0000-7000-8000-000000000001'
const facts = {
  product_id: P,
  code: 'CUP',
  name: 'Cup',
  description: 'A cup',
  sell_price_minor: 500,
  currency: 'USD',
  cost_price_minor: 300,
  department_id: 'd-1',
  department_name: 'Kitchen',
  unit_id: 'u-1',
  unit_name: 'Kilogram',
  quantity_scale: 3,
  min_stock: 5,
  user_id: 'ann',
}
const created = product.event('ProductCreated', facts)
const history = (...events: readonly Fact[]): Write => ({ stream: `product-${P}`, events })
const kilogram = unit.write('u-1', [
  unit.event('UnitCreated', { unit_id: 'u-1', name: 'Kilogram', symbol: 'kg', precision: 3 }),
])
const kitchen = department.write('d-1', [
  department.event('DepartmentCreated', { department_id: 'd-1', name: 'Kitchen' }),
])
const priced = {
  product_id: P,
  sell_price_minor: 450,
  cost_price_minor: null,
  previous_sell_price_minor: 500,
  currency: 'USD',
  price_number: 2,
  changed_by: null,
}

describe('an amount', () => {
  it('is read up to the very limit, and told as too large beyond it', () => {
    const reader = amountReader()
    equal(reader.amount('a', '100000000000.00', 'USD'), AMOUNT_MAX)
    equal(reader.quantity('b', '1000000000000', 0), QUANTITY_MAX)
    equal(reader.positive('c', '1000000000.000', 3), QUANTITY_MAX)
    equal(reader.change('d', '-1000000000000', 0), -QUANTITY_MAX)
    ok(!hasErrors(reader.errors))
    equal(reader.amount('a', '100000000000.01', 'USD'), 0)
    equal(reader.change('d', '-1000000000001', 0), 0)
    deepEqual(reader.errors, { a: 'is too large', d: 'is too large' })
  })
  it('may be nothing, where it need not be more', () => {
    const reader = amountReader()
    deepEqual([reader.amount('a', '0', 'USD'), reader.quantity('b', '0', 0)], [0, 0])
    deepEqual(reader.errors, {})
    equal(reader.positive('c', '0', 0), 0)
    deepEqual(reader.errors, { c: 'must be more than zero' })
  })
  it('is nothing where it is wrong, and the first thing that is wrong with it is told', () => {
    const reader = amountReader()
    equal(reader.amount('a', '-1', 'USD'), 0)
    equal(reader.quantity('b', '-1', 0), 0)
    equal(reader.positive('c', '0.5', 0), 0)
    reader.note('a', 'is odd')
    deepEqual(reader.errors, {
      a: 'must not be negative',
      b: 'must not be negative',
      c: 'must be a whole number',
    })
    ok(hasErrors(reader.errors))
  })
})

describe('what an event of a product may hold', () => {
  it('ProductCreated', () => {
    assertLimits(product.events.ProductCreated.data, facts, {
      code: upTo(100),
      name: upTo(300),
      description: upTo(5_000),
      currency: upTo(3),
      cost_price_minor: [[null], ['1']],
      department_id: [[null], ['']],
      department_name: [[null, 'x'.repeat(300)], ['x'.repeat(301)]],
      unit_name: [[null, 'x'.repeat(300)], ['x'.repeat(301)]],
      quantity_scale: [
        [0, 6],
        [-1, 7],
      ],
      min_stock: atLeast(0),
      user_id: [
        [null, 'x'.repeat(200)],
        ['', 'x'.repeat(201)],
      ],
    })
  })
  it('ProductUpdated', () => {
    assertLimits(
      product.events.ProductUpdated.data,
      { product_id: P },
      {
        code: upTo(100),
        name: upTo(300),
        description: upTo(5_000),
        department_id: [[null, 'd-1'], ['']],
        department_name: [[null], ['']],
        unit_id: [[null, 'u-1'], ['']],
        unit_name: [[null], ['']],
        min_stock: atLeast(0),
      },
    )
  })
  it('ProductPriceChanged, ProductArchived and ProductRestored', () => {
    assertLimits(product.events.ProductPriceChanged.data, priced, {
      cost_price_minor: [[300], ['1']],
      currency: upTo(3),
      price_number: atLeast(2),
      changed_by: [['x'.repeat(200)], ['', 'x'.repeat(201)]],
    })
    assertLimits(product.events.ProductArchived.data, { product_id: P })
    assertLimits(product.events.ProductRestored.data, { product_id: P })
    deepEqual(product.events.ProductArchived.aliases, ['ProductDeleted'])
  })
})

describe('the state of a product', () => {
  const step = (state: ReturnType<typeof product.evolve.ProductCreated>, { type, data }: Fact) =>
    product.evolve[type as keyof typeof product.events](state, data as never, {
      occurred_at: '',
      timestamp: '',
      position: 1,
    })
  const { product_id, user_id, department_name, unit_name, ...fields } = facts
  const fresh = { ...fields, tax_class: null, is_active: true, price_number: 1, scheduled: [] }
  const after = (...events: readonly Fact[]) => [created, ...events].reduce(step, null)

  it('is what rules read of its events, and no more', () => {
    deepEqual(after(), fresh)
    const updated = {
      product_id: P,
      name: 'Mug',
      department_id: null,
      department_name: null,
      unit_name: 'Piece',
    }
    deepEqual(after(product.event('ProductUpdated', updated)), {
      ...fresh,
      name: 'Mug',
      department_id: null,
    })
    deepEqual(after(product.event('ProductPriceChanged', priced)), {
      ...fresh,
      sell_price_minor: 450,
      cost_price_minor: null,
      price_number: 2,
    })
    const archived = product.event('ProductArchived', { product_id: P })
    deepEqual(after(archived), { ...fresh, is_active: false })
    deepEqual(after(archived, product.event('ProductRestored', { product_id: P })), fresh)
  })
  it('does not begin with a change', () =>
    throws(
      () => step(null, product.event('ProductArchived', { product_id: P })),
      /a product that was never created has changed/,
    ))
})

describe('the history of prices', () => {
  const recorded = (fact: Fact, occurred_at: string): Recorded => ({
    position: 1,
    event_id: 'e-1',
    aggregate_type: 'product',
    aggregate_id: P,
    version: 1,
    event_type: fact.type,
    event_version: 1,
    data: fact.data,
    metadata: fact === created ? {} : { command_id: 'command-2' },
    occurred_at,
    timestamp: '2030-01-01T00:00:00.000Z',
  })
  const JAN = '2026-01-01T00:00:00.000Z'
  const FEB = '2026-02-01T00:00:00.000Z'
  const first = recorded(created, JAN)
  const second = recorded(product.event('ProductPriceChanged', priced), FEB)
  const apply = (row: PriceRow | undefined, event: Recorded, key: string) =>
    priceHistory.on[event.event_type]!.apply(row as never, event, key) as PriceRow | undefined
  const one = apply(undefined, first, `${P}:1`)!

  it('opens with the price of the beginning', () => {
    deepEqual(priceHistory.on.ProductCreated!.keys(first), [`${P}:1`])
    deepEqual(one, {
      price_id: `${P}:1`,
      product_id: P,
      price_number: 1,
      sell_price_minor: 500,
      cost_price_minor: 300,
      currency: 'USD',
      valid_from: JAN,
      valid_to: null,
      changed_by: 'ann',
      command_id: null,
      schedule_id: null,
    })
  })
  it('closes one price with the next', () => {
    deepEqual(priceHistory.on.ProductPriceChanged!.keys(second), [`${P}:1`, `${P}:2`])
    deepEqual(apply(one, second, `${P}:1`), { ...one, valid_to: FEB })
    deepEqual(apply(undefined, second, `${P}:2`), {
      price_id: `${P}:2`,
      product_id: P,
      price_number: 2,
      sell_price_minor: 450,
      cost_price_minor: null,
      currency: 'USD',
      valid_from: FEB,
      valid_to: null,
      changed_by: null,
      command_id: 'command-2',
      schedule_id: null,
    })
    equal(apply(undefined, second, `${P}:1`), undefined, 'there is no row to close')
  })
  it('fits its table, and is made of its product’s stream', () => {
    assertRowsFit(priceHistory, one, apply(undefined, second, `${P}:2`)!)
    assertNamesColumns(priceHistory)
    deepEqual(priceHistory.table.indexes, [['product_id', 'valid_from']])
    deepEqual(priceHistory.sources?.('a:b:12', undefined), ['product-a:b'])
    equal(priceHistory.name, priceHistory.table.name)
  })
})

describe('the fields of a product', () => {
  const input = { product_id: NEW, sell_price: '1', name: 'Cup' }
  it('have limits', () => {
    const limits = {
      code: upTo(100),
      name: upTo(300),
      description: upTo(5_000),
      currency: upTo(3),
      sell_price: [['-1'], ['x']],
      cost_price: [['-1', null], ['x']],
      min_stock: [['-1'], ['x']],
      department_id: [[null, 'd-1'], ['']],
      unit_id: [[null, 'u-1'], ['']],
    } as const
    for (const [type, sample] of [
      ['CreateProduct', { sell_price: '1' }],
      ['UpdateProduct', { product_id: P }],
    ] as const)
      assertLimits(
        command(type).input,
        sample,
        Object.fromEntries(
          Object.entries(limits).map(([k, [yes, no]]) => [k, [[...yes], [...no]]]),
        ),
      )
    ok(!check(createProduct.input, { ...input, product_id: 'no uuid' }).ok)
  })
  it('are numbered from the shop’s series where there is no code', () => {
    equal(createProduct.numbered, 'product')
    equal(createProduct.creates, 'product_id')
  })
  it('go by these names for ever', () => {
    const prices = 'sell_price=price=price_amount'
    const path = '/api/v1/products/:product_id'
    const all = wireNames(commands)
    const { CreateProduct, UpdateProduct, UpdateProductDetails, UpdateProductPrice } = all
    deepEqual(CreateProduct, [
      'POST /api/v1/products',
      '201 products',
      'product_id=id',
      'code=sku',
      prices,
      'currency=price_currency',
    ])
    deepEqual(UpdateProduct, [
      `PATCH ${path}`,
      '200 products',
      'product_id=id',
      'code=sku',
      prices,
      'currency=price_currency',
    ])
    deepEqual(UpdateProductDetails, [`PATCH ${path}/details`, '200 products', 'product_id=id'])
    deepEqual(UpdateProductPrice, [`PATCH ${path}/price`, '200 products', 'product_id=id', prices])
    deepEqual(all.RestoreProduct, [`POST ${path}/restore`, '200 products', 'product_id=id'])
  })
  it('may be no department and no unit', () => {
    given()
      .when(createProduct, { ...input, department_id: null, unit_id: null })
      .answers({ department_id: null, unit_id: null, quantity_scale: 0 })
    const both = { ...input, department_id: 'd-1', unit_id: 'u-1' }
    given(kilogram, kitchen)
      .when(createProduct, both)
      .answers({ department_id: 'd-1', unit_id: 'u-1', quantity_scale: 3 })
  })
  it('blank ones are told by their own name', () => {
    const blank = { errors: { name: 'must not be blank' } }
    given()
      .when(createProduct, { ...input, name: ' ' })
      .rejects('validation_failed', blank)
    const { name, ...unnamed } = input
    given()
      .when(createProduct, { ...unnamed, description: ' ' })
      .rejects('validation_failed', { errors: { description: 'must not be blank' } })
    given()
      .when(createProduct, { ...input, description: ' ' })
      .rejects('validation_failed', { errors: { description: 'must not be blank' } })
    given()
      .when(createProduct, unnamed)
      .rejects('validation_failed', {
        errors: { name: 'is required, unless there is a description' },
      })
  })
  it('a long description makes a name that is as long as a name may be', () => {
    const { name, ...unnamed } = input
    const long = 'x'.repeat(301)
    given()
      .when(createProduct, { ...unnamed, description: long })
      .answers({ name: 'x'.repeat(300), description: long })
  })
  it('a currency has three capital letters, neither more nor less', () => {
    const wrong = { errors: { currency: 'must be a code of three capital letters' } }
    const at = (fallback: string) =>
      given()
        .at({ settings: { 'money.default': fallback } })
        .when(createProduct, input)
    for (const currency of ['USDX', 'xUSD', 'US', 'usd'])
      at(currency).rejects('validation_failed', wrong)
    at('EUR').answers({ currency: 'EUR' })
    given().when(createProduct, input).answers({ currency: 'USD' })
  })
})

describe('changing a product', () => {
  const known = [kilogram, kitchen, history(created)]
  it('keeps what is not named, and claims nothing where the code stays', () => {
    given(...known)
      .when(updateProduct, { product_id: P, name: 'Mug' })
      .writes(history(product.event('ProductUpdated', { product_id: P, name: 'Mug' })))
      .claims([], [])
      .answers({ name: 'Mug', code: 'CUP', sell_price_minor: 500, min_stock: 5 })
  })
  it('has nothing to write, and no stream to write to, where all stays', () => {
    const same = { product_id: P, department_id: 'd-1', unit_id: 'u-1', cost_price: '3.00' }
    deepEqual(
      given(...known)
        .when(updateProduct, same)
        .decision().writes,
      [],
    )
  })
  it('does not ask again for a unit that stays, be it gone meanwhile', () => {
    const gone = unit.write('u-1', [unit.event('UnitArchived', { unit_id: 'u-1' })])
    given(...known, gone)
      .when(updateProduct, { product_id: P, unit_id: 'u-1', name: 'Mug' })
      .writes(history(product.event('ProductUpdated', { product_id: P, name: 'Mug' })))
  })
  it('cannot lose its unit where that would make it coarser', () => {
    given(...known)
      .when(updateProduct, { product_id: P, unit_id: null })
      .rejects('business_rule_violated', { details: { field: 'unit_id', quantity_scale: 3 } })
    const counted = history(product.event('ProductCreated', { ...facts, quantity_scale: 0 }))
    given(kitchen, counted)
      .when(updateProduct, { product_id: P, unit_id: null })
      .writes(
        history(product.event('ProductUpdated', { product_id: P, unit_id: null, unit_name: null })),
      )
  })
  it('tells what is wrong by the field’s name', () => {
    given(...known)
      .when(updateProduct, { product_id: P, min_stock: '-1', code: ' ', description: ' ' })
      .rejects('validation_failed', {
        errors: {
          min_stock: 'must not be negative',
          code: 'must not be blank',
          description: 'must not be blank',
        },
      })
  })
})
