// The shop's lists over HTTP: search, filters, sorts and pages, as OpenAPI describes them.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { shopDoors } from '#app/shop-doors-fixture.ts'
import { call } from './door-fixture.ts'

const shop = shopDoors([], () => makeProducts())

const PRODUCTS = [
  { code: 'LAN-001', name: 'Red lantern', sell_price: '9.99', currency: 'GBP' },
  { code: 'LAN-002', name: 'White lantern', sell_price: '5.00', currency: 'GBP' },
  { code: 'BAG-1', name: 'Bag', sell_price: '5.00', currency: 'EUR', description: 'red lantern' },
  { code: 'CUP-1', name: 'Café cup', sell_price: '2.50', currency: 'GBP' },
  { code: 'A,B', name: 'Comma', sell_price: '1', currency: 'GBP' },
]

let position = 0
async function makeProducts() {
  for (const body of PRODUCTS) {
    const made = await call(shop.port, 'POST', '/api/v1/products', { body })
    equal(made.status, 201, made.text)
    position = made.json.position
  }
}

const get = (path: string) =>
  call(shop.port, 'GET', `${path}${path.includes('?') ? '&' : '?'}min_position=${position}`)
const codes = async (parameters: string) => {
  const { status, json, text } = await get(`/api/v1/products?${parameters}`)
  equal(status, 200, text)
  return json.items.map(({ code }: { code: string }) => code)
}

describe('products', () => {
  test('are found as people type, the best first', async () => {
    deepEqual(await codes('q=red+lantern'), ['LAN-001', 'BAG-1'])
    deepEqual(await codes('search_term=lan'), ['LAN-001', 'LAN-002', 'BAG-1'])
    deepEqual(await codes('q=lantren'), ['LAN-001', 'LAN-002', 'BAG-1'])
    deepEqual(await codes('q=CAFE'), ['CUP-1'])
    deepEqual(await codes('q=lantern&sort=-code'), ['LAN-002', 'LAN-001', 'BAG-1'])
    deepEqual(await codes('q=lantern&currency=GBP&sell_price[gt]=5'), ['LAN-001'])
  })

  test('are not found by what nobody can mean, and that is no failure', async () => {
    for (const text of [
      '"',
      "'",
      '*',
      '(',
      'a AND',
      'NEAR(',
      '\\',
      '%',
      '😀',
      '{name}:',
      ':*',
      '!',
    ])
      equal((await get(`/api/v1/products?q=${encodeURIComponent(text)}`)).status, 200, text)
    deepEqual(await codes(`q=${encodeURIComponent('?!*')}`), [])
    for (const text of ['', '%00', 'x'.repeat(10_000)]) {
      const { status, json } = await get(`/api/v1/products?q=${text}`)
      equal(status, 400)
      deepEqual(Object.keys(json.errors), [text === '%00' ? 'q' : 'search_term'])
    }
  })

  test('are filtered and sorted by what the list offers', async () => {
    deepEqual(await codes('code[in]=LAN-001,CUP-1'), ['CUP-1', 'LAN-001'])
    deepEqual(await codes(`code[in]=${encodeURIComponent('["A,B"]')}`), ['A,B'])
    deepEqual(await codes('name[contains]=LANTERN'), ['LAN-001', 'LAN-002'])
    deepEqual(await codes('currency=GBP&sell_price[gte]=2.5&sell_price[lt]=9.99'), [
      'CUP-1',
      'LAN-002',
    ])
    deepEqual(await codes('currency=GBP&sort=-sell_price,code&limit=2'), ['LAN-001', 'LAN-002'])
    deepEqual(await codes('created_at[lt]=2000-01-01T00:00:00%2B02:00'), [])
    deepEqual(await codes('name%5Bcontains%5D=cup'), ['CUP-1'])
  })

  test('follow each other in pages, by the link of each', async () => {
    const seen: string[] = []
    let path: string | undefined = '/api/v1/products?q=lan&limit=1&code[contains]=-'
    while (path !== undefined && seen.length < 9) {
      const page = await get(path)
      equal(page.json.total, 3)
      seen.push(...page.json.items.map(({ code }: { code: string }) => code))
      const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(page.headers.link ?? '')) ?? []
      path = next?.replace(/&?min_position=\d+/, '')
    }
    deepEqual(seen, ['LAN-001', 'LAN-002', 'BAG-1'])
  })

  const wrong: [parameters: string, field: string][] = [
    ['sort=colour', 'sort.0'],
    ['sort=code,-price', 'sort.1'],
    ['sort=', 'sort.0'],
    ['created_at[gte]=yesterday', 'created_at[gte]'],
    ['created_at[in]=2026-01-01T00:00:00Z', 'created_at[in]'],
    ['code[like]=a', 'code[like]'],
    ['description[contains]=a', 'description[contains]'],
    ['sell_price[gte]=5', 'sell_price[gte]'],
    ['currency=GBP&sell_price[gte]=5.001', 'sell_price[gte]'],
    ['currency=GBP&sell_price_minor[gte]=500', 'sell_price_minor[gte]'],
    ['code[contains]=a&code[contains]=b', 'code[contains]'],
    ['cursor=nonsense', 'cursor'],
  ]
  for (const [parameters, field] of wrong)
    test(`refuse ${parameters} by name`, async () => {
      const { status, json } = await get(`/api/v1/products?${parameters}`)
      equal(status, 400)
      deepEqual(Object.keys(json.errors), [field])
      // The words go on where the name ends.
      ok(!json.errors[field].startsWith(field), json.errors[field])
    })

  test('refuse the cursor of another question', async () => {
    const first = (await get('/api/v1/products?limit=1&sort=name')).json
    const cursor = `cursor=${encodeURIComponent(first.next_cursor)}`
    equal((await get(`/api/v1/products?limit=3&sort=name&${cursor}`)).status, 200)
    for (const other of [
      '',
      'sort=code',
      'sort=-name',
      'sort=name&q=a',
      'sort=name&currency=GBP',
    ]) {
      const { status, json } = await get(`/api/v1/products?${other}&${cursor}`)
      equal(status, 400, other)
      match(json.errors.cursor, /another query/)
    }
  })
})

