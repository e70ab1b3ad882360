// Webhooks from what happens to the request that arrives: signed, without persons, paused and
// replayed; and silence from whatever reads the log again.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { blocksOf } from '#testing/prose.ts'

const HOW_TO = join(import.meta.dirname, '..', '..', '..', 'docs', 'how-to', 'receive-webhooks.md')
const SETS = [
  ...['webhooks.allow_private=true', 'webhooks.timeout=15s', 'webhooks.pause_after=3'],
  ...['notifications.retry_base=2ms', 'notifications.retry_max=5ms', 'notifications.attempts=3'],
  ...['breaker.failures=1000'],
]
type Body = {
  readonly event_id: string
  readonly event_type: string
  readonly aggregate_id: string
  readonly position: number
  readonly version: number
  readonly data: Readonly<Record<string, unknown>>
}
type Heard = { readonly headers: IncomingHttpHeaders; readonly text: string; readonly body: Body }

describe('webhooks', () => {
  let folder: string
  let app: App
  let heard: Heard[]
  let answer: (body: Body) => number
  let url: string
  let tests = 0
  const mine: string[] = []
  const said: string[] = []
  const receiver = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString()
    const body = JSON.parse(text) as Body
    const isHere = url.endsWith(request.url!)
    if (isHere) heard.push({ headers: request.headers, text, body })
    response.writeHead(isHere ? answer(body) : 204).end()
  })
  const started = (place: string, options: { passive?: boolean } = {}) => {
    const argv = [...SETS, place].flatMap((set) => ['--set', set])
    const config = readConfig({ env: {}, file: null, argv })
    ok(config.ok, JSON.stringify(config))
    return compose(config.config, { ...options, tell: (line) => said.push(line) })
  }
  const send = async (type: string, input: object) => {
    const outcome = await app.send(type, input)
    ok(outcome.ok, JSON.stringify(outcome))
    return { ...outcome.response, position: outcome.position } as Record<string, unknown> & {
      readonly position: number
    }
  }
  const register = async (more: object = {}) => {
    const asked = { url, event_types: ['Store*'], ...more }
    const { webhook_id, secret, position } = await send('RegisterWebhook', asked)
    mine.push(String(webhook_id))
    await app.projected(position)
    return { webhook_id: String(webhook_id), secret: String(secret) }
  }
  const store = async (name: string) => String((await send('CreateStore', { name })).store_id)
  const until = async (done: () => boolean | Promise<boolean>) => {
    while (!(await done())) await sleep(15)
  }
  const names = () => heard.map(({ body }) => body.data.name)
  const asked = async <T>(type: string, input: object) => {
    const answered = await app.ask(type, input)
    ok(answered.ok, JSON.stringify(answered))
    return answered.result as T | null
  }
  const deliveries = async (webhook_id: string) => {
    type Listed = { event_id: string; status: string; attempts: number; last_status: number | null }
    const found = await asked<{ items: readonly Listed[] }>('ListWebhookDeliveries', { webhook_id })
    return found?.items ?? null
  }
  const areDelivered = async (webhook_id: string) =>
    ((await deliveries(webhook_id)) ?? []).every(({ status }) => status === 'delivered')
  const warned = async () => (await app.operations.health()).warnings.join('\n')

  before(async () => {
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    folder = mkdtempSync(join(tmpdir(), 'daybook-webhooks-'))
    app = await started('database.driver=memory')
  })
  after(async () => {
    await app.close()
    receiver.closeAllConnections()
    receiver.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    // What comes for another test's webhook is not heard.
    const { port } = receiver.address() as AddressInfo
    url = `http://127.0.0.1:${port}/${++tests}`
    heard = []
    said.length = 0
    answer = () => 204
  })
  afterEach(async () => {
    for (const webhook_id of mine.splice(0)) await send('RemoveWebhook', { webhook_id })
  })

  test('tell what happens from their registration on, signed as the how-to verifies it', async () => {
    await store('before')
    const { secret } = await register()
    await store('one')
    await send('CreateProduct', { code: 'CUP', name: 'Cup', sell_price: '5' })
    await store('two')
    await until(() => heard.length === 2)
    deepEqual(names().sort(), ['one', 'two'])
    const [first] = heard
    const { event_id, data, ...rest } = first!.body
    deepEqual(Object.keys(rest), [
      ...['event_type', 'event_version', 'position', 'aggregate_type', 'aggregate_id', 'version'],
      ...['occurred_at', 'timestamp'],
    ])
    equal(first!.headers['webhook-id'], event_id)
    equal(data.store_id, rest.aggregate_id)

    const [sample] = blocksOf(readFileSync(HOW_TO, 'utf8')).filter(
      ({ language }) => language === 'ts',
    )
    const file = join(folder, 'sample.ts')
    writeFileSync(file, sample!.code)
    const { isAuthentic } = await import(file)
    equal(isAuthentic(secret, first!.headers, first!.text), true)
    equal(isAuthentic(secret, first!.headers, `${first!.text} `), false)
    equal(isAuthentic(`whsec_${'A'.repeat(44)}`, first!.headers, first!.text), false)

    // While its secret is being changed both are right.
    const other = `whsec_${Buffer.alloc(40, 9).toString('base64')}`
    const { webhook_id } = (await asked<{ items: readonly [{ webhook_id: string }] }>(
      'ListWebhooks',
      {},
    ))!.items[0]
    await app.projected((await send('UpdateWebhook', { webhook_id, secret: other })).position)
    const by = (one: string) => isAuthentic(one, heard.at(-1)!.headers, heard.at(-1)!.text)
    // It is heard of a moment later.
    for (let n = 3; !by(other); n++) {
      equal(by(secret), true)
      await store(`number ${n}`)
      await until(() => heard.length === n)
    }
    equal(by(secret), true)
  })

  test('keep a secret that neither log nor command records hold, and that is shown once', async () => {
    const given = `whsec_${Buffer.alloc(40, 9).toString('base64')}`
    const own = await register({ secret: given })
    const made = await register()
    equal(own.secret, 'undefined')
    match(made.secret, /^whsec_/)
    await store('one')
    await until(() => heard.length === 2)
    const events = JSON.stringify(await app.log.readAll(0, 1_000))
    const records = JSON.stringify(await app.log.commandRecords('', 1_000))
    const shown = JSON.stringify(await asked('ListWebhooks', {}))
    for (const secret of [given, made.secret])
      for (const [where, text] of Object.entries({ events, records, shown }))
        ok(!text.includes(secret.slice(6)), where)
    ok(!said.join('\n').includes('whsec_'))
  })

  test('leave out what tells of a person, unless they are to be told', async () => {
    const types = ['CustomerRegistered']
    await register({ event_types: types })
    await register({ event_types: types, include_personal: true })
    const customer = { name: 'Ada Lovelace', email: 'ada@example.com' }
    await send('RegisterCustomer', customer)
    await until(() => heard.length === 2)
    const [without, whole] = heard
      .map(({ body }) => body.data)
      .sort((a, b) => Number('name' in a) - Number('name' in b))
    equal(whole?.name, 'Ada Lovelace')
    equal(JSON.stringify(without).includes('Ada'), false)
    ok(!('email' in without!) && 'customer_id' in without!)
  })

  test('are paused by 410, say so, and go on with what they missed', async () => {
    const { webhook_id } = await register()
    answer = () => 410
    await store('gone')
    await until(async () => /is paused: its receiver says it is gone/.test(await warned()))
    await store('missed')
    await sleep(80)
    equal(heard.length, 1)
    deepEqual(
      (await deliveries(webhook_id))?.map(({ status, last_status }) => [status, last_status]),
      [['dead', 410]],
    )
    answer = () => 204
    await send('UpdateWebhook', { webhook_id, active: true })
    await until(() => heard.length === 2)
    deepEqual(names(), ['gone', 'missed'])
    await until(async () => !/is paused/.test(await warned()))
  })

  test('are paused when one delivery after the other is given up; one can be sent again', async () => {
    const { webhook_id } = await register()
    answer = () => 500
    for (const name of ['a', 'b', 'c']) await store(name)
    await until(async () => /is paused: deliveries to it were given up/.test(await warned()))
    const dead = (await deliveries(webhook_id)) ?? []
    deepEqual(
      dead.map(({ status, attempts, last_status }) => [status, attempts, last_status]),
      Array.from({ length: 3 }, () => ['dead', 3, 500]),
    )
    answer = () => 200
    heard = []
    const { event_id } = dead.at(-1)!
    await send('UpdateWebhook', { webhook_id, active: true })
    await send('ReplayWebhookDelivery', { webhook_id, event_id })
    await until(() => heard.length === 1)
    equal(heard[0]?.headers['webhook-id'], event_id)
    const one = () => asked<{ status: string }>('GetWebhookDelivery', { webhook_id, event_id })
    await until(async () => (await one())?.status === 'delivered')
  })

  test('send everything behind a position again when that is asked for', async () => {
    const { webhook_id } = await register()
    for (const name of ['a', 'b', 'c']) await store(name)
    await until(() => heard.length === 3)
    // What is under way still would be taken for what is sent again.
    await until(() => areDelivered(webhook_id))
    // Different things may be told of in any order.
    const [first, ...behind] = heard
      .map(({ body }) => body)
      .sort((one, other) => one.position - other.position)
    const from_position = first!.position
    await send('ReplayWebhook', { webhook_id, from_position })
    await until(() => heard.length === 5)
    deepEqual(
      heard
        .slice(3)
        .map(({ body }) => body.event_id)
        .sort(),
      behind.map(({ event_id }) => event_id).sort(),
    )
  })

  describe('in files', () => {
    const place = () => `database.sqlite.path=${join(folder, 'shop.db')}`
    const deleted = (file: string) => {
      for (const end of ['', '-wal', '-shm'])
        rmSync(join(folder, `shop-${file}.db${end}`), { force: true })
    }
    let other: App
    before(() => {
      other = app
    })
    after(() => {
      app = other
    })

    test('say nothing when tables are rebuilt, deleted, verified, or only looked at', async () => {
      app = await started(place())
      const { webhook_id } = await register()
      for (const name of ['a', 'b']) await store(name)
      await until(() => heard.length === 2)
      await until(() => areDelivered(webhook_id))
      for (const name of ['webhooks', 'stores'])
        await app.operations.rebuild(name, { dryRun: false })
      equal((await app.operations.verify()).differences, 0)
      await app.close()
      deleted('views')
      const passive = await started(place(), { passive: true })
      await sleep(50)
      await passive.close()
      app = await started(place())
      await store('c')
      await until(() => heard.length === 3)
      await sleep(50)
      deepEqual(names().sort(), ['a', 'b', 'c'])
      await app.close()
      // A backup brings the log back, and nobody knows what was sent.
      deleted('outbox')
      app = await started(place())
      await store('d')
      await until(() => heard.length === 4)
      await sleep(50)
      deepEqual(names().sort(), ['a', 'b', 'c', 'd'])
      mine.splice(0)
      await app.close()
    })
  })

  test('that were removed hear nothing more, and their key is gone', async () => {
    const { webhook_id, secret } = await register()
    const repeated = await app.send('RegisterWebhook', { webhook_id, url, event_types: ['Store*'] })
    equal(repeated.ok, false)
    await store('a')
    await until(() => heard.length === 1)
    ok(JSON.stringify((await app.operations.health()).components.notices).includes(webhook_id))
    const { position } = await send('RemoveWebhook', { webhook_id })
    await app.projected(position)
    equal(await asked('GetWebhook', { webhook_id }), null)
    equal(await deliveries(webhook_id), null)
    // Whoever sends looks every half second.
    const served = async () =>
      JSON.stringify((await app.operations.health()).components.notices).includes(webhook_id)
    await until(async () => !(await served()))
    await store('b')
    await sleep(100)
    deepEqual(names(), ['a'])
    ok(secret.length > 0)
  })

  test('wait behind what the same thing has not been told of, and no other', async () => {
    await register({ event_types: ['StoreUpdated', 'StoreClosed'] })
    const [one, two] = [await store('one'), await store('two')]
    let isDown = true
    answer = ({ aggregate_id }) => (isDown && aggregate_id === one ? 503 : 204)
    for (const store_id of [one, two]) {
      await send('UpdateStore', { store_id, name: 'new' })
      await send('CloseStore', { store_id })
    }
    const heardOf = (id: string) =>
      heard.filter(({ body }) => body.aggregate_id === id).map(({ body }) => body.version)
    await until(() => heardOf(two).includes(3))
    // The first of them is tried again or was given up; never is the next one before it.
    isDown = false
    await until(() => heardOf(one).includes(3))
    deepEqual([...new Set(heardOf(one))], [2, 3])
    deepEqual(heardOf(two), [2, 3])
  })
})
