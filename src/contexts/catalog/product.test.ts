// What products, departments and units may become: given, when, then.
import { describe, test } from 'node:test'
import { commandIn, given } from '#testing/given.ts'
import { catalog } from './catalog.ts'
import { department } from './department.ts'
import { product } from './product.ts'
import { unit } from './unit.ts'
import { productUpdates } from './update-product.ts'

const commands = [...catalog.commands, ...productUpdates]
const command = commandIn(commands)
const createProduct = command('CreateProduct')
const updateProduct = command('UpdateProduct')
const updateDetails = command('UpdateProductDetails')
const updatePrice = command('UpdateProductPrice')
const restoreProduct = command('RestoreProduct')

const P = '01980000-0000-7000-8000-000000000001'
const D = '01980000-0000-7000-8000-00000000000d'
const U = '01980000-0000-7000-8000-0000000000ff'

const facts = {
  product_id: P,
  code: 'LAPTOP001',
  name: 'Laptop',
  description: 'A laptop',
  sell_price_minor: 99900,
  currency: 'USD',
  cost_price_minor: 70000,
  department_id: null,
  department_name: null,
  unit_id: null,
  unit_name: null,
  tax_class: null,
  quantity_scale: 0,
  min_stock: 5,
  user_id: null,
}
const created = product.write(P, [product.event('ProductCreated', facts)])
const food = department.write(D, [
  department.event('DepartmentCreated', { department_id: D, name: 'Food' }),
])
const kilogram = unit.write(U, [
  unit.event('UnitCreated', { unit_id: U, name: 'Kilogram', symbol: 'kg', precision: 3 }),
])
const full = {
  product_id: P,
  code: 'LAPTOP001',
  name: 'Laptop',
  description: 'A laptop',
  sell_price: '999.00',
  cost_price: '700',
  min_stock: '5',
}
const written = (changes: object) =>
  product.write(P, [product.event('ProductCreated', { ...facts, ...changes })])

