// A person is forgotten by a whole shop: no row, no file, no answer, no record shows them any more,
// the sums stay, and verify finds nothing.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import pg from 'pg'
import { erasures, keyDestruction } from '#contexts/privacy/erasures.ts'
import type { Row } from '#kernel/projection.ts'
import type { WaitingTools } from '#kernel/waiting.ts'
import { MASKED } from '#runtime/compare-tables.ts'
import { personalData } from '#runtime/personal.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import type { EngineName } from '#storage/engines.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { checks, differences, done, rowsOf } from './erasure-fixture.ts'
import { type ModelShop, openShop } from './model-shop.ts'

const ZOE = '01980000-0000-7000-8000-0000000000a1'
const UWE = '01980000-0000-7000-8000-0000000000a2'
const CUP = '01980000-0000-7000-8000-0000000000b1'
const STRANGER = '01980000-0000-7000-8000-0000000000a3'
/** What tells of Zoe, Uwe, the guest and the stranger; no word of it occurs elsewhere. */
const SECRETS =
  /quillfeather|zoe\.q|zoeqex|555-?0199|thistlewick|limping|uwe-?secret|brambledown|fernhollow/i
/** As an index has them, where a word stands behind another that begins alike. */
const TAILS = /llfeather|qexample|etexample/
/** As somebody would look for Zoe and for Uwe. */
const TYPED = [
  ['FindCustomers', 'quilfeather'],
  ['FindCustomers', 'zoe.q@ex'],
  ['FindCustomers', '5550199'],
  ['ListUsers', 'uwe secr'],
] as const
const OTHERS = /plainlyseen/
const address = (street: string) => ({ name: 'Quillfeather', street, city: 'York', country: 'UK' })
const PERSONAL = ['customer_balance_entries', 'customers', 'order_views', 'users']
const before = async () => {}

const refusal = async (shop: ModelShop, type: string, input: object) => {
  const outcome = await shop.send(type, input)
  return outcome.ok ? 'accepted' : outcome.rejection.code
}

const BOUGHT = { command_id: 'bought' }
const ordered = (who: object, street: string) => ({
  ...who,
  items: [{ product_id: CUP, quantity: '2' }],
  shipping_address: address(street),
  notes: 'mind the limping dog',
})
async function order(shop: ModelShop, who: object, street: string, meta: object = {}) {
  return String((await done(shop, 'CreateOrder', ordered(who, street), meta)).order_id)
}

/** Zoe is a customer, Uwe logs in, a guest and somebody whom nobody registered have ordered. */
async function openFilled(engine: EngineName, url = '') {
  const shop = await openShop(engine, { 'payments.default_method': 'credit_card' }, url)
  try {
    return { shop, orders: await filled(shop) }
  } catch (error) {
    await shop[Symbol.asyncDispose]()
    throw error
  }
}

