// What is told to the product: the same for the same invoice, wherever in the file it stands.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idOf, retailCommands } from './retail-commands.ts'
import { type Invoice, invoiceFrom, type Line } from './retail-invoice.ts'

const OPENED = '2010-12-01T08:26:00.000Z'
const LINE: Line = {
  line: 2,
  invoice: '536365',
  code: '85123A',
  description: 'HEART',
  quantity: 6,
  time: '2010-12-01T08:26:00.000Z',
  unit_price_minor: 255,
  customer_id: '17850',
  country: 'France',
}
function invoiceOf(...lines: readonly Partial<Line>[]): Invoice {
  const { invoice } = invoiceFrom(lines.map((line) => ({ ...LINE, ...line })))
  assert.ok(invoice)
  return invoice
}

test('an invoice elsewhere in the file is told in the same words, under the same ids', () => {
  const here = retailCommands(OPENED).createOrder(invoiceOf({ line: 2 }, { line: 3, code: 'B' }))
  const there = retailCommands(OPENED).createOrder(invoiceOf({ line: 90 }, { line: 99, code: 'B' }))
  assert.deepEqual(here, there)
})

test('two invoices, and two codes that differ in case, never share an id', () => {
  const commands = retailCommands(OPENED)
  const ids = [
    ...['85123A', '85123a'].flatMap((code) => {
      const product = { code, name: 'x', sell_price_minor: 1, opening_stock: 1 }
      return [commands.createProduct(product), ...commands.openStock(product)]
    }),
    ...['1', '2'].flatMap((number) => {
      const invoice = invoiceOf({ invoice: number })
      return [commands.createOrder(invoice), commands.shipOrder(invoice)]
    }),
    commands.recordReturn(invoiceOf({ invoice: 'C1' })),
  ].map(({ meta }) => meta.command_id)
  assert.equal(new Set(ids).size, ids.length)
})

test('an order has the invoice’s number, time, prices, country and customer, a guest has none', () => {
  const { input, meta } = retailCommands(OPENED).createOrder(
    invoiceOf({ unit_price_minor: 5 }, { unit_price_minor: 0, customer_id: null }),
  )
  const order = input as Record<string, unknown> & { items: Record<string, unknown>[] }
  assert.equal(order.order_number, '536365')
  assert.equal(meta.occurred_at, LINE.time)
  assert.equal(meta.source, 'import')
  assert.deepEqual(
    order.items.map(({ price, quantity }) => [price, quantity]),
    [
      ['0.05', '6'],
      ['0.00', '6'],
    ],
  )
  assert.equal(order.country, 'France')
  assert.equal(order.customer_id, idOf('customer', '17850'))
  const guest = retailCommands(OPENED).createOrder(invoiceOf({ customer_id: null })).input
  assert.ok(!('customer_id' in guest))
})

test('a customer is registered under the number of the file, and orders and returns are theirs', () => {
  const commands = retailCommands(OPENED)
  const { input, meta } = commands.registerCustomer({ customer_id: '17850', since: LINE.time })
  const { customer_id, name } = input as Record<string, unknown>
  assert.equal(name, '17850')
  assert.equal(meta.occurred_at, LINE.time)
  const invoice = invoiceOf({})
  for (const told of [commands.createOrder(invoice), commands.recordReturn(invoice)])
    assert.equal((told.input as { customer_id: string }).customer_id, customer_id)
  const guest = commands.recordReturn(invoiceOf({ customer_id: null })).input
  assert.equal((guest as { customer_id: null }).customer_id, null)
})

test('corrections are one a product, in the shop’s words; what cancels out is none', () => {
  const all = retailCommands(OPENED).adjustStock(
    invoiceOf(
      { unit_price_minor: 0, quantity: -5, description: 'damaged' },
      { unit_price_minor: 0, quantity: 2 },
      { unit_price_minor: 0, quantity: 3, code: 'B', description: '' },
      { unit_price_minor: 0, quantity: 4, code: 'C' },
      { unit_price_minor: 0, quantity: -4, code: 'C' },
    ),
  )
  const told = all.map(({ input }) => input as Record<string, unknown>)
  assert.deepEqual(
    told.map(({ adjustment, reason }) => [adjustment, reason]),
    [
      ['-3', 'damaged'],
      ['3', 'stock correction'],
    ],
  )
  assert.ok(told.every(({ reference }) => reference === '536365'))
})

test('a code that the shop has already means the shop’s product everywhere', () => {
  const commands = retailCommands(OPENED)
  commands.use('85123A', 'ours')
  const invoice = invoiceOf({ unit_price_minor: 0 })
  assert.deepEqual(
    [commands.createOrder(invoice), commands.recordReturn(invoice)].map(({ input }) => {
      const { items, lines } = input as Record<'items' | 'lines', { product_id: string }[]>
      return (items ?? lines)[0]?.product_id
    }),
    ['ours', 'ours'],
  )
  const [adjusted] = commands.adjustStock(invoice)
  assert.equal((adjusted!.input as { product_id: string }).product_id, 'ours')
})

test('a longer file that needs more stock brings more; a product that never leaves needs none', () => {
  const { openStock } = retailCommands(OPENED)
  const product = { code: 'A', name: 'x', sell_price_minor: 1 }
  const ids = [5, 5, 9].map(
    (opening_stock) => openStock({ ...product, opening_stock })[0]?.meta.command_id,
  )
  assert.equal(ids[0], ids[1])
  assert.notEqual(ids[1], ids[2])
  assert.deepEqual(openStock({ ...product, opening_stock: 0 }), [])
})
