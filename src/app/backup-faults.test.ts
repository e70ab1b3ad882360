// Backups that are damaged, cut off, killed in the middle or put where something is: nothing half
// looks whole, nothing is overwritten, and everything can be begun again.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 } from 'uuid'
import { SEALS_STREAM } from '#runtime/seals.ts'
import type { EventLog } from '#storage/event-log.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { FILES, MANIFEST, readManifest, writeBackup } from './backup.ts'
import { openKept } from './backup-jobs.ts'
import { argvOf, buy, configAt, openShop, stockUp, type Where } from './backup-shop-fixture.ts'
import { checkBackup, restoreBackup } from './restore.ts'
import { openLog, openLogBeside, openRows, placesOf } from './stores.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const KILLED_AT = join(import.meta.dirname, '..', 'testing', 'killed-at.ts')
/** `KILLS=20` for a long run. */
const KILLS = Number(process.env.KILLS ?? 1)
const TRIES = 4 * KILLS

type Ended = { readonly code: number | null; readonly said: string }

/** The program; killed when a file has more than so many bytes. */
async function daybook(command: readonly string[], file = '', bytes = -1): Promise<Ended> {
  const killed = file === '' ? [] : [`--import=${KILLED_AT}`]
  const child = spawn(process.execPath, [...killed, MAIN, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, KILLED_AT: file, KILLED_AT_BYTES: String(bytes) },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
  const [code] = await once(child, 'close')
  return { code: code as number | null, said }
}

describe('a backup that something happens to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-faults-'))
  const at = (...names: string[]) => join(folder, ...names)
  const shop: Where = { path: at('shop', 'daybook.db') }
  const good = at('good')
  let number = 0
  const place = (): Where => ({ path: at(`place-${++number}`, 'daybook.db') })
  const restored = async (where: Where, backup: string, keys: string | null = '') => {
    await using opening = new AsyncDisposableStack()
    const stores = await openKept(placesOf(configAt(where)), true, opening)
    return await restoreBackup(stores, backup, {
      keys: keys === '' ? join(backup, FILES.keys) : keys,
    })
  }
  const checked = (backup: string) => checkBackup(backup, { keys: join(backup, FILES.keys) })
  let order = ''

  before(async () => {
    const app = await openShop(shop)
    const product = await stockUp(app)
    for (let i = 0; i < 30; i++) order = (await buy(app, product, `c-${i}`)).order_id
    // The sealer comes when it comes; without a seal nothing could be proved.
    while ((await app.log.readStream(SEALS_STREAM)).length === 0) await sleep(20)
    await app.close()
    equal((await daybook(['backup', good, ...argvOf(shop)])).code, 0)
  })
  after(() => rmSync(folder, { recursive: true }))

  it('is refused with a changed bit, wherever it is, and nothing is put anywhere', async () => {
    const seed = seedOfRun()
    const random = seeded(seed)
    for (const name of readdirSync(good))
      for (let i = 0; i < 25; i++) {
        const bad = at(`bad-${name}-${i}`)
        cpSync(good, bad, { recursive: true })
        const bytes = readFileSync(join(bad, name))
        // The manifest may be laid out otherwise; the rest is what it is to the byte.
        const places = [...bytes.keys()].filter(
          (one) => !/\s/.test(String.fromCharCode(bytes[one]!)),
        )
        const byte = random.pick(places)
        bytes[byte] = bytes[byte]! ^ (1 << random.int(0, 7))
        writeFileSync(join(bad, name), bytes)
        const what = `seed ${seed}: byte ${byte} of ${name}`
        await rejects(checked(bad), { name: 'Damaged' }, what)
        rmSync(bad, { recursive: true })
      }
  })

  it('is refused with a file cut off, missing, or of another backup', async () => {
    for (const name of readdirSync(good)) {
      const bad = at('bad')
      cpSync(good, bad, { recursive: true })
      truncateSync(join(bad, name), readFileSync(join(bad, name)).length - 40)
      await rejects(checked(bad), { name: 'Damaged' }, name)
      rmSync(join(bad, name))
      await rejects(checked(bad), /ENOENT|it has no manifest/, name)
      rmSync(bad, { recursive: true })
    }
    // The command looks through all of it before it makes anything in the new place.
    const bad = at('bad')
    cpSync(good, bad, { recursive: true })
    truncateSync(join(bad, FILES.books), 200)
    const where = place()
    const { code, said } = await daybook(['restore', bad, ...argvOf(where)])
    equal(code, 1)
    match(said, /books\.jsonl: line \d+ is cut off/)
    equal(existsSync((where as { path: string }).path), false)
  })

  it('goes into no place where something is', async () => {
    const before = readFileSync((shop as { path: string }).path)
    const { code, said } = await daybook(['restore', good, ...argvOf(shop)])
    equal(code, 1)
    match(said, /into an empty place/)
    ok(readFileSync((shop as { path: string }).path).equals(before))
    // Tables of another log alone, whose own was moved away.
    const where = place()
    cpSync(
      at('shop', 'daybook-views.db'),
      (where as { path: string }).path.replace('.db', '-views.db'),
      {
        recursive: true,
      },
    )
    match((await daybook(['restore', good, ...argvOf(where)])).said, /tables of another log/)
    // Keys of others.
    const other = place()
    const app = await openShop(other)
    await buy(app, await stockUp(app), 'c-1')
    await app.close()
    for (const name of ['daybook.db', 'daybook-views.db'])
      rmSync((other as { path: string }).path.replace('daybook.db', name))
    await rejects(restored(other, good), /another than the one here/)
  })

  it('comes back with keys from elsewhere, or without, as it is told', async () => {
    const apart = at('apart')
    cpSync(good, apart, { recursive: true })
    renameSync(join(apart, FILES.keys), at('keys-elsewhere'))
    const none = await daybook(['restore', apart, ...argvOf(place())])
    equal(none.code, 1)
    match(none.said, /name their file with --keys, or say --without-keys/)
    const street = async (where: Where) => {
      const app = await openShop(where)
      await app.projected((await app.log.head()).position)
      const answer = await app.ask('GetOrder', { order_id: order })
      await app.close()
      ok(answer.ok)
      return (answer.result as { shipping_address: { street: string } | null }).shipping_address
        ?.street
    }
    const [known, forgotten] = [place(), place()]
    const keys = ['--keys', at('keys-elsewhere')]
    const with_ = await daybook(['restore', apart, ...keys, ...argvOf(known)])
    equal(with_.code, 0, with_.said)
    // Of 30 orders, and the one that commands are known again by.
    match(with_.said, /31 keys\./)
    equal(await street(known), 'Kanalstrasse 7')
    const without = await daybook(['restore', apart, '--without-keys', ...argvOf(forgotten)])
    match(without.said, /everybody in it is forgotten/)
    equal(await street(forgotten), undefined)
    for (const name of [FILES.log, FILES.books, MANIFEST])
      ok(!readFileSync(join(good, name), 'utf8').includes('Kanalstrasse'), name)
  })

  it('tells what was wrong with the log that was saved, and puts back what was', async () => {
    // Somebody changed the log and sealed it anew: the copy is faithful to that.
    await using opening = new AsyncDisposableStack()
    const stores = await openKept(placesOf(configAt(shop)), false, opening)
    const changed: EventLog = {
      ...stores.log,
      readAll: async (after, limit) =>
        (await stores.log.readAll(after, limit)).map((event) =>
          event.position === 20 ? { ...event, data: { mine: 1 } } : event,
        ),
    }
    await writeBackup({ ...stores, log: changed }, at('changed'), { version: 'test' })
    const { code, said } = await daybook(['restore', at('changed'), ...argvOf(place())])
    equal(code, 1)
    match(said, /\n {2}20: is not what was sealed\n(.*\n)*The copy is what was saved/)
  })

  // ── killed ────────────────────────────────────────────────────────────────────────────────

  it(`killed while it is taken (${KILLS} times), it leaves nothing that looks whole`, async (t) => {
    const long = await longShop(at('long', 'daybook.db'))
    const target = at('killed')
    let fired = 0
    for (let i = 0; i < TRIES && fired < KILLS; i++) {
      const file = join(`${target}.partial`, FILES.log)
      const { code } = await daybook(['backup', target, ...argvOf(long)], file)
      if (code === 0) rmSync(target, { recursive: true })
      else {
        fired++
        ok(!existsSync(target), 'it is not there under its name')
        await rejects(readManifest(`${target}.partial`), /not a whole one/)
      }
    }
    equal(fired, KILLS)
    equal((await daybook(['backup', target, ...argvOf(long)])).code, 0)
    deepEqual(readdirSync(target).sort(), [...Object.values(FILES), MANIFEST].sort())
    ok(!existsSync(`${target}.partial`))

    // And while it is put back.
    const where = place()
    const { path } = where as { path: string }
    let unfinished = 0
    for (let i = 0; i < TRIES && unfinished < KILLS; i++) {
      const some = 200_000 * (1 + unfinished)
      const { code } = await daybook(['restore', target, ...argvOf(where)], `${path}-wal`, some)
      if (code === 0) break
      const log = await openLogBeside(placesOf(configAt(where)).log)
      const isPart = await log.isUnfinished()
      await log.close()
      if (!isPart) continue
      unfinished++
      await rejects(openShop(where), /the log is a part/)
      const backup = await daybook(['backup', at('of-a-part'), ...argvOf(where)])
      match(backup.said, /the log is a part/)
    }
    ok(unfinished > 0, 'no restore was killed in its middle')
    const done = await daybook(['restore', target, ...argvOf(where)])
    equal(done.code, 0, done.said)
    t.diagnostic(`${fired} backups and ${unfinished} restores were killed`)
    const again = at('again')
    equal((await daybook(['backup', again, ...argvOf(where)])).code, 0)
    ok(readFileSync(join(again, FILES.log)).equals(readFileSync(join(target, FILES.log))))
  })
})