describe('creating a product', () => {
  test('writes it once, with its code claimed in the same append', () => {
    given()
      .when(createProduct, full)
      .writes(created)
      .claims([{ scope: 'product_code', value: 'LAPTOP001', owner: `product-${P}` }])
      .answers({ product_id: P, id: P, code: 'LAPTOP001', sku: 'LAPTOP001', is_active: true })
  })
  test('makes a code of its series where none is given', () => {
    given()
      .at({ number: 42 })
      .when(createProduct, { product_id: P, name: 'Pen', sell_price: '1.50' })
      .answers({ code: 'P-000042' })
  })
  test('has the taxes of its class, a word of the settings; nothing said: the standard one', () => {
    given()
      .when(createProduct, { ...full, tax_class: 'reduced' })
      .writes(written({ tax_class: 'reduced' }))
      .answers({ tax_class: 'reduced' })
    for (const tax_class of ['Reduced', '7', 'two words'])
      given()
        .when(createProduct, { ...full, tax_class })
        .rejects('validation_failed', {
          errors: { tax_class: 'must be a word of a-z, 0-9 and _' },
        })
    const reduced = { product_id: P, tax_class: 'reduced' }
    given(created)
      .when(updateDetails, reduced)
      .writes(product.write(P, [product.event('ProductUpdated', reduced)]))
    given(written({ tax_class: 'reduced' }))
      .when(updateProduct, reduced)
      .writesNothing()
    given(written({ tax_class: 'reduced' }))
      .when(updateProduct, { product_id: P, tax_class: null })
      .answers({ tax_class: null })
    const { tax_class, ...before } = facts
    given(product.write(P, [product.event('ProductCreated', before)]))
      .when(updateProduct, { product_id: P, name: 'Other' })
      .answers({ tax_class: null })
  })
  test('takes the name for a missing description, and the reverse', () => {
    given()
      .when(createProduct, { product_id: P, name: 'Pen', sell_price: '1' })
      .answers({ name: 'Pen', description: 'Pen' })
    given()
      .when(createProduct, { product_id: P, description: 'A pen', sell_price: '1' })
      .answers({ name: 'A pen', description: 'A pen' })
  })
  test('tells all mistakes at once', () => {
    given()
      .when(createProduct, {
        code: '  ',
        sell_price: '-1',
        cost_price: '1.234',
        currency: 'usd',
        department_id: D,
        unit_id: U,
        min_stock: '1.5',
      })
      .rejects('validation_failed', {
        errors: {
          code: 'must not be blank',
          name: 'is required, unless there is a description',
          sell_price: 'must not be negative',
          cost_price: 'must have at most 2 decimals',
          currency: 'must be a code of three capital letters',
          department_id: 'is not a department',
          unit_id: 'is not a unit',
          min_stock: 'must be a whole number',
        },
      })
  })
  test('keeps the digits of the currency', () => {
    const yen = { ...full, currency: 'JPY', cost_price: null }
    given()
      .when(createProduct, { ...yen, sell_price: '1200' })
      .answers({ sell_price_minor: 1200, currency: 'JPY', cost_price_minor: null })
    given()
      .when(createProduct, { ...yen, sell_price: '1200.5' })
      .rejects('validation_failed', { errors: { sell_price: 'must be a whole number' } })
    given()
      .when(createProduct, { ...full, currency: 'KWD', sell_price: '1.234' })
      .answers({ sell_price_minor: 1234 })
  })
  test('takes only currencies of the shop, and its default where none is named', () => {
    const settings = { 'money.currencies': ['EUR', 'GBP'], 'money.default': 'GBP' }
    given().at({ settings }).when(createProduct, full).answers({ currency: 'GBP' })
    given()
      .at({ settings })
      .when(createProduct, { ...full, currency: 'USD' })
      .rejects('validation_failed', { errors: { currency: 'must be one of EUR, GBP' } })
  })
  test('is counted as finely as its unit, with the names of unit and department', () => {
    given(food, kilogram)
      .when(createProduct, { ...full, unit_id: U, department_id: D, min_stock: '0.5' })
      .writes(
        written({
          unit_id: U,
          unit_name: 'Kilogram',
          department_id: D,
          department_name: 'Food',
          quantity_scale: 3,
          min_stock: 500,
        }),
      )
  })
  test('refuses an archived department', () => {
    const gone = department.write(D, [department.event('DepartmentArchived', { department_id: D })])
    given(food, gone)
      .when(createProduct, { ...full, department_id: D })
      .rejects('validation_failed', { errors: { department_id: 'is not a department' } })
  })
  test('is refused under an id that is taken', () => {
    given(created).when(createProduct, full).rejects('already_exists')
  })
  test('refuses a price beyond what sums can hold', () => {
    given()
      .when(createProduct, { ...full, sell_price: '9999999999999.99' })
      .rejects('validation_failed', { errors: { sell_price: 'is too large' } })
  })
  test('says when it happened and who did it, where that is told', () => {
    const occurred_at = '2010-12-01T08:26:00.000Z'
    given()
      .at({ occurred_at, user_id: 'ann', source: 'import' })
      .when(createProduct, full)
      .writes(
        product.write(P, [
          product.event('ProductCreated', { ...facts, user_id: 'ann' }, occurred_at),
        ]),
      )
  })
})

