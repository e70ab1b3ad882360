// Somebody with the file or the database in hand changes one thing. Hundreds of random single
// changes, each looked for by `verify`: it has to name the first position that is not as it was.
// What no seal in the log can show, a seal that was kept elsewhere does.
import { equal, ok } from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import canonicalize from 'canonicalize'
import pg from 'pg'
import { v7 } from 'uuid'
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import type { Recorded } from '#kernel/message.ts'
import { integer, object, text } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog as openPostgres } from '#storage/postgres/event-log.ts'
import { openEventLog, openEventLogReadOnly } from '#storage/sqlite/event-log.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { DIGEST_BYTES, hashOf, type KeptSeal, type Seal, sealChain, sealer } from './seals.ts'
import { type LogReport, verifyLog } from './verify-log.ts'

const SEAL_EVERY = 12
/** Of every kind of change on PostgreSQL; twice as many in a file. `ROUNDS=50` for a long run. */
const ROUNDS = Number(process.env.ROUNDS ?? 4)
const STREAMS = 6
const APPENDS = 48

const types = eventTypes({ Moved: { data: object({ amount: integer(), note: text() }) } })
const account = aggregate({
  type: 'account',
  state_version: 1,
  events: types,
  initial: { sum: 0, moves: 0 },
  evolve: {
    Moved: ({ sum, moves }, { amount }) => ({ sum: sum + amount, moves: moves + 1 }),
  },
})
const folding = { aggregates: [account], types }

// ── a log to change ───────────────────────────────────────────────────────────────────────────

async function fill(log: EventLog, random: Random): Promise<void> {
  const versions = new Map<string, number>()
  const seals = sealer(log, SEAL_EVERY)
  for (let i = 0; i < APPENDS; i++) {
    const stream = `account-${random.int(1, STREAMS)}`
    const version = versions.get(stream) ?? 0
    // The last is under no seal.
    const count = i === APPENDS - 1 ? 3 : random.int(1, 3)
    const id = v7()
    const claim = { scope: 'code', value: `P-${i}`, owner: stream }
    const verdict = await log.append({
      writes: [
        {
          stream,
          expected: version === 0 ? 'none' : version,
          events: Array.from({ length: count }, (_, j) => ({
            event_id: v7(),
            event_type: 'Moved',
            event_version: 1,
            data: { amount: i * 10 + j, note: `move ${i}` },
            metadata: { command_id: id, source: 'test' },
            ...(random.chance(0.3) && { occurred_at: `2020-01-0${1 + j}T00:00:00.000Z` }),
          })),
        },
      ],
      ...(i % 5 === 0 && { claims: [claim] }),
      command: { id, fingerprint: `f-${i}`, response: { number: i } },
    })
    ok(verdict.ok)
    versions.set(stream, version + count)
    if (i < APPENDS - 1) await seals.sealAll()
  }
  for (const stream of ['account-1', 'account-2']) {
    const events = await log.readStream(stream)
    const sum = events.reduce((total, { data }) => total + (data as { amount: number }).amount, 0)
    const state = { sum, moves: events.length }
    await log.saveSnapshots([{ stream, version: events.length, state_version: 1, state }])
  }
}

/** What it was before the change. */
type Known = {
  readonly events: readonly Recorded[]
  readonly seals: readonly Recorded<Seal>[]
  /** Events up to here are covered by seals. */
  readonly covered: number
  readonly kept: readonly KeptSeal[]
}

async function known(log: EventLog): Promise<Known> {
  const events = await log.readAll(0, 1_000)
  const seals = events.filter((one) => one.event_type === 'LogSealed') as Recorded<Seal>[]
  const chain = sealChain()
  const kept: KeptSeal[] = []
  for (const event of events) {
    chain.add(event)
    if (event.position % 10 === 0 || event.position === events.length) kept.push(chain.seal())
  }
  return { events, seals, covered: seals.at(-1)!.data.to, kept }
}

// ── changes ───────────────────────────────────────────────────────────────────────────────────

type Change = {
  readonly sql: readonly string[]
  /** The first position that is not as it was. */
  readonly first?: number
  /** Whether the log's own seals must show it; a kept seal must in any case. */
  readonly shown: boolean
  /** Where it is not an event: the check that has to find it, and what it has to name. */
  readonly by?: readonly [check: string, named: RegExp]
}
type Make = (before: Known, random: Random) => Change

