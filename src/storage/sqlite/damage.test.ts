// Files that a disk gives back changed: a bit, a page, two pages, the tail, all of it; at rest,
// between two runs. Either everything is read as it was, or somebody is told: at the start, by the
// read itself, or by verify. DAMAGES asks for more of them.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { verifyLog } from '#runtime/verify-log.ts'
import type { EventLog } from '#storage/event-log.ts'
import { judgeViews } from '#testing/disk-judge.ts'
import { placesIn } from '#testing/disk-lines.ts'
import { runDiskWriter } from '#testing/disk-run.ts'
import { wholeLog } from '#testing/racing-writers.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { append } from '#testing/sample-appends.ts'
import { problemsOf } from './check-file.ts'
import { openEventLog, openEventLogReadOnly } from './event-log.ts'
import { openKeyRing } from './key-ring.ts'
import { openReadModels } from './read-models.ts'

const DAMAGES = Number(process.env.DAMAGES ?? 240)
const IN_MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const PAGE = 4096
const seed = seedOfRun()

/** What is in a store, as text; null where it cannot be read at all. */
type Content = { readonly events: string; readonly keys: string }
type Outcome = 'same' | 'refused' | 'read refused' | 'verify tells' | 'end cut off' | 'silent'

const damages: Readonly<Record<string, (bytes: Buffer, random: Random) => Buffer>> = {
  'a bit': (bytes, random) => {
    const at = random.int(0, bytes.length - 1)
    bytes[at] = bytes[at]! ^ (1 << random.int(0, 7))
    return bytes
  },
  'a page of zeros': (bytes, random) => {
    const at = random.int(0, Math.floor((bytes.length - 1) / PAGE)) * PAGE
    return bytes.fill(0, at, Math.min(bytes.length, at + PAGE))
  },
  'two pages swapped': (bytes, random) => {
    const pages = Math.floor(bytes.length / PAGE)
    const [a, b] = [random.int(0, pages - 1) * PAGE, random.int(0, pages - 1) * PAGE]
    const kept = Buffer.from(bytes.subarray(a, a + PAGE))
    bytes.copy(bytes, a, b, b + PAGE)
    kept.copy(bytes, b)
    return bytes
  },
  'the tail': (bytes, random) => bytes.subarray(0, random.int(0, bytes.length - 1)),
}

describe(`damaged files (SEED=${seed})`, () => {
  let folder: string
  /** Stopped, all in one file each; and killed, with write-ahead logs. */
  const stores: Record<'stopped' | 'killed', string> = { stopped: '', killed: '' }
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-damage-'))
    const work = { seed, name: 'd', rounds: 60, checkpoints: false, reopens: false }
    for (const kind of ['stopped', 'killed'] as const) {
      stores[kind] = join(folder, kind)
      const crash =
        kind === 'killed' ? { crashAt: { point: 'after fold', count: 18 } as const } : {}
      const run = await runDiskWriter({ ...work, folder: stores[kind], ...crash })
      equal(run.signal, kind === 'killed' ? 'SIGKILL' : null, run.err)
    }
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const kind of ['stopped', 'killed'] as const)
    it(`of a store that was ${kind}: nothing changed is served in silence`, async (t) => {
      const random = seeded(seed)
      const original = await contentOf(stores[kind])
      const files: readonly string[] = Object.values(placesIn(stores[kind])).flatMap((path) =>
        [path, `${path}-wal`].filter((file) => existsSync(file) && readFileSync(file).length > 0),
      )
      equal(files.length, kind === 'killed' ? 6 : 3)
      const counts: Record<string, number> = {}
      const silent: string[] = []
      for (let i = 0; i < DAMAGES / 2; i++) {
        const file: string = files[i % files.length]!
        const what = random.pick(['a bit', 'a bit', 'a bit', ...Object.keys(damages)])
        const copy = mkdtempSync(join(IN_MEMORY, 'daybook-damaged-'))
        try {
          cpSync(stores[kind], copy, { recursive: true })
          const target: string = join(copy, file.slice(stores[kind].length))
          writeFileSync(target, damages[what]!(readFileSync(target), random))
          const { outcome, told } = await judged(copy, original, file)
          const name = `${basename(file)}: ${outcome}`
          counts[name] = (counts[name] ?? 0) + 1
          if (outcome === 'silent') silent.push(`${i}: ${what} in ${basename(file)}`)
          if (outcome === 'refused')
            match(told, new RegExp(`${copy}\\S*\\.db`), 'a refusal names the file')
        } finally {
          rmSync(copy, { recursive: true })
        }
      }
      t.diagnostic(JSON.stringify(counts))
      deepEqual(silent, [])
      ok(Object.keys(counts).some((name) => !name.endsWith('same')))
    })

  it('what is no database, empty, or somebody else’s, is told by name', async () => {
    const path = join(folder, 'other.db')
    writeFileSync(path, 'this is no database, but it is long enough for one '.repeat(50))
    await rejects(openEventLog({ path }), /other\.db is not a database.*put back a backup/)
    await rejects(openKeyRing({ path }), /other\.db is not a database/)
    await rejects(openReadModels({ path }), /other\.db is not a database/)
    rmSync(path)
    const foreign = new DatabaseSync(path)
    foreign.exec('CREATE TABLE invoices (id INTEGER PRIMARY KEY)')
    foreign.close()
    await rejects(openEventLog({ path }), /other\.db is the database of another program/)
    await rejects(openKeyRing({ path }), /other\.db is the database of another program/)
    await rejects(openReadModels({ path }), /other\.db is the database of another program/)
    equal(problemsOf(path).length, 0)
    // An empty file is what SQLite begins with.
    writeFileSync(path, '')
    await (await openEventLog({ path })).close()
  })

  it('a file of before there were checksums is taken on, and has them from then on', async () => {
    const path = join(folder, 'before.db')
    const first = await openEventLog({ path })
    await first.append(append('note-1'))
    await first.close()
    const db = new DatabaseSync(path)
    for (const table of ['events', 'commands', 'snapshots'])
      db.exec(`ALTER TABLE ${table} DROP COLUMN checksum`)
    db.exec('PRAGMA user_version = 1')
    db.close()
    const log = await openEventLog({ path })
    await log.append(append('note-1'))
    equal((await wholeLog(log)).length, 2)
    await log.close()
    const again = new DatabaseSync(path)
    again.exec(`DROP TRIGGER events_stay; UPDATE events SET event_type = 'Other'`)
    again.close()
    const damaged = await openEventLogReadOnly({ path })
    equal((await damaged.readAll(0, 1)).length, 1)
    await rejects(damaged.readAll(1, 1), /before\.db is damaged: the event at position 2/)
    await rejects(damaged.readStream('note-1'), { name: 'LogDamaged' })
    await damaged.close()
  })
})

