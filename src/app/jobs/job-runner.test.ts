// Jobs that are interrupted at any row, by stores that go away, runners that die, and two runners
// at once: each row has its effect once, and the counts say so.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { catalog } from '#contexts/catalog/catalog.ts'
import { productReadView } from '#contexts/catalog/product-read-view.ts'
import type { Send } from '#kernel/waiting.ts'
import { runApplication } from '#runtime/application.ts'
import type { JobBook } from '#storage/job-book.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openJobBook } from '#storage/memory/job-book.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openLeases } from '#storage/memory/leases.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { emptyRow } from '#testing/row-reader.ts'
import { jobOperations } from './job-operations.ts'
import { type JobRunner, jobRunner, type RunnerParts } from './job-runner.ts'

const ROWS = 1_000

/** A shop that adds stock, and does a command once however often it is sent; the rest is real. */
function counter() {
  const done = new Set<string>()
  let added = 0
  const send: Send = async (type, _, { command_id = '' } = {}) => {
    const replayed = done.has(command_id)
    done.add(command_id)
    if (type === 'AddStock' && !replayed) added++
    return { ok: true, response: {}, position: 1, version: 1, replayed }
  }
  const log: RunnerParts['log'] = {
    claimsOf: async (names) => names.map((name) => ({ ...name, owner: `product-${name.value}` })),
    commandRecord: async () => null,
  }
  return { send, log, added: () => added }
}

async function runnerParts(book: JobBook, more: Partial<RunnerParts>): Promise<RunnerParts> {
  return {
    book,
    ...{ reads: await openReadModels(), leases: null, keepMs: 60_000, tell: () => {} },
    ...{ now: () => new Date().toISOString(), blinder: async () => (_, text) => text },
    rehearsal: () => {
      throw new Error('nothing is rehearsed')
    },
    ...counter(),
    ...more,
  }
}

const runners: JobRunner[] = []
afterEach(async () => {
  // A test that failed would leave them running, and the file would never end.
  for (const runner of runners.splice(0)) await runner.stop()
})
function runnerOver(parts: RunnerParts): JobRunner {
  const runner = jobRunner(parts)
  runners.push(runner)
  return runner
}

async function* file(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('code,quantity\n')
  for (let row = 0; row < ROWS; row++) yield Buffer.from(row % 10 === 9 ? 'X,x\n' : `P${row},1\n`)
}
/** One row in ten is wrong. */
const GOOD = ROWS - ROWS / 10

async function begun(book: JobBook): Promise<string> {
  const now = () => new Date().toISOString()
  const operations = jobOperations({ book, bytesMax: 1e9, now, wake: () => {} })
  const wanted = { kind: 'stock', format: 'csv', mode: 'add', dry_run: false } as const
  return (await operations.startImport({ ...wanted, user_id: null, key: null }, file())).job_id
}
async function untilDone(book: JobBook, jobId: string) {
  for (;;) {
    const job = await book.get(jobId)
    if (job !== null && job.ended_at !== null) return job
    await sleep(2)
  }
}
const counted = { rows: ROWS, created: 0, updated: GOOD, failed: ROWS / 10 }