const quoted = (value: unknown) => `'${String(value).replaceAll("'", "''")}'`
const json = (value: unknown) => quoted(JSON.stringify(value))
const set = (position: number, columns: string) =>
  `UPDATE {events} SET ${columns} WHERE position = ${position}`
const shift = (from: number, by: number) => [
  `UPDATE {events} SET position = -(position + ${by}) WHERE position >= ${from}`,
  'UPDATE {events} SET position = -position WHERE position < 0',
]
const insert = (position: number, stream: string, version: number, timestamp: string) =>
  `INSERT INTO {events} (position, event_id, stream, version, event_type, event_version, data,
     metadata, occurred_at, timestamp) VALUES (${position}, '${v7()}', ${quoted(stream)}, ${version},
     'Moved', 1, '{"amount":1000000,"note":"mine"}', '{"source":"test"}', NULL, '${timestamp}')`
const streamOf = (event: Recorded) => `${event.aggregate_type}-${event.aggregate_id}`

/** A change of one event's columns. */
const column =
  (columns: (event: Recorded, random: Random) => string): Make =>
  (before, random) => {
    const event = random.pick(before.events)
    const { position } = event
    return {
      sql: [set(position, columns(event, random))],
      first: position,
      shown: position <= before.covered,
    }
  }

const ofEvents: Readonly<Record<string, Make>> = {
  data: column(({ data }, random) => {
    const fields = Object.keys(data as object)
    const field = random.pick(fields)
    const was = (data as Record<string, unknown>)[field]
    return `data = ${json({ ...(data as object), [field]: typeof was === 'number' ? was + 1 : `${was}x` })}`
  }),
  'a field more': column(({ data }) => `data = ${json({ ...(data as object), more: 1 })}`),
  metadata: column(({ metadata }) => `metadata = ${json({ ...metadata, user_id: 'mallory' })}`),
  'the command id': column(
    ({ metadata }) => `metadata = ${json({ ...metadata, command_id: v7() })}`,
  ),
  occurred_at: column(() => `occurred_at = '2001-02-03T04:05:06.007Z'`),
  'an earlier time': column(() => `timestamp = '2001-02-03T04:05:06.007Z'`),
  'a later time': column(() => `timestamp = '2101-02-03T04:05:06.007Z'`),
  event_type: column(() => `event_type = 'Renamed'`),
  event_version: column(({ event_version }) => `event_version = ${event_version + 1}`),
  event_id: column(() => `event_id = '${v7()}'`),
  stream: column((_, random) => `stream = 'account-new${random.int(1, 9)}'`),
  version: column(({ version }) => `version = ${version + 1_000}`),
  removed: ({ events, covered }, random) => {
    const { position } = random.pick(events)
    return {
      sql: [`DELETE FROM {events} WHERE position = ${position}`],
      first: position,
      shown: position <= covered,
    }
  },
  'removed and closed up': ({ events, covered }, random) => {
    const event = random.pick(events)
    const { position, version } = event
    const mine = `stream = ${quoted(streamOf(event))}`
    return {
      sql: [
        `DELETE FROM {events} WHERE position = ${position}`,
        ...shift(position, -1),
        `UPDATE {events} SET version = -(version - 1) WHERE ${mine} AND version > ${version}`,
        `UPDATE {events} SET version = -version WHERE ${mine} AND version < 0`,
      ],
      first: position,
      shown: position <= covered,
    }
  },
  'a range removed': ({ events }, random) => {
    const from = random.int(1, events.length - 1)
    const to = random.int(from, events.length - 1)
    const sql = [`DELETE FROM {events} WHERE position BETWEEN ${from} AND ${to}`]
    return { sql, first: from, shown: true }
  },
  inserted: ({ events, covered }, random) => {
    const { position, timestamp } = random.pick(events)
    return {
      sql: [...shift(position, 1), insert(position, 'account-mine', 1, timestamp)],
      first: position,
      shown: position <= covered,
    }
  },
  'inserted before all': ({ events }, random) => {
    const position = 1 - random.int(1, 6)
    const sql = [insert(position, 'account-mine', 1, events[0]!.timestamp)]
    return { sql, first: position, shown: true }
  },
  'appended behind a gap': ({ events }, random) => {
    const position = events.length + random.int(2, 9)
    const sql = [insert(position, 'account-mine', 1, events.at(-1)!.timestamp)]
    return { sql, first: events.length + 1, shown: true }
  },
  'two swapped': ({ events, covered }, random) => {
    const a = random.int(1, events.length - 1)
    const b = random.int(a + 1, events.length)
    return {
      sql: [
        `UPDATE {events} SET position = -1 WHERE position = ${a}`,
        `UPDATE {events} SET position = ${a} WHERE position = ${b}`,
        `UPDATE {events} SET position = ${b} WHERE position = -1`,
      ],
      first: a,
      shown: a <= covered,
    }
  },
  'moved to the end': ({ events }, random) => {
    const { position } = random.pick(events.slice(0, -1))
    const sql = [set(position, `position = ${events.length + 1}`)]
    return { sql, first: position, shown: true }
  },
  'the end cut off': ({ events }, random) => {
    const first = random.int(1, events.length)
    // The seals over it are gone with it.
    return { sql: [`DELETE FROM {events} WHERE position >= ${first}`], first, shown: false }
  },
  'a seal’s field': ({ seals }, random) => {
    const { position, data } = random.pick(seals)
    const field = random.pick(['from', 'to', 'hash', 'previous', 'digests', 'records'] as const)
    const was = data[field]!
    const other =
      typeof was === 'number'
        ? was + random.pick([-1, 1])
        : changedText(was, random.int(0, Math.max(was.length - 2, 0)))
    return {
      sql: [set(position, `data = ${json({ ...data, [field]: other })}`)],
      first: position,
      shown: true,
    }
  },
  'a seal that is none': ({ seals }, random) => {
    const { position } = random.pick(seals)
    return { sql: [set(position, `data = '{}'`)], first: position, shown: true }
  },
  're-sealed': ({ events, seals, covered }, random) => {
    const { position, data } = random.pick(seals)
    const covers = events.slice(data.from - 1, data.to)
    const own = random.pick(covers.filter((one) => one.event_type === 'Moved'))
    const at = own.position
    const changed = { ...own, data: { ...(own.data as object), amount: -1 } }
    const range = covers.map((event) => hashOf(event === own ? changed : event))
    const digests = Buffer.concat(range.map((one) => one.subarray(0, DIGEST_BYTES)))
    const whole = [Buffer.from(data.previous), ...range, Buffer.from(data.records!, 'base64url')]
    const resealed = {
      ...data,
      hash: hash('sha256', Buffer.concat(whole), 'base64url'),
      digests: digests.toString('base64url'),
    }
    return {
      sql: [set(at, `data = ${json(changed.data)}`), set(position, `data = ${json(resealed)}`)],
      first: position,
      shown: position <= covered,
      by: ['seals', new RegExp(`over ${data.from} to ${data.to}`)],
    }
  },
}