describe('changing a product', () => {
  const updated = (data: object) =>
    product.write(P, [product.event('ProductUpdated', { product_id: P, ...data })])
  const priced = {
    product_id: P,
    sell_price_minor: 89900,
    cost_price_minor: 70000,
    previous_sell_price_minor: 99900,
    currency: 'USD',
    price_number: 2,
    changed_by: 'ann',
  }

  test('writes only what has changed', () => {
    given(created)
      .when(updateDetails, { product_id: P, name: 'Laptop', description: 'Better', min_stock: '6' })
      .writes(updated({ description: 'Better', min_stock: 6 }))
      .answers({ description: 'Better', min_stock: 6, name: 'Laptop' })
  })
  test('writes nothing where nothing changes', () => {
    given(created)
      .when(updateProduct, { ...full, sell_price: '999' })
      .writesNothing()
  })
  test('keeps price and details apart, in one append', () => {
    given(created)
      .at({ user_id: 'ann' })
      .when(updateProduct, { product_id: P, name: 'Notebook', sell_price: '899' })
      .writes(
        product.write(P, [
          product.event('ProductUpdated', { product_id: P, name: 'Notebook' }),
          product.event('ProductPriceChanged', priced),
        ]),
      )
  })
  test('remembers the price before, and who changed it', () => {
    given(created)
      .at({ user_id: 'ann' })
      .when(updatePrice, { product_id: P, sell_price: '899' })
      .writes(product.write(P, [product.event('ProductPriceChanged', priced)]))
      .answers({ sell_price_minor: 89900 })
  })
  test('numbers the prices', () => {
    given(created, product.write(P, [product.event('ProductPriceChanged', priced)]))
      .when(updatePrice, { product_id: P, cost_price: null })
      .writes(
        product.write(P, [
          product.event('ProductPriceChanged', {
            ...priced,
            cost_price_minor: null,
            previous_sell_price_minor: 89900,
            price_number: 3,
            changed_by: null,
          }),
        ]),
      )
  })
  test('wants some price for a change of price', () => {
    given(created)
      .when(updatePrice, { product_id: P })
      .rejects('validation_failed', {
        errors: { sell_price: 'is required, unless there is a cost_price' },
      })
    given(created)
      .when(updatePrice, { product_id: P, sell_price: '-1', cost_price: '-2' })
      .rejects('validation_failed', {
        errors: { sell_price: 'must not be negative', cost_price: 'must not be negative' },
      })
  })
  test('claims a new code and keeps the old one for ever', () => {
    given(created)
      .when(updateProduct, { product_id: P, code: 'LAPTOP002' })
      .writes(updated({ code: 'LAPTOP002' }))
      .claims([{ scope: 'product_code', value: 'LAPTOP002', owner: `product-${P}` }])
  })
  test('never changes its currency', () => {
    given(created)
      .when(updateProduct, { product_id: P, currency: 'EUR' })
      .rejects('currency_mismatch')
    given(created).when(updateProduct, { product_id: P, currency: 'USD' }).writesNothing()
  })
  test('never changes how finely it is counted', () => {
    given(created, kilogram)
      .when(updateProduct, { product_id: P, unit_id: U })
      .rejects('business_rule_violated', { details: { field: 'unit_id', quantity_scale: 0 } })
  })
  test('takes another unit that is as fine, with its name', () => {
    const piece = unit.write(U, [
      unit.event('UnitCreated', { unit_id: U, name: 'Piece', symbol: null, precision: 0 }),
    ])
    given(created, piece)
      .when(updateProduct, { product_id: P, unit_id: U })
      .writes(updated({ unit_id: U, unit_name: 'Piece' }))
  })
  test('moves to a department and out of it', () => {
    given(created, food)
      .when(updateDetails, { product_id: P, department_id: D })
      .writes(updated({ department_id: D, department_name: 'Food' }))
    given(written({ department_id: D, department_name: 'Food' }))
      .when(updateDetails, { product_id: P, department_id: null })
      .writes(updated({ department_id: null, department_name: null }))
  })
  test('does not mind an archived department that stays', () => {
    const gone = department.write(D, [department.event('DepartmentArchived', { department_id: D })])
    given(food, gone, written({ department_id: D, department_name: 'Food' }))
      .when(updateDetails, { product_id: P, department_id: D, name: 'Other' })
      .writes(updated({ name: 'Other' }))
  })
  test('is not found where there is none', () => {
    given().when(updateProduct, { product_id: P, name: 'x' }).rejects('not_found')
    given().when(updatePrice, { product_id: P, sell_price: '1' }).rejects('not_found')
    given().when(restoreProduct, { product_id: P }).rejects('not_found')
  })
  test('comes back when it is restored, once', () => {
    const archived = product.write(P, [product.event('ProductArchived', { product_id: P })])
    given(created, archived)
      .when(restoreProduct, { product_id: P })
      .writes(product.write(P, [product.event('ProductRestored', { product_id: P })]))
      .answers({ is_active: true })
    given(created).when(restoreProduct, { product_id: P }).writesNothing()
  })
})