async function filled(shop: ModelShop) {
  await done(shop, 'CreateProduct', { product_id: CUP, code: 'CUP', name: 'Cup', sell_price: '5' })
  await done(shop, 'CreateInventory', { product_id: CUP, quantity: '100' })
  const zoe = { name: 'Zoe Quillfeather', email: 'Zoe.Q@Example.com', phone: '555-0199' }
  const profile = { ...zoe, addresses: [address('9 Thistlewick')], notes: 'limping' }
  await done(shop, 'RegisterCustomer', { customer_id: ZOE, ...profile, credit_limit: '50' })
  await done(shop, 'UpdateCustomer', { customer_id: ZOE, addresses: [address('8 Thistlewick')] })
  const put = { customer_id: ZOE, amount: '7', reason: 'Quillfeather said so', reference: 'A-1' }
  await done(shop, 'AdjustCustomerBalance', put)
  const limit = { customer_id: ZOE, credit_limit: '60', reason: 'Quillfeather again' }
  await done(shop, 'SetCreditLimit', limit)
  const uwe = { user_id: UWE, name: 'Uwe-Secret', email: 'uwe-secret@example.com', age: 44 }
  await done(shop, 'CreateUser', uwe)
  const seen = { name: 'Plainlyseen', email: 'plainlyseen@example.com' }
  await done(shop, 'RegisterCustomer', seen)
  await order(shop, { user_id: UWE }, '1 Plainlyseen')
  const orders = {
    zoe: await order(shop, { customer_id: ZOE, user_id: UWE }, '7 Brambledown'),
    uwe: await order(shop, { user_id: UWE }, '6 Brambledown'),
    guest: await order(shop, {}, '5 Fernhollow', { source: 'import' }),
    parcel: await order(shop, { customer_id: ZOE }, '3 Brambledown', BOUGHT),
    stranger: await order(shop, { customer_id: STRANGER }, '4 Fernhollow'),
  }
  await shop.settle(before)
  const cups = { order_id: orders.parcel, lines: [{ line: 1, quantity: '1' }] }
  await done(shop, 'CreateShipment', { ...cups, address: address('2 Brambledown') })
  const items = [{ product_code: 'CUP', quantity: '1' }]
  const paid = { payment_type: 'cash', paid_amount: '5' }
  await done(shop, 'ProcessSale', { customer_id: ZOE, items, ...paid })
  await shop.settle(before)
  return orders
}

/** What the log keeps: events as stored, records, snapshots, claims; and the bytes of its files. */
async function storedOf(shop: ModelShop) {
  const { log } = shop.parts
  const all = [
    await log.readAll(0, 10_000),
    await log.commandRecords('', 10_000),
    await log.snapshots('', 10_000),
    await log.claims(null, 10_000),
  ].map((one) => JSON.stringify(one))
  return [...all, ...filesOf(shop, /^(log|keys)\.db/)]
}

/** Once it is copied out of the write-ahead log, which is done now and then. */
function checkTablesFile(shop: ModelShop): void {
  const db = new DatabaseSync(join(shop.parts.folder, 'views.db'))
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  const bytes = filesOf(shop, /^views\.db/).join('')
  ok(OTHERS.test(bytes))
  for (const one of [SECRETS, TAILS])
    ok(!one.test(bytes), `the file of the tables still has ${one}`)
}

/** All that the server shows of them, also what is only there to be searched. */
async function checkTablesOf(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows: tables } = await client.query(
    `SELECT oid::regclass AS name FROM pg_class
     WHERE relnamespace = 'read_models'::regnamespace AND relkind = 'r'`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await client.query(`SELECT t::text AS row FROM ${name} t`)
    texts.push(...rows.map(({ row }) => `${name} ${row}`))
  }
  await client.end()
  ok(texts.some((text) => text.includes('search_words') && OTHERS.test(text)))
  deepEqual(
    texts.filter((text) => SECRETS.test(text)),
    [],
  )
}

/** How many each of them finds. */
const foundBy = (shop: ModelShop) =>
  Promise.all(
    TYPED.map(async ([type, search_term]) => {
      const answer = await shop.get(type, { search_term, include_inactive: true })
      return answer!.total
    }),
  )

const filesOf = ({ parts: { folder } }: ModelShop, names: RegExp): readonly string[] =>
  readdirSync(folder)
    .filter((name) => names.test(name))
    .map((name) => readFileSync(join(folder, name)).toString('latin1'))

/** Without the moment's end: the key is still there. */
const tables = (rows: readonly string[], pattern: RegExp) =>
  [...new Set(rows.filter((row) => pattern.test(row)).map((row) => row.split(' ')[0]))].sort()

