// A program that uses all files of a store as a shop does, one round after the other, and says on
// its standard output what it asks for and what it was told. It is there to lose its power, its
// disk or its life. Argument: DiskWork as JSON.
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import type { Table } from '#kernel/projection.ts'
import { sealer } from '#runtime/seals.ts'
import { type Append, type EventLog, OutcomeUnknown, type Verdict } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { openKeyRing } from '#storage/sqlite/key-ring.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { type DiskLine, type DiskPoint, type DiskWork, placesIn } from './disk-lines.ts'
import { machineTick } from './history.ts'
import { type Belief, HOT_STREAMS, learn, randomAppend, wholeLog } from './racing-writers.ts'
import { seeded } from './random.ts'
import { asCommand, noted, write } from './sample-appends.ts'
import { say as sayLine } from './say.ts'

const SEAL_EVERY = 16
const COUNTS: Table = {
  name: 'counts',
  key: 'stream',
  columns: { stream: 'text', events: 'int', last: 'int' },
}

const work = JSON.parse(process.argv[2]!) as DiskWork
const { folder, seed, name, rounds, careless = false, crashAt, pageLimit } = work
const random = seeded(seed)
const say = (line: DiskLine) => sayLine(line)
const paths = placesIn(folder)
const mode = careless ? 'inline' : 'worker'
if (careless || pageLimit !== undefined) patchSqlite()

type Stores = { readonly log: EventLog; readonly keys: KeyRing; readonly reads: ReadModels }
const left = new Map([[crashAt?.point, crashAt?.count ?? 0]])

/** The end, at the count-th time here. */
function point(here: DiskPoint): void {
  const count = left.get(here)
  if (count === undefined) return
  left.set(here, count - 1)
  if (count <= 1) process.kill(process.pid, 'SIGKILL')
}

async function open(): Promise<Stores> {
  const keys = await openKeyRing({ path: paths.keys, mode })
  const log = await openEventLog({ path: paths.log, mode })
  const reads = await openReadModels({ path: paths.views })
  await reads.define([{ name: 'counts', version: 1, table: COUNTS }])
  return { log, keys, reads }
}

async function close({ log, keys, reads }: Stores): Promise<void> {
  await reads.close()
  await log.close()
  await keys.close()
}

let asked = 0
async function ask(log: EventLog, append: Append): Promise<Verdict | null> {
  const ask = append.command?.id ?? `${name}.seal.${asked++}`
  say({ ask, at: machineTick(), append })
  point('before append')
  try {
    const verdict = await log.append(append)
    point('after append')
    say({ told: ask, at: machineTick(), verdict })
    return verdict
  } catch (error) {
    const { name: kind, message } = error as Error
    const known = error instanceof OutcomeUnknown ? 'unknown' : 'absent'
    say({ failed: ask, at: machineTick(), error: kind, message, known })
    // Whatever became of it, reading goes on; others may have appended between the two.
    const { position: head } = await log.head()
    say({ head, readable: (await log.readAll(0, 1_000)).length })
    point('after failure')
    return null
  }
}

/** A key first, then the event that cannot be read without it. */
async function askPersonal({ log, keys }: Stores, command: string): Promise<void> {
  const subject = `person-${command.replaceAll('.', '-')}`
  const key = await keys.make([subject]).catch((error: Error) => {
    say({ keyless: subject, error: error.name, message: error.message })
    return null
  })
  if (key === null) return
  point('after key')
  const digest = createHash('sha256').update(key.get(subject)!).digest('hex')
  const event = noted({ subject, digest })
  await ask(log, { writes: [write(subject, 'none', [event])], command: asCommand(command) })
}

async function fold({ log, reads }: Stores): Promise<void> {
  const from = (await reads.checkpoints()).get('counts') ?? 0
  const events = (await wholeLog(log)).slice(from)
  if (events.length === 0) return
  const names = [...new Set(events.map((event) => `${event.aggregate_type}-${event.aggregate_id}`))]
  const rows = new Map(
    (await reads.load(COUNTS, names)).map((row, i) => [
      names[i]!,
      row ?? { stream: names[i]!, events: 0, last: 0 },
    ]),
  )
  for (const { aggregate_type, aggregate_id, position } of events) {
    const stream = `${aggregate_type}-${aggregate_id}`
    const row = rows.get(stream)!
    rows.set(stream, { stream, events: Number(row.events) + 1, last: position })
  }
  const to = events.at(-1)!.position
  const change = { upserts: [...rows.values()], deletes: [], park: [], unpark: [] }
  point('before fold')
  try {
    await reads.commit([{ projection: 'counts', table: COUNTS, from, to, ...change }])
  } catch (error) {
    const { name: kind, message } = error as Error
    say({ unfolded: to, error: kind, message })
    return
  }
  point('after fold')
  say({ folded: to })
}

/** What somebody's own tool may do beside us, and SQLite itself when its log has grown. */
function checkpoint(): void {
  const how = random.pick(['PASSIVE', 'RESTART', 'TRUNCATE'])
  for (const path of Object.values(paths)) {
    const db = new DatabaseSync(path)
    db.exec(`PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(${how})`)
    db.close()
  }
}

/** What no setting offers: to be careless, to have little room. For the tests of the tests. */
function patchSqlite(): void {
  const { exec, prepare } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    const limit = pageLimit === undefined ? '' : `; PRAGMA max_page_count = ${pageLimit}`
    const swapped = careless ? sql.replace('synchronous = FULL', 'synchronous = NORMAL') : sql
    exec.call(this, `${swapped}${swapped.includes('cache_size = -16') ? limit : ''}`)
  }
  if (careless)
    DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string) {
      return prepare.call(this, sql === 'PRAGMA synchronous' ? 'SELECT 2 AS synchronous' : sql)
    }
}

let stores = await open()
const belief: Belief = new Map()
for (const stream of HOT_STREAMS) belief.set(stream, (await stores.log.readStream(stream)).length)
for (const append of work.first ?? []) await ask(stores.log, append)
for (let round = 0; round < rounds; round++) {
  const { log } = stores
  await Promise.all(
    Array.from({ length: random.int(1, 4) }, async (_, i) => {
      const command = `${name}.${round}.${i}`
      if (random.chance(0.25)) return await askPersonal(stores, command)
      const append = randomAppend(random, belief, command)
      const verdict = await ask(log, append)
      if (verdict !== null) learn(belief, append, verdict)
    }),
  )
  if (round % 3 === 2) await fold(stores)
  if (round % 4 === 3) {
    // A failed seal is only made later; `ask` has said so.
    const sealing = { ...log, append: async (one: Append) => (await ask(log, one)) ?? gaveUp() }
    await sealer(sealing, SEAL_EVERY)
      .sealAll()
      .catch(() => {})
  }
  if (work.checkpoints !== false && round % 5 === 4) checkpoint()
  if (work.reopens !== false && round === Math.floor(rounds / 2)) {
    await close(stores)
    stores = await open()
  }
}
await close(stores).catch((error: Error) => say({ unclosed: error.message }))
say({ done: rounds })

function gaveUp(): never {
  throw new Error('not sealed')
}
