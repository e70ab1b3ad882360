// Customers, users and their erasure through the doors: every route, with good and with bad input.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { shopDoors } from './shop-doors-fixture.ts'

const { send, get, badly } = shopDoors(['orders.require_customer=true'])
const ID = '01980000-0000-7000-8000-0000000000ff'

describe('customers', () => {
  let ann: string
  test('are registered, read, found and changed', async () => {
    const body = { name: 'Ann Lee', email: 'ann@example.com', credit_limit: 100, currency: 'EUR' }
    const made = await send('POST', '/customers', { ...body, notes: 'left-handed' }, 201)
    ann = made.customer_id
    deepEqual([made.credit_limit, made.available_credit, made.balance], [100, 100, 0])
    ok(!/Ann|left/.test(JSON.stringify(made)))
    const shown = await get(`/customers/${ann}`)
    deepEqual([shown.name, shown.email, shown.notes], ['Ann Lee', body.email, 'left-handed'])
    await send('PATCH', `/customers/${ann}`, { phone: '030 1', addresses: [{ city: 'Bonn' }] }, 200)
    for (const term of ['lee', 'ANN@', '030', 'lee+ann', 'ann@exa', '03+01', 'exampel'])
      equal((await get(`/customers?q=${term}`)).items[0]?.customer_id, ann, term)
    deepEqual((await get('/customers?q=nobody')).items, [])
    deepEqual((await get(`/customers/${ann}?as_of_version=1`)).addresses, [])
    deepEqual((await get(`/customers/${ann}`)).addresses, [{ city: 'Bonn' }])
  })

  test('are refused with every field that is wrong', async () => {
    const bad = { name: ' ', email: 'x', currency: 'XTS', credit_limit: '1.001' }
    await badly('POST', '/customers', bad, 'name', 'email', 'currency', 'credit_limit')
    await badly('POST', '/customers', { email: 7, phone: '' }, 'name', 'email', 'phone')
    await badly('PATCH', `/customers/${ann}`, { email: 'x@y' }, 'email')
    await badly('PATCH', `/customers/${ann}`, { balance: 5 }, 'balance')
    const { code, detail } = await send(
      'POST',
      '/customers',
      { name: 'Twin', email: 'ANN@example.com' },
      409,
    )
    deepEqual([code, /blind|@/.test(detail)], ['already_exists', false])
    await send('PATCH', `/customers/${ID}`, { name: 'x' }, 404)
    await get(`/customers/${ID}`, 404)
    await get('/customers/not-a-uuid', 404)
    await get('/customers?sort=age', 400)
    await get('/customers?sort=-balance,name')
    await get('/users?sort=-created_at')
  })

  test('owe, pay and are put right, each with its cause', async () => {
    await send('PUT', `/customers/${ann}/credit-limit`, { credit_limit: 20, reason: 'new' }, 200)
    const adjusted = { amount: '12.50', reason: 'opening balance', user_id: 'clerk-1' }
    await send('POST', `/customers/${ann}/balance/adjustments`, adjusted, 201)
    const paid = await send('POST', `/customers/${ann}/payments`, { amount: 2.5 }, 201)
    deepEqual([paid.change, paid.balance, paid.available_credit], [-2.5, 10, 10])
    const { balance, items, total } = await get(`/customers/${ann}/balance`)
    deepEqual([balance, total], [10, 2])
    deepEqual(
      items.map((each: Record<string, unknown>) => [each.change, each.balance, each.cause]),
      [
        [-2.5, 10, 'payment'],
        [12.5, 12.5, 'adjustment'],
      ],
    )
    deepEqual([items[1].reason, items[1].user_id], ['opening balance', 'clerk-1'])
    const then = await get(`/customers/${ann}/balance?as_of_position=${items[1].position}`)
    deepEqual([then.balance, then.total], [12.5, 1])
    equal((await get(`/customers/${ann}/balance?cause=payment`)).total, 1)
    equal((await get('/customers?owing_only=true')).total, 1)
    await badly('POST', `/customers/${ann}/payments`, { amount: -1 }, 'amount')
    await badly('POST', `/customers/${ann}/payments`, { amount: 0 }, 'amount')
    await badly('POST', `/customers/${ann}/balance/adjustments`, { amount: 1 }, 'reason')
    await badly('PUT', `/customers/${ann}/credit-limit`, {}, 'credit_limit')
    const { code } = await send(
      'POST',
      `/customers/${ann}/payments`,
      { amount: 1, currency: 'USD' },
      422,
    )
    equal(code, 'currency_mismatch')
    await send('POST', `/customers/${ID}/payments`, { amount: 1 }, 404)
    await get(`/customers/${ID}/balance`, 404)
  })

  test('are archived, come back, and are erased when nothing is open', async () => {
    await send('DELETE', `/customers/${ann}`, undefined, 409)
    await send('POST', `/customers/${ann}/payments`, { amount: 10 }, 201)
    await send('DELETE', `/customers/${ann}`, undefined, 200)
    deepEqual((await get('/customers?q=lee')).items, [])
    equal((await get('/customers?q=lee&include_inactive=true')).total, 1)
    await send('POST', `/customers/${ann}/restore`, {}, 200)
    equal((await get('/customers?q=lee')).total, 1)
    await send('POST', `/customers/${ID}/erase`, {}, 404)
    await badly('POST', `/customers/${ann}/erase`, { force: 'yes' }, 'force')
    await send('POST', `/customers/${ann}/erase`, {}, 202)
    const shown = await get(`/customers/${ann}`)
    deepEqual([shown.name, shown.email, shown.addresses, shown.is_erased], [null, null, null, true])
    await send('POST', '/customers', { name: 'Ann', email: 'ann@example.com' }, 201)
    // Somebody destroys the key without being asked.
    while ((await get(`/erasures/${ann}`)).status !== 'done') await sleep(20)
    equal((await get('/erasures?status=done')).items[0].subject, ann)
    await get(`/erasures/${ID}`, 404)
    ok(!/Ann Lee|left-handed|Bonn/.test(JSON.stringify(await get(`/customers/${ann}/history`))))
  })
})