/** Whoever tampers with a table, by whatever hand: no report of it shows who is in it. */
async function tamperingTellsNobody(shop: ModelShop): Promise<void> {
  const { reads, projections } = shop.parts
  await shop.parts.runner.catchUp()
  const shown: string[] = []
  for (const { name, table } of projections) {
    const { items } = await reads.find(table, { limit: 1_000 })
    for (const row of items)
      for (const [column, value] of Object.entries(row))
        if (SECRETS.test(JSON.stringify(value))) shown.push(`${name}.${column}`)
  }
  const marked = projections.flatMap(({ name, table }) =>
    Object.entries(table.columns).flatMap(([column, of]) =>
      typeof of === 'object' && of.personal === true ? [`${name}.${column}`] : [],
    ),
  )
  // Each that has shown something is marked, whatever table it stands in.
  deepEqual([...new Set(shown)].filter((column) => !marked.includes(column)).sort(), [])
  ok(new Set(shown).size >= 10)
  const mends: (() => Promise<void>)[] = []
  const expected: Record<string, number> = {}
  for (const { name, table } of projections.filter(({ name }) => PERSONAL.includes(name))) {
    const { items } = await reads.find(table, { limit: 1_000 })
    const at = (await reads.checkpoints()).get(name)!
    const texts = Object.entries(table.columns).filter(
      ([column, of]) => marked.includes(`${name}.${column}`) && JSON.stringify(of).includes('text'),
    )
    const quill = Object.fromEntries(texts.map(([column]) => [column, 'Quillfeather, by hand']))
    const commit = { projection: name, table, from: at, to: at, park: [], unpark: [] }
    const store = async (rows: readonly Row[], deletes: readonly string[]) =>
      ok(await reads.commit([{ ...commit, upserts: rows, deletes }]))
    const [first, second] = items
    const moved = second === undefined ? [] : [{ ...second, ...quill, [table.key]: 'by-hand' }]
    await store([{ ...first!, ...quill }, ...moved], second ? [String(second[table.key])] : [])
    mends.push(() => store(items, ['by-hand']))
    expected[`read model ${name}`] = 1 + 2 * moved.length
  }
  const found = await checks(shop)
  deepEqual(
    Object.fromEntries(found.map(({ name, differences: { length } }) => [name, length])),
    expected,
  )
  for (const { differences } of found)
    for (const told of differences.map((one) => JSON.stringify(one)))
      ok(!SECRETS.test(told) && told.includes(MASKED), told)
  for (const mend of mends) await mend()
  deepEqual(await checks(shop), [])
}

/** What was done is known by its id, to whoever asks the same again, and to nobody who guesses. */
async function repeatsAreKnown(shop: ModelShop, order_id: string): Promise<void> {
  for (const { fingerprint } of await shop.log.commandRecords('', 10_000))
    match(fingerprint, /^blind:/)
  const { send } = shop.parts.restarted()
  const again = await send('CreateOrder', ordered({ customer_id: ZOE }, '3 Brambledown'), BOUGHT)
  ok(again.ok && again.replayed)
  equal(again.response.order_id, order_id)
  const other = await send('CreateOrder', ordered({ customer_id: ZOE }, '33 Brambledown'), BOUGHT)
  equal(other.ok || other.rejection.code, 'idempotency_key_reused')
}