/** Another text of the same length (of an empty one: one letter). */
const changedText = (was: string, at: number) =>
  `${was.slice(0, at)}${was[at] === 'A' ? 'B' : 'A'}${was.slice(at + 1)}`

/** Commands whose records a seal covers, or any of them. */
const aCommand = ({ events, covered }: Known, random: Random, sealed: boolean) => {
  const ends = events.filter(
    ({ position, metadata: { command_id } }) =>
      command_id !== undefined &&
      events[position]?.metadata.command_id !== command_id &&
      (!sealed || position <= covered),
  )
  const { position, metadata } = random.pick(ends)
  return { position, id: metadata.command_id! }
}
const record =
  (sealed: boolean, columns: string): Make =>
  (before, random) => {
    const { position, id } = aCommand(before, random, sealed)
    const sql = [`UPDATE {commands} SET ${columns} WHERE id = '${id}'`]
    const named = new RegExp(`^${position}\\b.*${id}`)
    return { sql, shown: true, by: [sealed ? 'seals' : 'command records', named] }
  }
const CLAIMS = 'code.*P-25|P-mine'
const claim =
  (sql: string): Make =>
  () => ({
    sql: [sql],
    shown: true,
    by: ['claims', new RegExp(CLAIMS)],
  })
const snapshot =
  (columns: string): Make =>
  () => ({
    sql: [`UPDATE {snapshots} SET ${columns} WHERE stream = 'account-2'`],
    shown: true,
    by: ['snapshots', /^account-2 /],
  })

