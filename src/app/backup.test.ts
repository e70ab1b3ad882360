// A shop is backed up while buyers order, and put back on the same engine and on the other: the log
// is the same to the byte, tables are the same, and its open orders go on without a second charge.
import { equal, match, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { openBooks } from '#providers/books.ts'
import { compareTables } from '#runtime/compare-tables.ts'
import type { EventLog } from '#storage/event-log.ts'
import { onPostgres, type TestDatabase } from '#testing/postgres-server.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { FILES, type Manifest, writeBackup } from './backup.ts'
import { openKept } from './backup-jobs.ts'
import {
  argvOf,
  assertChargedOnce,
  buy,
  buyers,
  configAt,
  envOf,
  openShop,
  rowsOf,
  settled,
  stockUp,
  type Where,
} from './backup-shop-fixture.ts'
import type { App } from './compose.ts'
import { restoreBackup } from './restore.ts'
import { openLogBeside, placesOf } from './stores.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const BUYERS = 4
const CUTS = 2

/** A command of the program, in a process of its own. */
async function daybook(where: Where, ...command: string[]): Promise<string> {
  const argv = [MAIN, ...command, ...argvOf(where)]
  const env = { ...process.env, ...envOf(where) }
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env })
  return stdout
}

async function restoreAt(where: Where, folder: string) {
  await using opening = new AsyncDisposableStack()
  const stores = await openKept(placesOf(configAt(where)), true, opening)
  return await restoreBackup(stores, folder, { keys: join(folder, FILES.keys) })
}

async function backupAt(
  where: Where,
  folder: string,
  seen: (log: EventLog) => EventLog = (log) => log,
): Promise<Manifest> {
  await using opening = new AsyncDisposableStack()
  const stores = await openKept(placesOf(configAt(where)), false, opening)
  return await writeBackup({ ...stores, log: seen(stores.log) }, folder, { version: 'test' })
}

/** Everything up to here, as text: what is the same to the byte is the same. */
async function textOf(log: EventLog, position: number): Promise<string> {
  const events = await log.readAll(0, position)
  const commands = await log.commandRecords('', 1_000_000)
  const until = commands.filter((one) => one.position <= position)
  return JSON.stringify([events, until], null, 1)
}

async function assertCopy(live: EventLog, where: Where, position: number): Promise<void> {
  const copy = await openLogBeside(placesOf(configAt(where)).log)
  try {
    equal((await copy.head()).position, position)
    const [mine, its] = [await textOf(copy, position), await textOf(live, position)]
    ok(mine === its, 'the restored log is another')
  } finally {
    await copy.close()
  }
}

