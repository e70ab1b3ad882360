// What operators do through the admin door, over a real projection that meets a poisoned event.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { operations } from '#app/operations.ts'
import type { ProjectionHost } from '#app/projection-host.ts'
import { projectionsHere } from '#app/projections-here.ts'
import { rolesOf } from '#app/roles.ts'
import { projection } from '#kernel/projection.ts'
import { personalData } from '#runtime/personal.ts'
import { waitingRunner } from '#runtime/run-waiting.ts'
import { sealEvents } from '#runtime/seals.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { account, types as accountTypes, bank as bankOver, commands } from './account-fixture.ts'
import { type Bank, call, openBank } from './door-fixture.ts'
import type { DoorParts } from './doors.ts'

const ID = '01939b5a-7c1e-7000-8000-000000000001'
const WRITE_TIMEOUT_MS = 1_500
let mended: boolean
const balances = projection<{ account_id: string; balance: number }>({
  name: 'balances',
  version: 1,
  table: { name: 'balances', key: 'account_id', columns: { account_id: 'text', balance: 'int' } },
  on: {
    AmountMoved: {
      keys: ({ aggregate_id }) => [aggregate_id],
      apply: (row, { data }, account_id) => {
        if (data.note === 'poison' && !mended) throw new Error('cannot take this')
        return { account_id, balance: (row?.balance ?? 0) + data.amount_minor }
      },
    },
  },
})

let log: EventLog
let reads: ReadModels
let host: ProjectionHost
let bank: Bank
/** The same operations behind doors of their own. */
let openDoors: (settings?: DoorParts['settings']) => Promise<Bank>
/** What a rebuild waits for before it begins. */
let gate: Promise<void>
beforeEach(async () => {
  mended = false
  log = await openEventLog()
  reads = await openReadModels()
  const keys = await openKeyRing()
  const types = { ...accountTypes, ...sealEvents }
  const { send } = bankOver(log, keys)
  const waiting = waitingRunner({
    waitings: [],
    reads,
    send,
    now: () => new Date().toISOString(),
    onError: () => {},
  })
  host = await projectionsHere({
    log,
    reads,
    projections: [balances],
    types,
    personal: personalData(types, keys),
    sealEvery: 1_000,
    onError: () => {},
  })
  log.onAppended(() => host.wake())
  const context = {
    name: 'bank',
    aggregates: [account],
    commands,
    projections: [balances],
    queries: [],
  }
  const real = operations({
    log,
    reads,
    host,
    waiting,
    contexts: [context],
    types,
    roles: rolesOf(['all']),
    shares: () => null,
    server: null,
    circuits: () => ({}),
    notices: null,
    cache: null,
    warnings: ['Authentication is off.'],
    version: '1.2.3',
    startedAt: '2026-01-01T00:00:00.000Z',
  })
  gate = Promise.resolve()
  const rebuild: typeof real.rebuild = async (...args) => {
    await gate
    return await real.rebuild(...args)
  }
  openDoors = (settings = {}) => openBank(log, keys, { operations: { ...real, rebuild }, settings })
  bank = await openDoors()
  await call(bank.ports.public, 'POST', '/api/v1/accounts', {
    body: { owner: 'ada', currency: 'USD', account_id: ID },
  })
})
afterEach(async () => {
  await bank.close()
  await host.close()
  await reads.close()
})

const admin = (method: string, path: string, body?: unknown) =>
  call(bank.ports.admin, method, `/api/v1/admin/${path}`, { body })
const deposit = (amount: number, note = 'fine') =>
  call(bank.ports.public, 'POST', `/api/v1/accounts/${ID}/deposits`, { body: { amount, note } })
/** Until the projection has taken or parked everything. */
async function settled() {
  const { position } = await log.head()
  const reached = async () => ((await reads.checkpoints()).get('balances') ?? 0) >= position
  while (!(await reached())) await new Promise((resolve) => setImmediate(resolve))
}