/** A log long enough to be caught in the middle of. */
async function longShop(path: string): Promise<Where> {
  const where = { path }
  const places = placesOf(configAt(where))
  const { log: stored, views } = places
  await using opening = new AsyncDisposableStack()
  await openKept({ ...places, queries: views }, true, opening)
  const reads = await openRows(views)
  await reads.close()
  await opening.disposeAsync()
  const log = await openLog(stored)
  for (let i = 0; i < 12; i++)
    await Promise.all(
      Array.from({ length: 100 }, (_, j) =>
        log.append({
          writes: [
            {
              stream: `product-${i}-${j}`,
              expected: 'none',
              events: Array.from({ length: 10 }, () => ({
                event_id: v7(),
                event_type: 'Noted',
                event_version: 1,
                data: { text: 'x'.repeat(200) },
                metadata: { source: 'test' },
              })),
            },
          ],
        }),
      ),
    )
  await log.close()
  return where
}

await onPostgres('a restore into PostgreSQL that fails on its way', (fresh) => {
  it('is a part until it was run again to its end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-faults-'))
    const shop: Where = { path: join(folder, 'daybook.db') }
    const backup = join(folder, 'backup')
    const app = await openShop(shop)
    const product = await stockUp(app)
    for (let i = 0; i < 5; i++) await buy(app, product, `c-${i}`)
    await app.close()
    const database = await fresh()
    const where: Where = { url: database.url }
    {
      await using opening = new AsyncDisposableStack()
      const stores = await openKept(placesOf(configAt(shop)), false, opening)
      await writeBackup(stores, backup, { version: 'test' })
    }
    const keys = join(backup, FILES.keys)
    for (const failsAt of [1, 2]) {
      await using opening = new AsyncDisposableStack()
      const stores = await openKept(placesOf(configAt(where)), true, opening)
      let calls = 0
      const log: EventLog = {
        ...stores.log,
        async restore(...given) {
          if (calls++ === failsAt) throw new Error('the power went')
          await stores.log.restore(...given)
        },
      }
      await rejects(restoreBackup({ ...stores, log }, backup, { keys }), /the power went/)
      await rejects(openShop(where), /the log is a part/)
    }
    await using opening = new AsyncDisposableStack()
    const stores = await openKept(placesOf(configAt(where)), true, opening)
    const { checks } = await restoreBackup(stores, backup, { keys })
    for (const { name, differing } of checks) equal(differing, 0, name)
    const copy = await openShop(where)
    await copy.close()
    await rejects(restoreBackup(stores, backup, { keys }), /into an empty place/)
    await opening.disposeAsync()
    await database.remove()
    rmSync(folder, { recursive: true })
  })
})