describe('departments and units', () => {
  const claim = (scope: string, value: string, owner: string) => ({ scope, value, owner })

  test('a department has a name of its own, whatever its case', () => {
    given()
      .when(command('CreateDepartment'), { department_id: D, name: ' Food ' })
      .writes(food)
      .claims([claim('department_name', 'food', `department-${D}`)])
    given()
      .when(command('CreateDepartment'), { name: '   ' })
      .rejects('validation_failed', { errors: { name: 'must not be blank' } })
    given(food)
      .when(command('CreateDepartment'), { department_id: D, name: 'Other' })
      .rejects('already_exists')
  })
  test('renaming a department claims the new name and frees the old', () => {
    const owner = `department-${D}`
    given(food)
      .when(command('RenameDepartment'), { department_id: D, name: 'Drinks' })
      .claims(
        [claim('department_name', 'drinks', owner)],
        [claim('department_name', 'food', owner)],
      )
    given(food)
      .when(command('RenameDepartment'), { department_id: D, name: 'FOOD' })
      .claims([claim('department_name', 'food', owner)])
      .answers({ name: 'FOOD' })
    given(food)
      .when(command('RenameDepartment'), { department_id: D, name: 'Food' })
      .writesNothing()
  })
  test('an archived department frees its name and is not renamed', () => {
    const gone = department.write(D, [department.event('DepartmentArchived', { department_id: D })])
    given(food)
      .when(command('ArchiveDepartment'), { department_id: D })
      .writes(gone)
      .claims([], [claim('department_name', 'food', `department-${D}`)])
    given(food, gone).when(command('ArchiveDepartment'), { department_id: D }).writesNothing()
    given(food, gone)
      .when(command('RenameDepartment'), { department_id: D, name: 'x' })
      .rejects('invalid_state')
    given().when(command('ArchiveDepartment'), { department_id: D }).rejects('not_found')
  })
  test('a unit counts in whole numbers unless it says otherwise', () => {
    given()
      .when(command('CreateUnit'), { unit_id: U, name: 'Piece' })
      .answers({ precision: 0, symbol: null })
      .claims([claim('unit_name', 'piece', `unit-${U}`)])
    given().when(command('CreateUnit'), { name: 'x', precision: 7 }).rejects('validation_failed')
  })
  test('a unit changes what is named and nothing else', () => {
    given(kilogram)
      .when(command('UpdateUnit'), { unit_id: U, precision: 2, name: 'Kilogram' })
      .writes(unit.write(U, [unit.event('UnitUpdated', { unit_id: U, precision: 2 })]))
      .claims([])
    given(kilogram).when(command('UpdateUnit'), { unit_id: U, symbol: 'kg' }).writesNothing()
    given().when(command('UpdateUnit'), { unit_id: U }).rejects('not_found')
  })
  test('an archived unit is not changed', () => {
    const gone = unit.write(U, [unit.event('UnitArchived', { unit_id: U })])
    given(kilogram).when(command('ArchiveUnit'), { unit_id: U }).writes(gone)
    given(kilogram, gone).when(command('ArchiveUnit'), { unit_id: U }).writesNothing()
    given(kilogram, gone)
      .when(command('UpdateUnit'), { unit_id: U, name: 'x' })
      .rejects('invalid_state')
  })
})
