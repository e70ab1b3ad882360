// Pages, whatever their size, sort and cursors: every row exactly once, in one order, also where
// rows tie; and a cursor that is none of ours is refused by name, never a failure.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Row, Table } from '#kernel/projection.ts'
import { seedOfRun } from '#testing/random.ts'
import { engines } from './engines.ts'
import { InvalidQuery, type ReadModels } from './read-models.ts'

const SEED = seedOfRun()
const RUNS = 150

const table: Table = {
  name: 'things',
  key: 'id',
  columns: {
    id: 'text',
    name: { kind: 'text', nullable: true },
    amount: { kind: 'money', nullable: true },
    open: 'bool',
  },
  indexes: [['name'], ['amount']],
}
const text = fc.string({
  unit: fc.constantFrom('a', 'B', 'é', '😀', '%', '_', "'", '\\'),
  maxLength: 3,
})
const row = fc.record({
  name: fc.option(text),
  // Few values, so that rows tie; and the largest there are.
  amount: fc.option(fc.constantFrom(0, 1, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER)),
  open: fc.boolean(),
})
const rowsOf = fc
  .array(row, { minLength: 1, maxLength: 25 })
  .map((rows): Row[] => rows.map((one, i) => ({ id: `r${(i * 7) % 26}`, ...one })))
const sort = fc.uniqueArray(
  fc.record({ column: fc.constantFrom('name', 'amount', 'open', 'id'), descending: fc.boolean() }),
  { maxLength: 3, selector: ({ column }) => column },
)

async function filled(reads: ReadModels, rows: readonly Row[], round: number) {
  const name = `things_${round}`
  const own = { ...table, name }
  await reads.define([{ name, version: 1, table: own }])
  const commit = { projection: name, table: own, from: 0, to: 1, upserts: rows, deletes: [] }
  equal(await reads.commit([{ ...commit, park: [], unpark: [] }]), true)
  return { own, drop: () => reads.drop(name) }
}

async function opened(engine: 'memory' | 'sqlite') {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-pages-'))
  const reads = await (await engines[engine]()).openReadModels({
    path: join(folder, 'views.db'),
  })
  return {
    reads,
    async [Symbol.asyncDispose]() {
      await reads.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Bytes of a cursor, bent as somebody would who knows what it is. */
const bent = fc.record({
  at: fc.nat({ max: 5 }),
  value: fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('\0', 'a\0b', '\ud800', 1e21, -0, 0.5, 2 ** 53, null, true),
  ),
})

for (const engine of ['memory', 'sqlite'] as const) {
  const runs = engine === 'memory' ? RUNS : RUNS / 5

  test(`pages of ${engine} hold every row once and in order (SEED=${SEED})`, async () => {
    await using store = await opened(engine)
    let round = 0
    await fc.assert(
      fc.asyncProperty(rowsOf, sort, fc.integer({ min: 1, max: 30 }), async (rows, by, limit) => {
        const { own, drop } = await filled(store.reads, rows, round++)
        const whole = await store.reads.find(own, { sort: by, limit: 1_000, total: true })
        equal(whole.total, rows.length)
        equal(whole.next_cursor, null)
        const paged: unknown[] = []
        const skipped: unknown[] = []
        let cursor: string | null = null
        for (let page = 0; page <= rows.length; page++) {
          const more: { readonly cursor?: string } = cursor === null ? {} : { cursor }
          const found = await store.reads.find(own, { sort: by, limit, ...more })
          ok(found.items.length <= limit)
          paged.push(...found.items)
          const offset = page * limit
          skipped.push(...(await store.reads.find(own, { sort: by, limit, offset })).items)
          cursor = found.next_cursor
          if (cursor === null) break
        }
        equal(cursor, null, 'the pages come to an end')
        deepEqual(paged, whole.items)
        deepEqual(skipped, whole.items)
        deepEqual(paged.map((one) => (one as Row).id).sort(), rows.map(({ id }) => id).sort())
        await drop()
      }),
      { seed: SEED, numRuns: runs },
    )
  })

  test(`a cursor that is none of ours is refused by ${engine} (SEED=${SEED})`, async () => {
    await using store = await opened(engine)
    const rows = Array.from({ length: 9 }, (_, i) => ({
      id: `r${i}`,
      name: `n${i % 3}`,
      amount: i,
      open: true,
    }))
    const { own } = await filled(store.reads, rows, 0)
    const sorted = { sort: [{ column: 'name' }], limit: 2 }
    const { next_cursor } = await store.reads.find(own, sorted)
    const place = JSON.parse(Buffer.from(next_cursor!, 'base64url').toString()) as unknown[]
    let refused = 0
    const tried = async (cursor: string) => {
      try {
        const { items } = await store.reads.find(own, { ...sorted, cursor })
        ok(items.length <= 2)
      } catch (error) {
        ok(error instanceof InvalidQuery, String(error))
        equal(error.field, 'cursor')
        refused++
      }
    }
    await fc.assert(
      fc.asyncProperty(bent, fc.string(), async ({ at, value }, noise) => {
        const changed = [...place]
        changed[at] = value
        await tried(Buffer.from(JSON.stringify(changed)).toString('base64url'))
        await tried(Buffer.from(JSON.stringify(value) ?? '').toString('base64url'))
        await tried(noise)
        await tried(next_cursor!.slice(0, at) + noise + next_cursor!.slice(at))
      }),
      { seed: SEED, numRuns: runs },
    )
    ok(refused > runs, 'most of them were refused')
  })
}
