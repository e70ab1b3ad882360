// A backup with PostgreSQL's own tools, taken while the shop is busy and put into another cluster:
// nothing in it may depend on where it was (transaction ids, sequences, times), so that readers go
// on from their checkpoints there, miss nothing, repeat nothing, and new appends follow without a
// gap.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { Projection, Row } from '#kernel/projection.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { absent } from '#testing/absent.ts'
import { type Cluster, startCluster, systemPostgres } from '#testing/postgres-cluster.ts'
import { wholeLog } from '#testing/racing-writers.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { append, asCommand, noted, write } from '#testing/sample-appends.ts'
import { anyEvent, levels, movements, plainFold, record, stockTypes } from '#testing/stock-book.ts'
import { openEventLog } from './event-log.ts'
import { openKeyRing } from './key-ring.ts'
import { openReadModels } from './read-models.ts'

const run = promisify(execFile)
const BEHIND_AT = 100
const stock = levels()

const bin = systemPostgres().find((folder) => existsSync(join(folder, 'pg_dump')))
const name = 'PostgreSQL dump and restore'
if (bin === undefined) absent('postgres', 'no pg_dump in /usr/lib/postgresql/*/bin', name)
else describe(name, () => dumpAndRestore(bin))

type Shop = { readonly log: EventLog; readonly reads: ReadModels; readonly told: string[] }

function dumpAndRestore(bin: string): void {
  const seed = seedOfRun()
  const random = seeded(seed)
  const some = (count: number) => Array.from({ length: count }, () => anyEvent(random))
  const folder = mkdtempSync(join(tmpdir(), 'daybook-dump-'))
  const dump = join(folder, 'dump')
  const claim = { scope: 'code', value: 'P-1', owner: 'note-1' }
  let from: Cluster
  let to: Cluster
  let old: Shop
  let shop: Shop
  let keys: ReadonlyMap<string, Buffer>

  before(async () => {
    ;[from, to] = await Promise.all([startCluster(bin), startCluster(bin)])
    old = await openShop(from.url)
    keys = await makeKeys(from.url)
    await old.log.append({
      writes: [write('note-1', 'none', [noted()])],
      claims: [claim],
      command: asCommand('c-1'),
    })
    await record(old.log, some(400))
    // One reader stands far behind, one is at work.
    await runner(old, [movements]).catchUp(BEHIND_AT)
    const busy = runner(old, [stock])
    await busy.start()
    let dumping = true
    const writing = (async () => {
      while (dumping) await record(old.log, some(5))
    })()
    await run(join(bin, 'pg_dump'), ['--format=custom', `--file=${dump}`, from.url])
    dumping = false
    await writing
    await busy.stop()
    const argv = [
      '--exit-on-error',
      '--single-transaction',
      '--no-owner',
      `--dbname=${to.url}`,
      dump,
    ]
    await run(join(bin, 'pg_restore'), argv)
    shop = await openShop(to.url)
  })
  after(async () => {
    for (const one of [old, shop]) {
      await one?.reads.close()
      await one?.log.close()
    }
    await Promise.all([from, to].map((cluster) => cluster?.stop()))
    rmSync(folder, { recursive: true })
  })

  it(`has the log as it was at one moment, whole (SEED=${seed})`, async () => {
    const [before, restored] = [await wholeLog(old.log), await wholeLog(shop.log)]
    ok(restored.length >= 401 && restored.length <= before.length)
    deepEqual(restored, before.slice(0, restored.length))
    equal((await shop.log.head()).position, restored.length)
    deepEqual(await shop.log.claims(null, 10), [claim])
    deepEqual(await shop.log.commandRecords('', 10), await old.log.commandRecords('', 10))
  })

  it('has the rows of that moment, and readers go on from their checkpoints', async () => {
    const checkpoints = await shop.reads.checkpoints()
    equal(checkpoints.get(movements.name), BEHIND_AT)
    const { position: head } = await shop.log.head()
    ok(checkpoints.get(stock.name)! <= head)
    for (const one of [stock, movements])
      deepEqual(await rowsOf(shop, one), await fold(shop, one, checkpoints.get(one.name)!))

    const going = runner(shop, [stock, movements])
    const begun = new Map<string, number>()
    going.onStored(({ projection, from }) => {
      if (!begun.has(projection)) begun.set(projection, from)
    })
    await going.catchUp()
    for (const [projection, at] of begun) equal(at, checkpoints.get(projection), projection)
    for (const one of [stock, movements])
      deepEqual(await rowsOf(shop, one), await fold(shop, one, head))
    deepEqual(shop.told, [])
  })

  it('takes new appends right behind the old ones, and refuses what it refused before', async () => {
    const { position: head } = await shop.log.head()
    const answers = await Promise.all(
      [1, 2, 3].map((n) => shop.log.append(append(`note-${n + 1}`))),
    )
    deepEqual(
      answers.map((answer) => answer.ok && answer.position).sort(),
      [1, 2, 3].map((n) => head + n),
    )
    const next = await shop.log.append(append('note-1', 1))
    deepEqual(next.ok && [next.position, next.versions], [head + 4, [2]])
    const repeated = await shop.log.append({ ...append('note-9'), command: asCommand('c-1') })
    equal(!repeated.ok && repeated.reason, 'repeated')
    const other = { ...claim, owner: 'note-2' }
    const claimed = await shop.log.append({ ...append('note-2'), claims: [other] })
    equal(!claimed.ok && claimed.reason, 'claimed')
    await record(shop.log, some(50))
    await runner(shop, [stock, movements]).catchUp()
    const end = (await shop.log.head()).position
    for (const one of [stock, movements])
      deepEqual(await rowsOf(shop, one), await fold(shop, one, end))
  })

  it('has the keys of persons, as a dump of the whole database does', async () => {
    const ring = await openKeyRing({ url: to.url })
    deepEqual(await ring.find([...keys.keys()]), keys)
    await ring.close()
  })
}

const openShop = async (url: string): Promise<Shop> => ({
  log: await openEventLog({ url }),
  reads: await openReadModels({ url }),
  told: [],
})

async function makeKeys(url: string): Promise<ReadonlyMap<string, Buffer>> {
  const ring = await openKeyRing({ url })
  const made = await ring.make(['ann', 'bob'])
  await ring.close()
  return made
}

const runner = ({ log, reads, told }: Shop, projections: readonly Projection[]) =>
  projectionRunner({
    log,
    reads,
    projections,
    types: stockTypes,
    open: async (events) => events,
    onError: (error, where) => told.push(`${where}: ${error}`),
  })

async function rowsOf({ reads }: Shop, { table }: Projection): Promise<ReadonlyMap<string, Row>> {
  const { items } = await reads.find(table, { sort: [{ column: table.key }], limit: 100_000 })
  return new Map(items.map((row) => [row[table.key] as string, row]))
}

const fold = async ({ log }: Shop, projection: Projection, upTo: number) =>
  plainFold(projection, (await wholeLog(log)).slice(0, upTo))