/** Everybody of a filled shop but the one who was plainly seen is forgotten. */
async function leavesNothing(engine: EngineName, url = ''): Promise<void> {
  const { shop, orders } = await openFilled(engine, url)
  await using _ = shop
  const shown = await rowsOf(shop)
  deepEqual(
    tables(shown, SECRETS).filter((name) => PERSONAL.includes(name!)),
    PERSONAL,
  )
  deepEqual(await foundBy(shop), [1, 1, 1, 1])
  if (engine === 'memory') await tamperingTellsNobody(shop)
  // In the log it never was in clear.
  for (const text of await storedOf(shop)) ok(!SECRETS.test(text))

  equal(await refusal(shop, 'EraseCustomer', { customer_id: ZOE }), 'invalid_state')
  await done(shop, 'ReceiveCustomerPayment', { customer_id: ZOE, amount: '7' })
  equal(await refusal(shop, 'EraseCustomer', { customer_id: ZOE }), 'invalid_state')
  for (const order_id of Object.values(orders))
    await done(shop, 'CancelOrder', { order_id, reason: 'Quillfeather moved to Brambledown' })
  await shop.settle(before)
  await done(shop, 'EraseCustomer', { customer_id: ZOE })
  await done(shop, 'EraseCustomer', { customer_id: STRANGER })
  await done(shop, 'EraseOrder', { order_id: orders.guest })
  await done(shop, 'EraseUser', { user_id: UWE, force: true })

  // At once, while the keys are still there.
  deepEqual(tables(await rowsOf(shop), SECRETS), [])
  deepEqual(await foundBy(shop), [0, 0, 0, 0])
  deepEqual(await differences(shop), [])
  await shop.settle(before)
  const subjects = [ZOE, STRANGER, orders.guest, UWE]
  deepEqual(await shop.parts.keys.destroyed(subjects), new Set(subjects))
  const after = await rowsOf(shop)
  deepEqual(tables(after, SECRETS), [])
  deepEqual(await differences(shop), [])
  if (engine === 'sqlite') checkTablesFile(shop)
  if (engine === 'postgres') await checkTablesOf(url)
  // A rebuild finds no key, and comes to the same rows.
  for (const name of PERSONAL) await shop.parts.runner.rebuild(name)
  deepEqual((await rowsOf(shop)).sort(), after.toSorted())
  for (const text of await storedOf(shop)) ok(!SECRETS.test(text))

  await repeatsAreKnown(shop, orders.parcel)
  ok(after.some((row) => OTHERS.test(row)))
  deepEqual(shop.trouble, [])
  await asksInVain(shop, orders)
}

async function asksInVain(shop: ModelShop, orders: Readonly<Record<string, string>>) {
  for (const [type, input] of [
    ['GetCustomer', { customer_id: ZOE }],
    ['GetCustomer', { customer_id: ZOE, as_of_version: 1 }],
    ['GetCustomerBalance', { customer_id: ZOE }],
    ['GetCustomerHistory', { customer_id: ZOE }],
    ['GetUser', { user_id: UWE, as_of_version: 1 }],
    ['GetOrder', { order_id: orders.zoe, as_of_version: 1 }],
    ['GetOrderHistory', { order_id: orders.guest }],
    ['FindCustomers', { include_inactive: true }],
  ] as const) {
    const answer = JSON.stringify(await shop.get(type, input))
    ok(!SECRETS.test(answer), `${type}: ${answer}`)
    ok(answer.length > 50, `${type} answers nothing`)
  }
  const balance = await shop.get('GetCustomerBalance', { customer_id: ZOE })
  deepEqual(
    (balance!.items as { change_minor: number; reference: string }[]).map(
      ({ change_minor, reference }) => [change_minor, reference],
    ),
    [
      [-700, null],
      [700, 'A-1'],
    ],
  )
  const { status, kind } = (await shop.get('GetErasure', { subject: ZOE }))!
  deepEqual([status, kind], ['done', 'customer'])
}

