// The examples in the description of the API, sent as they stand to a shop where what they name is
// there: none of them is bad input.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { shopDoors } from '#app/shop-doors-fixture.ts'
import { call } from './door-fixture.ts'

/** What is there, by the name of the field or parameter that tells its id. */
const there: Record<string, unknown> = { store_id: 'main', from_store_id: 'main' }

const shop = shopDoors([], async () => {
  const made = async (path: string, body: object) => {
    // Not of a register, say, which has a name of the shop's own.
    for (const [name, value] of Object.entries(await shop.send('POST', path, body, 201)))
      if (name.endsWith('_id') && /-.*-/.test(String(value))) there[name] ??= value
  }
  await made('/products', { code: 'TEA-1', name: 'Tea', sell_price: 3 })
  const { product_id } = there
  const items = [{ product_id, quantity: 5 }]
  await made('/inventory/stock', { product_id, quantity: 1_000 })
  await made('/customers', { name: 'Ann' })
  await made('/users', { name: 'Tom', email: 'tom@example.org', age: 40 })
  await made('/departments', { name: 'Tea' })
  await made('/units', { name: 'box' })
  await made('/inventory/reservations', { lines: items })
  const { store_id } = await shop.send('POST', '/stores', { name: 'North' }, 201)
  there.to_store_id = store_id
  await made('/transfers', { from_store_id: 'main', to_store_id: store_id, lines: items })
  await made('/stock-counts', {})
  // More than there is: somebody's work.
  const much = [{ product_id, quantity: 2_000 }]
  await made('/sales', { items: much, payment_type: 'card' })
  await shop.send('PUT', `/products/${product_id}/stock`, { quantity: 1_000 }, 200)
  const [work] = (await shop.get('/inventory/discrepancies')).items
  there.discrepancy_id = work.discrepancy_id
  await made('/orders', { customer_id: 'ann', items })
  const { order_id } = there
  Object.assign(there, { payment_id: order_id, saga_id: order_id, shipment_id: order_id })
})

// biome-ignore lint/suspicious/noExplicitAny: a document, read field by field
type Json = any
const placed = (value: Json, name = ''): Json =>
  Array.isArray(value)
    ? value.map((each) => placed(each, name))
    : value !== null && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, placed(each, key)]))
      : (there[name] ?? value)

describe('every example', () => {
  for (const door of ['public', 'admin'] as const)
    test(`of the ${door} door is taken, or refused for what is there, not for what it says`, async () => {
      const port = door === 'public' ? shop.port : shop.adminPort
      const { paths } = (await call(port, 'GET', '/openapi.json')).json
      const wrong: string[] = []
      let tried = 0
      const sent = Object.entries<Json>(paths).flatMap(([path, operations]) =>
        Object.entries<Json>(operations).map(([method, about]) => ({ path, method, about })),
      )
      // What is taken away comes last.
      sent.sort((one, other) => Number(one.method === 'delete') - Number(other.method === 'delete'))
      for (const {
        path,
        method,
        about: { requestBody },
      } of sent) {
        const { example } = requestBody?.content['application/json'] ?? {}
        if (example === undefined) continue
        const url = path.replaceAll(/\{(\w+)\}/g, (_, name) =>
          String(there[name] ?? (name === 'line' ? 1 : 'main')),
        )
        const body = placed(example)
        const { status, text } = await call(port, method.toUpperCase(), url, { body })
        if (status === 400 || status >= 500)
          wrong.push(`${method} ${url} ${JSON.stringify(body)}: ${text}`)
        tried++
      }
      deepEqual(wrong, [])
      ok(tried > 5)
    })
})

test('a list is as long as its description says', async () => {
  const { paths } = (await call(shop.port, 'GET', '/openapi.json')).json
  let lists = 0
  for (const [path, { get }] of Object.entries<Json>(paths)) {
    const limit = get?.parameters?.find(({ name }: Json) => name === 'limit')?.description
    if (limit === undefined || path.includes('{')) continue
    const { status, json } = await call(shop.port, 'GET', path)
    if (status !== 200 || typeof json.limit !== 'number') continue
    equal(limit, `Default ${json.limit}.`, path)
    lists++
  }
  ok(lists > 10)
})
