// Requests that no server should take, and none should fall over: each has to be refused with the
// sender's error, never with the server's.

import type { Goods } from './acting.ts'
import type { Offence } from './clients.ts'

const DEPTH = 5_000
const LONG = 20_000

const json = (path: string, text: string, type = 'application/json'): Offence => ({
  method: 'POST',
  path,
  text,
  type,
})

export function offences({ products, scarce }: Goods): readonly Offence[] {
  const product_id = products[0]!.product_id
  const order = (items: unknown, more: object = {}) =>
    json('/api/v1/orders', JSON.stringify({ items, ...more }))
  return [
    json('/api/v1/orders', '{"items":'),
    json('/api/v1/orders', '['.repeat(DEPTH)),
    json('/api/v1/orders', '{"items":[{"product_id":"x","quantity":1e400}]}'),
    json('/api/v1/orders', 'items=1', 'application/x-www-form-urlencoded'),
    json('/api/v1/orders', '"\ud800"'),
    order([]),
    order([{ product_id, quantity: -1 }]),
    order([{ product_id, quantity: 0.5 }]),
    order([{ product_id, quantity: '1; DROP TABLE events' }]),
    json(
      '/api/v1/orders',
      `{"items":[{"product_id":"${product_id}","quantity":9007199254740993}]}`,
    ),
    order([{ product_id: scarce, quantity: 1 }], { currency: 'ZZZ' }),
    order([{ product_id, quantity: 1 }], { order_id: `../../${'x'.repeat(LONG)}` }),
    order([{ product_id, quantity: 1 }], { __proto__x: 1 }),
    order([{ product_id, quantity: 1 }], { customer_id: 'a\u0000b' }),
    json('/api/v1/inventory/reservations', '{"lines":[{}]}'),
    json('/api/v1/payments/webhooks/simulator', '{"operation_id":"x:capture:1","signature":"no"}'),
    { ...json('/api/v1/inventory/adjust', '{"adjustment":"NaN"}'), method: 'PATCH' },
    { method: 'GET', path: '/api/v1/orders/%00', text: null, type: '' },
    { method: 'GET', path: '/api/v1/orders?cursor=%22nonsense', text: null, type: '' },
    { method: 'GET', path: '/api/v1/orders?limit=1e9', text: null, type: '' },
    { method: 'GET', path: `/api/v1/${'x/'.repeat(500)}`, text: null, type: '' },
    { method: 'DELETE', path: '/api/v1/orders', text: null, type: '' },
  ]
}
