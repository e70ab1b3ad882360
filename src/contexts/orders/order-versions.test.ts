// Orders that were stored before lines had taxes, departments and parts are read as what they were.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkEvent, lift } from '#kernel/event-types.ts'
import type { Fact } from '#kernel/message.ts'
import { type Order, order, returnable, unplanned } from './order.ts'
import { orderEvents } from './order-events.ts'
import { oldCancelled, oldCreated } from './order-versions.ts'

const NOW = '2026-03-02T10:00:00.000Z'
const lifted = (type: keyof typeof orderEvents, stored: object) => {
  const data = lift(orderEvents, type, 1, stored)
  checkEvent(orderEvents, type, data)
  return data as never
}
const step = (state: Order, { type, data }: Fact): Order =>
  order.evolve[type as keyof typeof orderEvents](state, data as never, {
    ...{ occurred_at: NOW, timestamp: NOW, position: 1 },
  })
const created = { type: 'OrderCreated', data: lifted('OrderCreated', oldCreated) }

describe('an order of an older version', () => {
  it('had no taxes: what it cost was net, on its day in UTC', () => {
    const { net_minor, tax_minor, business_day, lines } = created.data as Record<string, unknown>
    deepEqual([net_minor, tax_minor, business_day], [1_000, 0, '2026-03-02'])
    const [line] = lines as readonly Record<string, unknown>[]
    deepEqual(
      [line?.net_minor, line?.taxes, line?.discounts, line?.department_id],
      [1_000, [], [], null],
    )
  })
  it('was shipped whole, and may come back', () => {
    const parcel = { order_id: oldCreated.order_id, shipment_id: oldCreated.order_id }
    const told = { ...parcel, tracking_number: 'T', carrier: 'post', shipped_at: NOW }
    checkEvent(orderEvents, 'OrderShipped', told)
    const state = [created, { type: 'OrderShipped', data: told }].reduce(step, null)!
    deepEqual([state.status, unplanned(state)], ['SHIPPED', []])
    deepEqual(returnable(state), [{ line: 1, quantity: 2 }])
  })
  it('was cancelled line by line as it was ordered, in a store that is not known', () => {
    const data = lifted('OrderCancelled', oldCancelled) as Record<string, unknown>
    deepEqual([data.store_id, data.net_minor, data.business_day], [null, 1_000, '2026-03-02'])
    const [line] = data.lines as readonly Record<string, unknown>[]
    deepEqual([line?.line, line?.amount_minor, line?.net_minor], [1, 1_000, 1_000])
    const cancelled = { type: 'OrderCancelled', data }
    equal([created, cancelled].reduce(step, null)?.status, 'CANCELLED')
  })
})
