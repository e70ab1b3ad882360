// What was bought and came back: a return stands for itself, and its purchase knows of it.
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf, folded } from './numbers-fixture.ts'
import { purchases } from './purchases.ts'

const AT = '2026-03-01T23:30:00.000Z'
const whose = { customer_id: 'c1', currency: 'EUR', store_id: 's1', business_day: '2026-03-02' }
const line = { product_id: 'p1', code: 'A' }
let position = 0
const told = (type: string, data: object) => eventOf(++position, type, { ...whose, ...data }, AT)

const order = told('OrderCreated', {
  ...{ order_id: 'o1', order_number: 'ORD-1', payment_method: null, placed_at: AT },
  ...{ lines: [line, line], total_amount_minor: 900 },
})
const shown = (events: Parameters<typeof folded>[1]) =>
  [...folded(purchases, events).values()].map((row) => [
    ...[row.purchase_id, row.kind, row.number, row.total_amount_minor, row.returned_minor],
    ...[row.lines, row.is_cancelled, row.business_day],
  ])

test('goods of one return that come in several parcels are one return', () => {
  const parcel = (minor: number) =>
    told('ReturnReceived', {
      ...{ return_id: 'r1', order_id: 'o1', received_at: AT, lines: [line] },
      total_amount_minor: minor,
    })
  deepEqual(shown([order, parcel(300), parcel(150)]), [
    ['order-o1', 'order', 'ORD-1', 900, -450, 2, false, '2026-03-02'],
    ['return-r1', 'return', 'r1', -450, 0, 2, false, '2026-03-02'],
  ])
})

test('a sale and its refund; a refund without a sale is nobody’s', () => {
  const sale = told('SaleCompleted', {
    ...{ sale_id: 'x1', sale_number: 'S-1', payment_type: 'split', completed_at: AT },
    ...{ lines: [line], total_amount_minor: 500 },
  })
  const refund = (refund_id: string, sale_id: string | null) =>
    told('SaleRefunded', {
      ...{ refund_id, refund_number: refund_id, sale_id, refunded_at: AT },
      ...{ lines: [line], total_amount_minor: 200 },
    })
  deepEqual(shown([sale, refund('f1', 'x1'), refund('f2', null)]), [
    ['sale-x1', 'sale', 'S-1', 500, -200, 1, false, '2026-03-02'],
    ['return-f1', 'return', 'f1', -200, 0, 1, false, '2026-03-02'],
    ['return-f2', 'return', 'f2', -200, 0, 1, false, '2026-03-02'],
  ])
})

test('a credit note may name an order that is not in this book', () => {
  const note = told('ReturnRecorded', {
    ...{ return_id: 'r2', reference: 'C1', original_order_id: 'elsewhere' },
    ...{ lines: [line], total_amount_minor: -70, business_day: undefined },
  })
  deepEqual(shown([note]), [['return-r2', 'return', 'C1', -70, 0, 1, false, '2026-03-01']])
})

test('what is cancelled in part costs less, and what is cancelled whole says so', () => {
  const less = told('OrderLinesCancelled', { order_id: 'o1', amount_minor: 400, lines: [line] })
  const gone = told('OrderCancelled', { order_id: 'o1', lines: [], total_amount_minor: 500 })
  const address = told('OrderUpdated', { order_id: 'o1', shipping_address: null })
  deepEqual(shown([order, less, address]), [
    ['order-o1', 'order', 'ORD-1', 500, 0, 2, false, '2026-03-02'],
  ])
  deepEqual(shown([order, less, gone]), [
    ['order-o1', 'order', 'ORD-1', 500, 0, 2, true, '2026-03-02'],
  ])
})

test('how it was paid is known with the order, or when somebody begins to pay', () => {
  const paid = told('OrderUpdated', { order_id: 'o1', payment_method: 'upi' })
  const notes = told('OrderUpdated', { order_id: 'o1', notes: 'ring twice' })
  const types = (events: Parameters<typeof folded>[1]) =>
    [...folded(purchases, events).values()].map(({ payment_type }) => payment_type)
  deepEqual(types([order, notes]), [null])
  deepEqual(types([order, paid, notes]), ['upi'])
})