describe('users', () => {
  const bob = { name: 'Bob', email: 'bob@example.com', age: 40 }
  test('are created, read, listed, changed and deleted', async () => {
    const { user_id } = await send('POST', '/users', bob, 201)
    const { id, name, age, created_at, updated_at } = await get(`/users/${user_id}`)
    deepEqual([id, name, age], [user_id, 'Bob', 40])
    ok(created_at <= updated_at)
    await send('PATCH', `/users/${user_id}`, { age: 41 }, 200)
    for (const term of ['BOB', 'bob@', 'exmaple'])
      equal((await get(`/users?q=${term}`)).items[0]?.age, 41, term)
    equal((await get(`/users/${user_id}?as_of_version=1`)).age, 40)
    deepEqual((await get(`/users/${user_id}/orders`)).items, [])
    await send('POST', '/users', { ...bob, name: 'Bobby' }, 409)
    await send('DELETE', `/users/${user_id}`, undefined, 200)
    deepEqual((await get('/users')).items, [])
    equal((await get('/users?include_inactive=true')).total, 1)
    await send('POST', '/users', { ...bob, name: 'Bobby' }, 201)
    await send('POST', `/users/${user_id}/erase`, {}, 202)
    equal((await get(`/users/${user_id}`)).email, null)
  })

  test('are refused with every field that is wrong', async () => {
    await badly('POST', '/users', {}, 'name', 'email', 'age')
    await badly('POST', '/users', { name: 'B', email: 'b', age: 121 }, 'name', 'email', 'age')
    await badly('POST', '/users', { ...bob, age: 'old' }, 'age')
    await badly('PATCH', `/users/${ID}`, { age: 1.5 }, 'age')
    await send('PATCH', `/users/${ID}`, { age: 20 }, 404)
    await send('DELETE', `/users/${ID}`, undefined, 404)
    await get('/users/user-123', 404)
    await get('/users/%20', 404)
  })
})

test('customers are required where the shop says so', async () => {
  const product_id = ID
  await send('POST', '/products', { product_id, code: 'CUP', name: 'Cup', sell_price: 5 }, 201)
  const items = [{ product_id, quantity: 1 }]
  await badly('POST', '/orders', { customer_id: ID, items }, 'customer_id')
  await badly('POST', '/orders', { user_id: ID, items }, 'customer_id')
  const { customer_id } = await send('POST', '/customers', { name: 'Carl' }, 201)
  // Known; what is lacking is stock.
  const { code } = await send('POST', '/orders', { customer_id, items }, 409)
  match(code, /insufficient_stock/)
})