describe('an import', () => {
  const seed = seedOfRun()
  test(`that is interrupted anywhere brings in each row once (SEED=${seed})`, async () => {
    const random = seeded(seed)
    const book = await openJobBook()
    const shop = counter()
    const jobId = await begun(book)
    let runs = 0
    let job = await book.get(jobId)
    for (; job?.ended_at === null; runs++) {
      // A process that sends no more, whatever it has under way: what it has sent may have arrived.
      let left = random.int(1, 400)
      const send: Send = async (...given) => {
        const arrives = left-- > 0
        const outcome = arrives || random.chance(0.5) ? await shop.send(...given) : null
        if (!arrives || outcome === null) throw new Unavailable('the process has died')
        return outcome
      }
      const runner = runnerOver(await runnerParts(book, { ...shop, send }))
      runner.start()
      while (left > 0 && (await book.get(jobId))?.ended_at === null) await sleep(1)
      await runner.stop()
      job = await book.get(jobId)
    }
    ok(runs > 1, 'it was never interrupted')
    equal(job?.status, 'done')
    const { begun: _, digest: __, attempt, kept, ...counts } = job?.progress ?? {}
    equal(attempt, 0)
    deepEqual(counts, counted)
    equal(shop.added(), GOOD)
    equal((await book.errors(jobId, null, ROWS)).length, kept)
    equal(await book.read(jobId, 0), null, 'its file is forgotten')
  })

  test(`counts what it made as made, also when it had to look twice (SEED=${seed})`, async () => {
    const random = seeded(seed)
    const [log, reads, keys] = [await openEventLog(), await openReadModels(), await openKeyRing()]
    const shop = await runApplication({ contexts: [catalog], log, reads, keys })
    const book = await openJobBook()
    const now = () => new Date().toISOString()
    const operations = jobOperations({ book, bytesMax: 1e9, now, wake: () => {} })
    const text = async function* () {
      yield Buffer.from('code,name,sell_price,department\n')
      for (let row = 0; row < ROWS; row++) yield Buffer.from(`P${row},Cup,1,D${row % 7}\n`)
    }
    const wanted = { kind: 'products', format: 'csv', mode: 'set', dry_run: false } as const
    const { job_id } = await operations.startImport({ ...wanted, user_id: null, key: null }, text())
    let job = await book.get(job_id)
    while (job?.ended_at === null) {
      let left = random.int(100, 500)
      const send: Send = async (...given) => {
        const outcome = left-- > 0 || random.chance(0.5) ? await shop.send(...given) : null
        if (left < 0 || outcome === null) throw new Unavailable('the process has died')
        return outcome
      }
      const runner = runnerOver(await runnerParts(book, { log, send }))
      runner.start()
      while (left > 0 && (await book.get(job_id))?.ended_at === null) await sleep(1)
      await runner.stop()
      job = await book.get(job_id)
    }
    const { rows, created, updated, failed } = job?.progress ?? {}
    deepEqual([rows, created, updated, failed], [ROWS, ROWS, 0, 0])
    await shop.stop()
    for (const store of [keys, reads, log]) await store.close()
  })

  test('that two processes run at once has one effect', async () => {
    const book = await openJobBook()
    const shop = counter()
    const jobId = await begun(book)
    const parts = await runnerParts(book, shop)
    const both = [runnerOver(parts), runnerOver(parts)]
    for (const runner of both) runner.start()
    const job = await untilDone(book, jobId)
    for (const runner of both) await runner.stop()
    equal(job.status, 'done')
    equal(shop.added(), GOOD)
    equal(job.progress.rows, ROWS)
  })

  test('is left to the process that holds its lease', async () => {
    const book = await openJobBook()
    const leases = await openLeases()
    const jobId = await begun(book)
    await leases.acquire(`job-${jobId}`, 'another process', 60_000)
    const runner = runnerOver(await runnerParts(book, { leases }))
    runner.start()
    await sleep(50)
    equal((await book.get(jobId))?.status, 'waiting')
    await leases.release(`job-${jobId}`, 'another process')
    runner.wake()
    equal((await untilDone(book, jobId)).status, 'done')
    await runner.stop()
    deepEqual(await leases.held(''), [])
  })

  test('waits for a store that is away, and says so', async () => {
    const book = await openJobBook()
    const jobId = await begun(book)
    const shop = counter()
    const told: string[] = []
    let away = true
    const send: Send = async (...given) => {
      if (away) throw new Unavailable('the log is away')
      return await shop.send(...given)
    }
    const tell = (line: string) => void told.push(line)
    const runner = runnerOver(await runnerParts(book, { ...shop, send, tell }))
    runner.start()
    while (told.length === 0) await sleep(2)
    const waiting = await book.get(jobId)
    deepEqual([waiting?.ended_at, waiting?.note], [null, 'It waits: Unavailable: the log is away'])
    away = false
    runner.wake()
    const { status, note } = await untilDone(book, jobId)
    deepEqual([status, note], ['done', null])
    await runner.stop()
    equal(shop.added(), GOOD)
  })

  test('goes on behind a row on which the program fails, and names it', async () => {
    const book = await openJobBook()
    const jobId = await begun(book)
    const shop = counter()
    const told: string[] = []
    const send: Send = async (type, input, meta) => {
      if ('product_id' in input && input.product_id === 'P4') throw new TypeError('a bug')
      return await shop.send(type, input, meta)
    }
    const tell = (line: string) => void told.push(line)
    const runner = runnerOver(await runnerParts(book, { ...shop, send, tell }))
    runner.start()
    const job = await untilDone(book, jobId)
    await runner.stop()
    equal(job.status, 'done')
    equal(job.progress.failed, ROWS / 10 + 1)
    deepEqual(told, ['import, line 6: TypeError: a bug'])
    equal((await book.errors(jobId, null, 1))[0]?.line, 6)
  })

  test('that was stopped while nobody ran it is stopped', async () => {
    const book = await openJobBook()
    const jobId = await begun(book)
    const { revision } = (await book.get(jobId))!
    // As a process left it that died while it was told to stop.
    await book.change(jobId, revision, { status: 'stopping', updated_at: new Date().toISOString() })
    const runner = runnerOver(await runnerParts(book, {}))
    runner.start()
    equal((await untilDone(book, jobId)).status, 'stopped')
    await runner.stop()
  })

  test('that is old is forgotten, an upload that never ended too', async () => {
    const book = await openJobBook()
    const created_at = new Date(Date.now() - 120_000).toISOString()
    const what = { kind: 'stock', format: 'csv' }
    await book.create({ job_id: 'a', direction: 'import', status: 'receiving', what, created_at })
    const runner = runnerOver(await runnerParts(book, {}))
    runner.start()
    while ((await book.get('a')) !== null) await sleep(2)
    await runner.stop()
  })
})