const beside: Readonly<Record<string, Make>> = {
  fingerprint: record(true, `fingerprint = 'another'`),
  'a record’s version': record(true, 'version = version + 1'),
  'a response': record(true, `response = '{"number":999}'`),
  'a record’s position': record(false, 'position = position + 1'),
  'a record’s id': record(false, `id = 'another'`),
  'a record removed': (before, random) => {
    const { position, id } = aCommand(before, random, false)
    const sql = [`DELETE FROM {commands} WHERE id = '${id}'`]
    return { sql, shown: true, by: ['command records', new RegExp(`^${position}\\b.*${id}`)] }
  },
  'a claim’s owner': claim(`UPDATE {claims} SET owner = 'account-x' WHERE value = 'P-25'`),
  'a claim’s value': claim(`UPDATE {claims} SET value = 'P-mine' WHERE value = 'P-25'`),
  'a claim removed': claim(`DELETE FROM {claims} WHERE value = 'P-25'`),
  'a claim inserted': claim(`INSERT INTO {claims} VALUES ('code', 'P-mine', 'account-1')`),
  'a snapshot’s state': snapshot(`state = '{"sum":1000000,"moves":1}'`),
  'a snapshot’s version': snapshot('version = version - 1'),
  'a snapshot ahead': snapshot('version = version + 5'),
}

const onlySqlite: Readonly<Record<string, Make>> = {
  'data that is no JSON': column(() => `data = '{"amount":'`),
  'metadata that is no JSON': column(() => `metadata = 'x'`),
}
const counter =
  (columns: string): Make =>
  () => ({
    sql: [`UPDATE event_store.head SET ${columns}`],
    shown: true,
    by: ['counters', /counter of positions/],
  })
const onlyPostgres: Readonly<Record<string, Make>> = {
  'the counter ahead': counter('position = position + 1'),
  'the counter behind': counter('position = position - 1'),
  // A later one is what refused appends leave.
  'the counter’s time': counter('timestamp = to_timestamp(0)'),
  'the counter removed': () => ({
    sql: ['DELETE FROM event_store.head'],
    shown: true,
    by: ['counters', /counter of positions/],
  }),
  'the end cut off, seen by the counter': ({ events }) => ({
    sql: [`DELETE FROM {events} WHERE position >= ${events.length}`],
    shown: true,
    by: ['counters', /counter of positions/],
  }),
}

// ── looking for it ────────────────────────────────────────────────────────────────────────────

const ON_EVENTS = ['positions and versions', 'seals']
const found = ({ checks }: LogReport, names: readonly string[]) =>
  checks.filter(({ name }) => names.includes(name)).flatMap(({ differences }) => differences)
const firstOf = (report: LogReport, names: readonly string[]): number | undefined =>
  found(report, names)
    .map(({ key }) => Number.parseInt(key, 10))
    .sort((a, b) => a - b)[0]
const lines = (report: LogReport, name: string) =>
  found(report, [name]).map(({ key, live }) => `${key} ${JSON.stringify(live)}`)

function judge(change: Change, { covered, kept, events }: Known, report: LogReport): void {
  const told = JSON.stringify(
    report.checks.filter(({ differing }) => differing > 0),
    null,
    1,
  )
  const { first, shown, by } = change
  if (by !== undefined && (shown || first === undefined))
    ok(
      lines(report, by[0]).some((line) => by[1].test(line)),
      `${by[0]} says nothing of ${by[1]}: ${told}`,
    )
  if (first === undefined) return
  if (shown) equal(firstOf(report, ON_EVENTS), first, `covered to ${covered}: ${told}`)
  // From the last kept seal that still fits: no less is known, and no more.
  const elsewhere = firstOf(report, ['kept seals'])
  const isAdded = first > events.length
  if (first < 1 || isAdded) return
  ok(elsewhere !== undefined, `kept seals say nothing of ${first}: ${told}`)
  const sound = kept.findLast(({ position }) => position < elsewhere)?.position ?? 0
  ok(sound < first || elsewhere === first, `${elsewhere} for ${first}: ${told}`)
}

type Rig = {
  /** The log as it was, with the change made. */
  changed(sql: readonly string[]): Promise<EventLog>
  close(): Promise<void>
}

