// What health says when stores are away, silent or behind, and what a load balancer makes of it.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { append } from '#testing/sample-appends.ts'
import { type HealthParts, healthOf } from './health.ts'
import { type Role, rolesOf } from './roles.ts'

const SECONDS = 1_000
const ago = (seconds: number) => new Date(Date.now() - seconds * SECONDS).toISOString()

/** A process with these roles whose tables are empty, and a log whose one event is so old. */
async function parts(
  roles: readonly (Role | 'all')[],
  { age = null as number | null, ...more }: Partial<HealthParts> & { age?: number | null } = {},
): Promise<HealthParts> {
  const log = await openEventLog({ now: () => ago(age ?? 0) })
  if (age !== null) await log.append(append('note-1'))
  return {
    log,
    reads: await openReadModels(),
    host: null,
    waiting: null,
    projections: ['stock'],
    roles: rolesOf(roles),
    shares: () => null,
    server: null,
    circuits: () => ({}),
    cache: null,
    notices: null,
    warnings: [],
    version: '1.2.3',
    startedAt: ago(60),
    ...more,
  }
}
const failing = (log: EventLog, head: EventLog['head']): EventLog => ({ ...log, head })

describe('health', () => {
  it('is fine where nothing is behind, and tells roles and what is done here', async () => {
    const shares = () => ({ saga: ['steps'] })
    const { status, warnings, components } = await healthOf(
      await parts(['query', 'saga'], { shares, server: async () => 'PostgreSQL 18' }),
      null,
    )
    deepEqual([status, warnings], ['ok', []])
    equal(components.roles, 'query, saga')
    equal(components.server, 'PostgreSQL 18')
    deepEqual(components.shares, { saga: ['steps'] })
    deepEqual(components.read_models, { checkpoint: 0, lag_events: 0, lag_seconds: 0 })
  })

  it('is failing when a store is away, and says which', async () => {
    const one = await parts(['command'])
    const away = () => Promise.reject(new Error('PostgreSQL at db:5432/shop cannot be reached'))
    const { status, warnings } = await healthOf({ ...one, log: failing(one.log, away) }, null)
    equal(status, 'failing')
    match(warnings[0]!, /^the event log: PostgreSQL at db:5432\/shop cannot be reached$/)
  })

  it('is failing when a store says nothing, and answers all the same', async () => {
    const one = await parts(['command'])
    const silent = () => new Promise<never>(() => {})
    const from = performance.now()
    const { status, warnings } = await healthOf({ ...one, log: failing(one.log, silent) }, null)
    ok(performance.now() - from < 30 * SECONDS)
    equal(status, 'failing')
    match(warnings[0]!, /^the event log did not answer within \d+ ms$/)
  })

  it('is degraded when tables are behind, and failing where old answers are all there is', async () => {
    const statusOf = async (age: number, ...roles: (Role | 'all')[]) =>
      (await healthOf(await parts(roles, { age }), null)).status
    equal(await statusOf(5, 'query'), 'ok')
    equal(await statusOf(60, 'query'), 'degraded')
    equal(await statusOf(600, 'query'), 'failing')
    equal(await statusOf(600, 'query', 'saga'), 'failing')
    // Refusing commands as well would help nobody.
    equal(await statusOf(600, 'query', 'command'), 'degraded')
    equal(await statusOf(600, 'all'), 'degraded')
    equal(await statusOf(600, 'saga'), 'degraded')
  })

  it('tells in one line that many tables are behind', async () => {
    const status = (...seconds: readonly number[]) =>
      seconds.map((lag_seconds, at) => ({
        ...{ name: `table ${at}`, status: 'running', parked: 0, lag_seconds },
        ...{ checkpoint: 0, lag_events: 1 },
      }))
    const warned = async (...seconds: readonly number[]) => {
      const host = { status: async () => status(...seconds) as never }
      return (await healthOf(await parts(['all'], { host }), null)).warnings
    }
    deepEqual(await warned(1, 60, 3), ['table 1 is 60 s behind'])
    deepEqual(await warned(60, 70, 1, 50, 55), [
      'table 0, table 1, table 3, 1 more are 70 s behind',
    ])
  })

  it('counts only tables of its own projections', async () => {
    const reads = await openReadModels()
    const table = { name: 'old', key: 'id', columns: { id: 'text' as const }, indexes: [] }
    await reads.define([{ name: 'old', version: 1, table }])
    const stock = { name: 'stock', version: 1, table: { ...table, name: 'stock' } }
    await reads.define([stock])
    const one = await parts(['query'], { age: 600, reads })
    const commit = { table: stock.table, from: 0, to: 1, upserts: [], deletes: [] }
    ok(await reads.commit([{ projection: 'stock', ...commit, park: [], unpark: [] }]))
    equal((await healthOf(one, null)).status, 'ok')
  })

  it('remembers what the last verification found', async () => {
    const verified = { at: ago(1), position: 7, differences: 2 }
    const { status, warnings } = await healthOf(await parts(['admin']), verified)
    equal(status, 'degraded')
    match(warnings[0]!, /found 2 differences/)
  })
})