describe('an export', () => {
  test('that is interrupted at every page has each row once', async () => {
    const reads = await openReadModels()
    const { name, table } = productReadView
    await reads.define([productReadView])
    const codes = Array.from({ length: 1_700 }, (_, i) => `P${10_000 + i}`)
    const upserts = codes.map((code) => emptyRow(productReadView, { product_id: code, code }))
    const none = { deletes: [], park: [], unpark: [] }
    await reads.commit([{ projection: name, table, from: 0, to: 1, upserts, ...none }])
    const book = await openJobBook()
    const now = () => new Date().toISOString()
    const operations = jobOperations({ book, bytesMax: 1, now, wake: () => {} })
    const begun = await operations.startExport({ ...EXPORT, user_id: null, key: null })
    let pages = 0
    const find: ReadModels['find'] = async (...query) => {
      if (pages++ % 2 === 1) throw new Unavailable('the rows are away')
      return await reads.find(...query)
    }
    let job = await book.get(begun.job_id)
    for (; job?.ended_at === null; job = await book.get(begun.job_id)) {
      const runner = runnerOver(await runnerParts(book, { reads: { find } }))
      const before = pages
      runner.start()
      while (pages < before + 2 && (await book.get(begun.job_id))?.ended_at === null) await sleep(1)
      await runner.stop()
    }
    ok(pages > 5, 'it was never interrupted')
    let text = ''
    for await (const piece of operations.text(begun.job_id)) text += Buffer.from(piece)
    const [head, ...rows] = text.trim().split('\n')
    ok(head?.startsWith('code,'))
    deepEqual(
      rows.map((row) => row.split(',')[0]),
      codes,
    )
    await reads.close()
  })
})

const EXPORT = { kind: 'products', format: 'csv' } as const

test('of two uploads with one key the later one counts, whichever ends first', async () => {
  for (const endsFirst of ['older', 'later'] as const) {
    const book = await openJobBook()
    const now = () => new Date().toISOString()
    const { startImport, text } = jobOperations({ book, bytesMax: 1e6, now, wake: () => {} })
    const wanted = { kind: 'stock', format: 'csv', mode: 'set', dry_run: false } as const
    const gates = { older: Promise.withResolvers<void>(), later: Promise.withResolvers<void>() }
    const upload = (name: 'older' | 'later') => {
      const file = async function* () {
        yield Buffer.from('code,quantity\n')
        await gates[name].promise
        yield Buffer.from(`${name},1\n`)
      }
      const done = startImport({ ...wanted, user_id: null, key: 'k' }, file())
      return done.then(({ job_id }) => job_id).catch(({ name }: Error) => name)
    }
    const older = upload('older')
    while ((await book.list({ limit: 1 })).length === 0) await sleep(1)
    const later = upload('later')
    while ((await book.list({ limit: 1 }))[0]!.revision === 1) await sleep(1)
    gates[endsFirst].resolve()
    await (endsFirst === 'older' ? older : later)
    for (const { resolve } of Object.values(gates)) resolve()
    equal(await older, 'UploadTaken')
    const pieces: Uint8Array[] = []
    for await (const piece of text(await later)) pieces.push(piece)
    equal(Buffer.concat(pieces).toString(), 'code,quantity\nlater,1\n')
  }
})