function suite(
  make: (fill: (log: EventLog) => Promise<void>) => Promise<Rig>,
  rounds: number,
  own: Readonly<Record<string, Make>>,
): void {
  const seed = seedOfRun()
  let rig: Rig
  let known_: Known
  before(async () => {
    rig = await make((log) => fill(log, seeded(seed)))
    const log = await rig.changed([])
    known_ = await known(log)
    await log.close()
    ok(known_.seals.length >= 6 && known_.events.length - known_.covered >= 2)
  })
  after(() => rig.close())

  it('finds nothing where nothing was changed', async () => {
    const log = await rig.changed([])
    const report = await verifyLog(log, { kept: known_.kept, folding })
    await log.close()
    equal(report.checks.length, 7)
    for (const { name, differing, compared, differences } of report.checks) {
      equal(differing, 0, `${name}: ${JSON.stringify(differences)}`)
      ok(compared > 0, name)
    }
    equal(report.sealed_to, known_.covered)
    equal(report.seal.hash, known_.kept.at(-1)!.hash)
  })

  const kinds = { ...ofEvents, ...beside, ...own }
  for (const [name, makeChange] of Object.entries(kinds))
    it(`finds ${name}, ${rounds} times`, async () => {
      for (let round = 0; round < rounds; round++) {
        const random = seeded(hashNumber(`${seed} ${name} ${round}`))
        const change = makeChange(known_, random)
        const log = await rig.changed(change.sql)
        try {
          judge(change, known_, await verifyLog(log, { kept: known_.kept, folding }))
        } catch (error) {
          throw new Error(`seed ${seed}, round ${round}: ${change.sql.join('; ')}`, {
            cause: error,
          })
        } finally {
          await log.close()
        }
      }
    })
}

const hashNumber = (text_: string) => hash('sha256', canonicalize(text_)!, 'buffer').readUInt32LE()

/** Checksums of rows are there against the disk; whoever changes rows takes them away. */
function forget(db: DatabaseSync): void {
  const named = `SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND c.name = 'checksum'`
  for (const { name } of db.prepare(named).all()) db.exec(`UPDATE ${name} SET checksum = NULL`)
}

// ── engines ───────────────────────────────────────────────────────────────────────────────────

describe('a changed log in a file', () => {
  suite(
    async (fillIt) => {
      const folder = mkdtempSync(join(tmpdir(), 'daybook-tampering-'))
      const path = join(folder, 'log.db')
      const log = await openEventLog({ path, mode: 'inline' })
      await fillIt(log)
      await log.close()
      const pristine = readFileSync(path)
      return {
        async changed(sql) {
          for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true })
          writeFileSync(path, pristine)
          const db = new DatabaseSync(path)
          db.exec('DROP TRIGGER IF EXISTS events_stay; DROP TRIGGER IF EXISTS events_remain')
          // Whoever changes a row on purpose takes its checksum away.
          for (const table of ['events', 'commands', 'snapshots'])
            db.exec(`ALTER TABLE ${table} DROP COLUMN checksum`)
          for (const one of sql) db.exec(one.replaceAll(/\{(\w+)\}/g, '$1'))
          forget(db)
          db.close()
          return await openEventLogReadOnly({ path })
        },
        close: async () => rmSync(folder, { recursive: true }),
      }
    },
    ROUNDS * 2,
    onlySqlite,
  )
})

await onPostgres('a changed log on PostgreSQL', (fresh) => {
  suite(
    async (fillIt) => {
      const database = await fresh()
      const first = await openPostgres({ url: database.url })
      await fillIt(first)
      await first.close()
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      const tables = ['log', 'head', 'claims', 'commands', 'snapshots']
      await client.query(`SET synchronous_commit = off; CREATE SCHEMA pristine;
        ALTER TABLE event_store.log DISABLE TRIGGER events_stay;
        ${tables.map((one) => `CREATE TABLE pristine.${one} AS TABLE event_store.${one};`).join('')}`)
      const back = tables.map(
        (one) => `DELETE FROM event_store.${one};
          INSERT INTO event_store.${one} SELECT * FROM pristine.${one};`,
      )
      const named = (sql: string) =>
        sql.replaceAll(/\{(\w+)\}/g, (_, table) =>
          table === 'events' ? 'event_store.log' : `event_store.${table}`,
        )
      return {
        async changed(sql) {
          await client.query(`BEGIN; ${back.join('')} ${sql.map(named).join(';')}; COMMIT`)
          return await openPostgres({ url: database.url })
        },
        async close() {
          await client.end()
          await database.remove()
        },
      }
    },
    ROUNDS,
    onlyPostgres,
  )
})