/** The last event of a random append: a log never ends within one. */
async function lastOfSome(log: EventLog, random: Random, end: number) {
  const events = await log.readAll(random.int(Math.floor(end / 3), end - 100), 100)
  const last = events.find(
    ({ metadata: { command_id } }, i) =>
      command_id !== undefined && events[i + 1]?.metadata.command_id !== command_id,
  )
  return last!
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

function suite(engine: string, fresh: () => Promise<Where>, other: () => Promise<Where>): void {
  const seed = seedOfRun()
  const folder = mkdtempSync(join(tmpdir(), 'daybook-backup-'))
  const at = (name: string) => join(folder, name)
  const text = (backup: string, file: keyof typeof FILES) =>
    readFileSync(join(at(backup), FILES[file]), 'utf8')
  let where: Where
  let app: App
  let product: string
  before(async () => {
    where = await fresh()
    app = await openShop(where)
    product = await stockUp(app)
  })
  after(async () => {
    await app.close()
    rmSync(folder, { recursive: true })
  })

  it('is saved while buyers order, twice, and comes back as far as it was', async (t) => {
    const buying = buyers(app, product, BUYERS, seeded(seed))
    const saved: { readonly name: string; readonly acknowledged: number }[] = []
    while (buying.bought.length < BUYERS) await sleep(10)
    for (const name of ['one', 'two']) {
      const acknowledged = Math.max(0, ...buying.bought.map(({ position }) => position))
      const said = await daybook(where, 'backup', at(name))
      match(said, /Whatever was acknowledged with a position up to \d+ is in it/)
      saved.push({ name, acknowledged })
    }
    const during = buying.bought.length
    await buying.stop()
    ok(during > 2 * BUYERS, `only ${during} orders meanwhile (seed ${seed})`)
    const [usual, slowest] = [median(buying.waits), Math.max(...buying.waits)].map(Math.round)
    t.diagnostic(
      `${engine}: ${during} orders meanwhile, each ${usual} ms, the slowest ${slowest} ms`,
    )
    for (const { name, acknowledged } of saved) {
      const there = await fresh()
      const { manifest, checks } = await restoreAt(there, at(name))
      for (const { name: check, differing } of checks) equal(differing, 0, check)
      ok(manifest.position >= acknowledged && acknowledged > 0, `${name}: ${manifest.position}`)
      await assertCopy(app.log, there, manifest.position)
    }
  })

  it('goes to the other engine and back, and is the same backup then', async () => {
    const [there, back] = [await other(), await fresh()]
    const { manifest } = await restoreAt(there, at('two'))
    await assertCopy(app.log, there, manifest.position)
    await backupAt(there, at('there'))
    await restoreAt(back, at('there'))
    await assertCopy(app.log, back, manifest.position)
    await backupAt(back, at('back'))
    for (const file of ['log', 'books', 'keys'] as const) {
      ok(text('there', file) === text('two', file), `${file} there`)
      ok(text('back', file) === text('two', file), `${file} back`)
    }
  })

  it('has the same tables, row by row', async () => {
    await settled(app)
    const { position, seal } = await backupAt(where, at('quiet'))
    const there = await fresh()
    await restoreAt(there, at('quiet'))
    const copy = await openShop(there)
    try {
      await copy.projected(position)
      const report = await copy.operations.verify()
      equal(report.differences, 0, JSON.stringify(report.checks))
      for (const { table, name } of app.contexts.flatMap(({ projections }) => projections)) {
        const [live, rebuilt] = [app, copy].map(({ reads }) => ({ reads, table }))
        const found = await compareTables(live!, rebuilt!)
        equal(found.differing, 0, `${name}: ${JSON.stringify(found.differences[0])}`)
      }
    } finally {
      await copy.close()
    }
    match(await daybook(there, 'verify', '--seal', seal), /kept seals: 1 compared, ok/)
  })

  it(`goes on wherever it was cut, and charges nobody twice (${CUTS} cuts)`, async (t) => {
    const { position: end } = await app.log.head()
    const random = seeded(seed + 1)
    let resumed = 0
    for (let i = 0; i < CUTS; i++) {
      // The provider knows more than the log then, as one outside would after a disaster.
      const { position: cut, timestamp } = await lastOfSome(app.log, random, end)
      const short = (log: EventLog): EventLog => ({
        ...log,
        head: async () => ({ position: cut, timestamp }),
      })
      const name = `cut-${i}`
      await backupAt(where, at(name), short)
      const there = await fresh()
      await restoreAt(there, at(name))
      await assertCopy(app.log, there, cut)
      const copy = await openShop(there)
      try {
        const { engine: kind, place } = placesOf(configAt(there)).simulator
        const books = await openBooks(kind, place)
        // Open orders there were, and the provider had answered some of them.
        const open = (await rowsOf(copy, 'ListOrders')).filter(({ status }) => status === 'PENDING')
        resumed += open.length
        await settled(copy)
        const orders = await assertChargedOnce(copy, books.payments)
        await buy(copy, product, 'somebody-new')
        await settled(copy)
        equal(await assertChargedOnce(copy, books.payments), orders + 1)
        await books.close()
        const report = await copy.operations.verify()
        equal(report.differences, 0, `cut at ${cut}: ${JSON.stringify(report.checks)}`)
      } finally {
        await copy.close()
      }
    }
    t.diagnostic(`${engine}: cut ${CUTS} times in ${end} events, ${resumed} orders were open`)
  })
}

const folders: string[] = []
const inFiles = async (): Promise<Where> => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-shop-'))
  folders.push(folder)
  return { path: join(folder, 'daybook.db') }
}
after(() => {
  for (const folder of folders) if (existsSync(folder)) rmSync(folder, { recursive: true })
})

await onPostgres('a backup', (fresh) => {
  const databases: TestDatabase[] = []
  const onServer = async (): Promise<Where> => {
    const database = await fresh()
    databases.push(database)
    return { url: database.url }
  }
  after(async () => {
    for (const database of databases) await database.remove()
  })
  describe('of a shop in files', () => suite('SQLite', inFiles, onServer))
  describe('of a shop on PostgreSQL', () => suite('PostgreSQL', onServer, inFiles))
})