async function contentOf(store: string): Promise<Content> {
  const { log: path, keys: keyPath } = placesIn(store)
  const copy = mkdtempSync(join(IN_MEMORY, 'daybook-content-'))
  try {
    cpSync(join(path, '..'), copy, { recursive: true })
    const log = await openEventLog({ path: join(copy, basename(path)), mode: 'inline' })
    const events = await eventsOf(log)
    await log.close()
    return { events, keys: await keysOf(join(copy, basename(keyPath))) }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

const eventsOf = async (log: EventLog) => {
  const events = await wholeLog(log)
  const streams = new Set(events.map((event) => `${event.aggregate_type}-${event.aggregate_id}`))
  for (const stream of streams) await log.readStream(stream)
  const records = await Promise.all(
    (await log.commandRecords('', 1_000)).map(({ id }) => log.commandRecord(id)),
  )
  return [...events, ...records, ...(await log.claims(null, 1_000))]
    .map((one) => JSON.stringify(one))
    .join('\n')
}

async function keysOf(path: string): Promise<string> {
  const ring = await openKeyRing({ path, mode: 'inline' })
  try {
    const keys = await ring.page('', 10_000)
    await ring.find([...keys.keys()])
    return JSON.stringify([...keys].map(([subject, key]) => [subject, key!.toString('hex')]))
  } finally {
    await ring.close()
  }
}

/** Opens it as a start does, reads it all, then asks verify. */
async function judged(
  store: string,
  original: Content,
  file: string,
): Promise<{ readonly outcome: Outcome; readonly told: string }> {
  const { log: path, keys, views } = placesIn(store)
  const is = (outcome: Outcome, told: unknown = '') => ({ outcome, told: String(told) })
  let log: EventLog
  try {
    await (await openKeyRing({ path: keys, mode: 'inline' })).close()
    log = await openEventLog({ path, mode: 'inline' })
    await (await openReadModels({ path: views })).close()
  } catch (error) {
    return is('refused', error)
  }
  try {
    // Reading on in a damaged tree may take for ever; verify looks at the trees first.
    const own = [path, keys, views].flatMap(problemsOf)
    if (own.length > 0) return is('verify tells', own)
    const found: Content | unknown = await Promise.all([eventsOf(log), keysOf(keys)]).then(
      ([events, ring]) => ({ events, keys: ring }),
      (error) => error,
    )
    const rows = await judgeViews(views, log).catch((error) => [String(error)])
    const checks = await verifyLog(log).then(
      (report) => report.checks,
      (error) => [{ name: 'verify fails', differences: [String(error)] }],
    )
    const told = [
      ...rows,
      ...checks.flatMap(({ name, differences }) =>
        differences.map((one) => `${name}: ${JSON.stringify(one)}`),
      ),
    ]
    if (found instanceof Error) return is(told.length > 0 ? 'read refused' : 'silent', found)
    const { events, keys: ring } = found as Content
    if (events === original.events && ring === original.keys)
      return is(told.length > 0 ? 'verify tells' : 'same', told)
    if (told.length > 0) return is('verify tells', told)
    // As after a crash, before the last commit: nothing in the file says that there was more.
    const isCut =
      original.events.startsWith(events) &&
      (JSON.parse(ring) as string[]).every((key) => original.keys.includes(JSON.stringify(key)))
    return is(isCut && file.endsWith('-wal') ? 'end cut off' : 'silent')
  } finally {
    await log.close()
  }
}