describe('operators', () => {
  test('read the events of an aggregate page by page', async () => {
    await deposit(1)
    await deposit(2)
    const first = await admin('GET', `events/${ID}?limit=2`)
    deepEqual(
      first.json.items.map(({ event_type }: { event_type: string }) => event_type),
      ['AccountOpened', 'AmountMoved'],
    )
    ok(first.json.items[1].metadata.command_id)
    const rest = await admin('GET', `events/${ID}?limit=2&after=${first.json.next_after}&raw=true`)
    deepEqual(
      rest.json.items.map(({ version }: { version: number }) => version),
      [3],
    )
    equal(rest.json.next_after, undefined)
    deepEqual((await admin('GET', `events/${ID}?up_to=1`)).json.items.length, 1)
    deepEqual((await admin('GET', 'events/nobody')).json.items, [])
    equal((await admin('GET', `events/${ID}?limit=1001`)).status, 400)
  })

  test('see projections, pause and resume them', async () => {
    await deposit(1)
    await settled()
    const [status] = (await admin('GET', 'projections')).json.items
    deepEqual([status.name, status.status, status.checkpoint], ['balances', 'running', 2])
    const paused = await admin('POST', 'projections/balances/pause')
    equal(paused.json.projection.status, 'paused')
    await deposit(2)
    equal((await reads.checkpoints()).get('balances'), 2)
    const resumed = await admin('POST', 'projections/balances/resume')
    equal(resumed.json.projection.status, 'running')
    await settled()
    for (const verb of ['pause', 'resume'])
      equal((await admin('POST', `projections/nope/${verb}`)).status, 404)
  })

  test('find poisoned events, mend them, and try them again', async () => {
    await deposit(1)
    await deposit(2, 'poison')
    await deposit(3)
    await settled()
    const { items } = (await admin('GET', 'dead-letters')).json
    deepEqual(
      items.map(({ position }: { position: number }) => position),
      [3, 4],
    )
    match(items[0].error, /cannot take this/)
    deepEqual(items[0].keys, [ID])
    const health = await admin('GET', 'health')
    equal(health.json.status, 'degraded')
    deepEqual(health.json.warnings, ['Authentication is off.', 'balances has parked events'])
    mended = true
    deepEqual((await admin('POST', 'dead-letters/balances/retry')).json, { taken: 2 })
    deepEqual((await admin('GET', 'dead-letters')).json.items, [])
    equal((await admin('POST', 'dead-letters/nope/retry')).status, 404)
    const [row] = await reads.load(balances.table, [ID])
    equal(row?.balance, 600)
  })

  test('rebuild one or all; a dry run tells what differs and changes nothing', async () => {
    await deposit(1)
    await settled()
    const row = { account_id: ID, balance: 7 }
    await reads.commit([
      {
        projection: 'balances',
        table: balances.table,
        from: 2,
        to: 2,
        upserts: [row],
        deletes: [],
        park: [],
        unpark: [],
      },
    ])
    const verified = await admin('POST', 'verify')
    equal(verified.json.differences, 1)
    ok(JSON.stringify(verified.json.checks).includes(ID))
    const dry = await admin('POST', 'projections/rebuild', { name: 'balances', dry_run: true })
    const [report] = dry.json.reports
    deepEqual([report.differing, report.swapped, report.differences[0].key], [1, false, ID])
    equal((await reads.load(balances.table, [ID]))[0]?.balance, 7)
    const replayed = await admin('POST', 'events/replay', { target: 'balances', dry_run: true })
    equal(replayed.json.reports[0].differing, 1)
    const all = await admin('POST', 'projections/rebuild', { name: 'all' })
    deepEqual([all.json.reports.length, all.json.reports[0].swapped], [1, true])
    equal((await admin('POST', 'verify')).json.differences, 0)
    equal((await reads.load(balances.table, [ID]))[0]?.balance, 100)
  })

  test('are told when a rebuild or replay cannot be what they think', async () => {
    equal((await admin('POST', 'projections/rebuild', { name: 'nope' })).status, 404)
    deepEqual(Object.keys((await admin('POST', 'projections/rebuild', {})).json.errors), ['name'])
    const body = { target: 'webhooks', from: 5, to: 9, types: ['AmountMoved'] }
    const refused = await admin('POST', 'events/replay', body)
    equal(refused.status, 400)
    deepEqual(Object.keys(refused.json.errors).sort(), ['from', 'target', 'to', 'types'])
    match(refused.json.errors.target, /projections only/)
  })

  test('may take longer than a client may wait', async () => {
    await bank.close()
    bank = await openDoors({ 'server.write_timeout': WRITE_TIMEOUT_MS })
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    const rebuilt = admin('POST', 'projections/rebuild', { name: 'balances' })
    // Past the time limit of all other requests.
    setTimeout(resolve, 2 * WRITE_TIMEOUT_MS)
    equal((await rebuilt).status, 200)
  })

  test('cannot start a rebuild of what is being rebuilt', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    const rebuild = (name: string) => admin('POST', 'projections/rebuild', { name })
    const both = [rebuild('balances'), rebuild('balances')]
    const refused = await Promise.race(both)
    deepEqual([refused.status, refused.json.code], [409, 'invalid_state'])
    equal((await rebuild('all')).status, 409)
    resolve()
    deepEqual((await Promise.all(both)).map(({ status }) => status).sort(), [200, 409])
    equal((await rebuild('balances')).status, 200)
  })
})