describe('lists of the shop', () => {
  const lists = {
    orders: 'total_amount[gte]',
    payments: 'amount[lte]',
    shipments: 'shipped_at[gt]',
    'inventory/reservations': 'expires_at[lt]',
    returns: 'returned_at[gte]',
    sales: 'completed_at[gte]',
  }
  for (const [path, filter] of Object.entries(lists))
    test(`${path} take what OpenAPI says they take`, async () => {
      const { paths } = (await call(shop.port, 'GET', '/openapi.json')).json
      const { parameters } = paths[`/api/v1/${path}`].get
      const names = parameters.map(({ name }: { name: string }) => name)
      ok(names.includes(filter), names.join())
      const sort = parameters.find(({ name }: { name: string }) => name === 'sort')
      equal(sort.explode, false)
      for (const one of sort.schema.items.enum)
        equal((await get(`/api/v1/${path}?sort=${one}`)).status, 200, one)
      const value = filter.includes('amount') ? '5&currency=GBP' : '2026-01-01T00:00:00Z'
      const { status, json, text } = await get(`/api/v1/${path}?${filter}=${value}`)
      equal(status, 200, text)
      deepEqual(json.items, [])
      equal((await get(`/api/v1/${path}?${filter}=x&currency=GBP`)).status, 400)
    })
})

type StorePage = {
  readonly items: readonly { readonly name: string }[]
  readonly total: number
  readonly next_cursor: string | null
}

describe('the stores', () => {
  const names = ['Main store', 'Altona', 'Berlin', 'Celle']
  before(async () => {
    for (const name of names.slice(1))
      position = (await shop.send('POST', '/stores', { name }, 201)).position
  })
  // The main store has no row until it is changed, and takes part in the pages all the same.
  for (const limit of [1, 2, 3, 4, 5])
    test(`come in pages of ${limit} at most, each once, by cursor and by offset`, async () => {
      const [byCursor, byOffset]: string[][] = [[], []]
      let cursor: string | null = ''
      while (cursor !== null) {
        const at: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page = (await get(`/api/v1/stores?limit=${limit}${at}`)).json as StorePage
        ok(page.items.length <= limit && page.total === names.length)
        byCursor!.push(...page.items.map(({ name }) => name))
        cursor = page.next_cursor
        ok(byCursor!.length <= names.length, String(byCursor))
      }
      for (let offset = 0; offset < names.length; offset += limit) {
        const { items } = (await get(`/api/v1/stores?limit=${limit}&offset=${offset}`)).json
        byOffset!.push(...items.map(({ name }: { name: string }) => name))
      }
      deepEqual([byCursor, byOffset], [names, names])
    })
})

test('what changes a user takes no other user beside the one in its path', async () => {
  const { paths } = (await call(shop.port, 'GET', '/openapi.json')).json
  const fieldsOf = (path: string) =>
    Object.keys(paths[path].patch.requestBody.content['application/json'].schema.properties)
  ok(!fieldsOf('/api/v1/users/{user_id}').includes('user_id'))
  ok(fieldsOf('/api/v1/stores/{store_id}').includes('user_id'), 'who does it')
})