describe('erasing', () => {
  for (const engine of ['memory', 'sqlite'] as const)
    test(`leaves nothing of a person anywhere (${engine})`, () => leavesNothing(engine))

  test('frees the e-mail, and lets nobody order in the name of who was erased', async () => {
    const { shop, orders } = await openFilled('memory')
    await using _ = shop
    const again = { name: 'Zoe', email: 'ZOE.q@example.COM ' }
    equal(await refusal(shop, 'RegisterCustomer', again), 'already_exists')
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    await done(shop, 'RegisterCustomer', again)
    const items = [{ product_id: CUP, quantity: '1' }]
    for (const who of [{ customer_id: ZOE }, { customer_id: ZOE, user_id: UWE }])
      equal(await refusal(shop, 'CreateOrder', { ...who, items }), 'invalid_state')
    equal(await refusal(shop, 'RegisterCustomer', { ...again, customer_id: ZOE }), 'invalid_state')
    equal(await refusal(shop, 'EraseCustomer', { customer_id: CUP }), 'not_found')
    equal(await refusal(shop, 'EraseUser', { user_id: CUP }), 'not_found')
    equal(await refusal(shop, 'EraseOrder', { order_id: CUP }), 'not_found')
    equal(await refusal(shop, 'EraseOrder', { order_id: orders.uwe }), 'invalid_state')
    // It is open, and nobody has forced it.
    equal(await refusal(shop, 'EraseOrder', { order_id: orders.guest }), 'invalid_state')
  })

  test('destroys what the payer’s device was given, and no money is asked for without it', async () => {
    const { shop } = await openFilled('memory')
    await using _ = shop
    const { personal, keys, types } = shop.parts
    const token = 'tok_thistlewick'
    const payment = { method: 'credit_card', token }
    const items = [{ product_id: CUP, quantity: '1' }]
    const bought = async (who: object, meta: object = {}) =>
      String((await done(shop, 'CreateOrder', { ...who, items, payment }, meta)).order_id)
    const ids = [
      await bought({ customer_id: ZOE }),
      await bought({ user_id: UWE }),
      await bought({}, { source: 'import' }),
    ]
    const tokens = () =>
      Promise.all(
        ids.map(async (id) => {
          const [asked] = await shop.log.readStream(`payment-${id}`, 0, 1)
          const [opened] = await personalData(types, keys, 0).open([asked!])
          return (opened!.data as { token: string | null }).token
        }),
      )
    deepEqual(await tokens(), [token, token, token])
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    await done(shop, 'EraseUser', { user_id: UWE, force: true })
    await done(shop, 'EraseOrder', { order_id: ids[2], force: true })
    for (const subject of [ZOE, UWE, ids[2]!]) await personal.forget(subject)
    deepEqual(await tokens(), [null, null, null])
    await shop.settle(before)
    for (const order_id of ids) {
      const row = await shop.get('GetOrder', { order_id })
      deepEqual([row?.status, row?.cancel_cause], ['CANCELLED', 'payment_declined'])
      const payments = await shop.get('GetPayment', { payment_id: order_id })
      equal(payments?.last_error, 'the payer was forgotten')
    }
    deepEqual(shop.trouble, [])
  })

  for (const what of ['lost_before', 'lost_after'] as const)
    test(`while the provider is asked for the money (${what}): what it did is kept`, async () => {
      const { shop } = await openFilled('memory')
      await using _ = shop
      shop.provider.play([{ on: 'authorize', what, times: 1 }])
      const payment = { method: 'credit_card', token: 'tok' }
      const input = { ...ordered({ customer_id: ZOE }, '1 Thistlewick'), payment }
      const order_id = String((await done(shop, 'CreateOrder', input)).order_id)
      await shop.settle(async () => {
        if ((await shop.parts.keys.destroyed([ZOE])).size > 0) return
        await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
        await shop.parts.personal.forget(ZOE)
      })
      const row = await shop.get('GetOrder', { order_id })
      const { authorized_minor } = await shop.provider.balance(`${order_id}:authorize:1`)
      const came = [row?.status, row?.cancel_cause, authorized_minor]
      const kept = ['CONFIRMED', null, row?.total_amount_minor]
      deepEqual(came, what === 'lost_after' ? kept : ['CANCELLED', 'payment_declined', 0])
      ok(!SECRETS.test(JSON.stringify(row)))
      deepEqual(await differences(shop), [])
    })

  test('after the provider was asked, and nobody lived to write its answer down: it is kept', async () => {
    const { shop } = await openFilled('memory')
    await using _ = shop
    const payment = { method: 'credit_card', token: 'tok' }
    const input = { ...ordered({ customer_id: ZOE }, '1 Thistlewick'), payment }
    const { order_id, total_amount_minor } = await done(shop, 'CreateOrder', input)
    const asked = { operation_id: `${order_id}:authorize:1`, order_id: String(order_id) }
    const amount = { amount_minor: Number(total_amount_minor), currency: 'USD' }
    const how = { payment_id: asked.order_id, payment_method: 'credit_card', token: 'tok' }
    await shop.provider.authorize({ ...asked, ...amount, ...how })
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    await shop.parts.personal.forget(ZOE)
    await shop.settle(before)
    const row = await shop.get('GetOrder', { order_id })
    deepEqual([row?.status, row?.payment_status], ['CONFIRMED', 'captured'])
  })

  test('of one who is customer and user under one id forgets both', async () => {
    await using shop = await openShop('memory', {})
    const both = { name: 'Zoe Quillfeather', email: 'zoe.q@example.com' }
    await done(shop, 'RegisterCustomer', { customer_id: ZOE, ...both })
    await done(shop, 'CreateUser', { user_id: ZOE, ...both, age: 30 })
    equal(await refusal(shop, 'EraseUser', { user_id: ZOE }), 'invalid_state')
    await done(shop, 'EraseCustomer', { customer_id: ZOE })
    await shop.settle(before)
    deepEqual(tables(await rowsOf(shop), SECRETS), [])
    await done(shop, 'CreateUser', { ...both, age: 30 })
  })

  test('goes on where a crash left it: before the key is gone, and before that is recorded', async () => {
    const { shop } = await openFilled('memory')
    await using _ = shop
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    const { keys, reads, runner, personal } = shop.parts
    const due = async () => {
      await runner.catchUp()
      return (await reads.find(erasures.table, { where: { status: 'pending' }, limit: 9 })).items
    }
    const tools: WaitingTools = {
      now: shop.now,
      derivedId,
      forget: personal.forget,
      events: async () => [],
      send: async (type, input, meta) => await shop.send(type, input, meta),
    }
    const crash = async () => {
      throw new Error('crashed')
    }
    const act = async (more: Partial<WaitingTools>) => {
      const [row] = await due()
      await keyDestruction
        .act(row!, { ...tools, ...more })
        .catch((error) => match(error.message, /crashed/))
    }
    await act({ forget: crash })
    equal((await keys.find([ZOE])).size, 1)
    await act({ send: crash })
    equal((await keys.find([ZOE])).size, 0)
    equal((await due()).length, 1)
    await act({})
    deepEqual(await due(), [])
    const types = (await shop.log.readStream(`erasure-${ZOE}`)).map(({ event_type }) => event_type)
    deepEqual(types, ['ErasureRequested', 'PersonalKeyDestroyed'])
    // Keys of a backup of before may have come back: forced, it is done once more.
    equal((await shop.send('EraseCustomer', { customer_id: ZOE })).ok, true)
    deepEqual(await due(), [])
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    equal((await due()).length, 1)
  })

  test('a process that remembers the key forgets it when it meets the erasing event', async () => {
    const { shop } = await openFilled('memory')
    await using _ = shop
    const { types, keys, log } = shop.parts
    const elsewhere = personalData(types, keys)
    const nameIn = async (from: { open: typeof elsewhere.open }) => {
      const [registered] = await from.open((await log.readStream(`customer-${ZOE}`)).slice(0, 1))
      return (registered!.data as { name: string | null }).name
    }
    equal(await nameIn(elsewhere), 'Zoe Quillfeather')
    await done(shop, 'EraseCustomer', { customer_id: ZOE, force: true })
    await shop.settle(before)
    // It has not heard of it yet; whoever remembers nothing has no need to.
    equal(await nameIn(elsewhere), 'Zoe Quillfeather')
    equal(await nameIn(personalData(types, keys, 0)), null)
    await elsewhere.open(await log.readStream(`erasure-${ZOE}`))
    equal(await nameIn(elsewhere), null)
    // What is still told of her is sealed for nobody.
    const adjusted = { customer_id: ZOE, amount: '-1', reason: 'Quillfeather, at last' }
    await done(shop, 'AdjustCustomerBalance', adjusted)
    deepEqual(tables(await rowsOf(shop), /at last/), [])
    deepEqual(await keys.destroyed([ZOE]), new Set([ZOE]))
  })
})

await onPostgres('erasing on PostgreSQL', (fresh) => {
  test('leaves nothing of a person anywhere', async () => {
    const { url, remove } = await fresh()
    await leavesNothing('postgres', url)
    await remove()
  })
})
