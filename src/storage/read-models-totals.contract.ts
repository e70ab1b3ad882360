// Totals beside their rows: whatever is put and removed, a table that keeps them answers as one
// that has to go through its rows.
import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Group, Row, Table } from '#kernel/projection.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { isKept } from './kept-totals.ts'
import type { Opened } from './opened.ts'
import type { Commit, Definition, ReadModels } from './read-models.ts'
import { shapeOf } from './table-shape.ts'

const plain: Table = {
  name: 'plain',
  key: 'id',
  columns: {
    id: 'text',
    place: { kind: 'text', nullable: true },
    low: 'bool',
    since: { kind: 'instant', nullable: true },
    worth: { kind: 'money', nullable: true },
    pieces: 'quantity',
  },
}
const keeping: Table = {
  ...plain,
  name: 'keeping',
  totals: { by: ['place', 'low', 'since'], sums: ['worth', 'pieces'] },
}
const defined = (table: Table, name = table.name): Definition => ({ name, version: 1, table })
const MAX = Number.MAX_SAFE_INTEGER

export function readModelsTotalsContract(
  name: string,
  open: () => Promise<Opened<ReadModels>>,
): void {
  describe(`ReadModels, totals: ${name}`, () => {
    let opened: Opened<ReadModels>
    let reads: ReadModels
    beforeEach(async () => {
      opened = await open()
      reads = opened.port
      await reads.define([defined(plain), defined(keeping)])
    })
    afterEach(async () => {
      await reads.close()
      await opened.remove()
    })

    let at: number
    beforeEach(() => {
      at = 0
    })
    const changeOf = (
      table: Table,
      upserts: readonly Row[],
      deletes: readonly string[],
    ): Commit => ({
      ...{ projection: table.name, table, from: at, to: at + 1, upserts, deletes },
      ...{ park: [], unpark: [] },
    })
    const change = async (upserts: readonly Row[], deletes: readonly string[] = []) => {
      const both = [plain, keeping].map((table) => changeOf(table, upserts, deletes))
      equal(await reads.commit(both), true)
      at++
    }
    const row = (id: string, worth: number | null, more: Row = {}): Row => ({
      ...{ id, place: 'north', low: false, since: null, worth, pieces: 1, ...more },
    })
    const groups = (query: Group, table = keeping) => reads.group(table, query)
    const worth = async () => (await groups({ by: [], sums: ['worth'] }))[0]

    it('are asked where they can answer, and only there', () => {
      const asked = (query: Group) => isKept(shapeOf(keeping), query)
      equal(asked({ by: ['place'], sums: ['worth'] }), true)
      equal(asked({ by: [], sums: [], where: { or: [{ low: true }, { place: null }] } }), true)
      equal(asked({ by: [{ column: 'since', length: 7 }], sums: [] }), true)
      equal(asked({ by: ['id'], sums: [] }), false)
      equal(asked({ by: ['place'], sums: [], where: { not: { worth: 1 } } }), false)
      const fewer = { ...keeping, totals: { by: ['place'], sums: ['pieces'] } }
      equal(isKept(shapeOf(fewer), { by: ['place'], sums: ['worth'] }), false)
      equal(isKept(shapeOf(plain), { by: ['place'], sums: ['worth'] }), false)
    })

    it('say the same as the rows, after any changes', async (t) => {
      const seed = seedOfRun()
      t.diagnostic(`SEED=${seed}`)
      const random = seeded(seed)
      const check = async () => {
        for (let i = 0; i < 6; i++) {
          const query = anyQuestion(random)
          const said = JSON.stringify(query)
          deepEqual(await groups(query), await groups(query, plain), said)
        }
      }
      await check()
      for (let round = 0; round < 25; round++) {
        const upserts = Array.from({ length: random.int(0, 6) }, () => anyRow(random))
        const deletes = Array.from({ length: random.int(0, 4) }, () => anyId(random))
        await change(upserts, deletes)
        await check()
      }
      await change([], IDS)
      deepEqual(await groups({ by: ['place'], sums: ['worth'] }), [])
      deepEqual(await worth(), { count: 0, worth: 0 })
    })

    it('are those of a row that is given twice, or removed and put, once', async () => {
      await change([row('a', 5), row('b', 7)])
      await change([row('a', 1), row('a', 2)], ['a', 'b', 'b', 'none'])
      deepEqual(await worth(), { count: 1, worth: 2 })
    })

    it('stay as they were where a commit comes to nothing', async () => {
      await change([row('a', 5)])
      equal(await reads.commit([{ ...changeOf(keeping, [row('b', 7)], []), from: 99 }]), false)
      const bad = [changeOf(keeping, [row('c', 1), row('d', 0.5)], ['a'])]
      await rejects(reads.commit(bad), { name: 'RowsRefused' })
      deepEqual(await worth(), { count: 1, worth: 5 })
    })

    it('are refused beyond 2^53 - 1, as sums of rows are, and exact when it is less again', async () => {
      const many = Array.from({ length: 1_100 }, (_, i) => row(`r${i}`, i % 2 === 0 ? MAX : -MAX))
      const huge = many.map((one) => ({ ...one, worth: MAX }))
      await change(huge)
      await rejects(groups({ by: [], sums: ['worth'] }), RangeError)
      await rejects(groups({ by: [], sums: ['worth'] }, plain), RangeError)
      deepEqual(await groups({ by: ['place'], sums: [] }), [{ place: 'north', count: 1_100 }])
      await change(many)
      deepEqual(await worth(), { count: 1_100, worth: 0 })
      await change([row('r0', -3)])
      await rejects(worth(), RangeError)
      await change([], ['r1'])
      deepEqual(await worth(), { count: 1_099, worth: -3 })
    })

    it('belong to the table beside the live one, and go with a swap or a drop', async () => {
      await change([row('a', 5), row('b', 7)])
      const table = { ...keeping, name: 'keeping__rebuild' }
      for (let round = 0; round < 3; round++) {
        await reads.define([defined(table)])
        const put = { ...changeOf(table, [row('a', round)], []), from: 0, to: at }
        equal(await reads.commit([put]), true)
        deepEqual(await groups({ by: [], sums: ['worth'] }, table), [{ count: 1, worth: round }])
        deepEqual(await worth(), { count: 2, worth: round === 0 ? 12 : round + 1 })
        equal(await reads.swap('keeping', 'keeping__rebuild'), true)
        deepEqual(await worth(), { count: 1, worth: round })
        equal(await reads.commit([changeOf(keeping, [row('b', 2)], [])]), true)
        at++
        deepEqual(await worth(), { count: 2, worth: round + 2 })
      }
      await reads.drop('keeping')
      await rejects(worth(), { name: 'TableUnready' })
      await reads.define([defined(keeping)])
      deepEqual(await worth(), { count: 0, worth: 0 })
    })

    it('are of the same moment as the rows in a frozen view', async () => {
      await change([row('a', 5)])
      const view = await reads.frozen()
      await change([row('a', 6), row('b', 1)])
      deepEqual(await view.group(keeping, { by: [], sums: ['worth'] }), [{ count: 1, worth: 5 }])
      await view.close()
      deepEqual(await worth(), { count: 2, worth: 7 })
    })

    it('are rebuilt where a table keeps others than before', async () => {
      const others = { ...keeping, totals: { by: ['low'], sums: ['pieces'] } }
      deepEqual(await reads.define([defined(others)]), ['keeping'])
      await rejects(reads.group(others, { by: ['low'], sums: [] }), { name: 'TableUnready' })
    })

    it('are told of columns that can be grouped by and summed', () => {
      const bad = [
        { by: [], sums: [] },
        { by: ['none'], sums: [] },
        { by: ['place'], sums: ['place'] },
        { by: ['place'], sums: ['low'] },
        { by: ['name'], sums: [] },
        { by: ['place'], sums: ['pay'] },
      ]
      const own = {
        name: { kind: 'text', personal: true },
        pay: { kind: 'money', personal: true },
      } as const
      const columns = { ...plain.columns, ...own }
      for (const totals of bad) {
        const table = { ...keeping, columns, totals }
        throws(() => shapeOf(table), /keeps totals/, JSON.stringify(totals))
      }
    })
  })
}

// ── made up ───────────────────────────────────────────────────────────────────────────────────

const IDS = Array.from({ length: 12 }, (_, i) => `id-${i}`)
const anyId = ({ pick }: Random) => pick(IDS)
const PLACES = [null, '', 'north', 'Ä', "it's"]
const SINCE = [null, '2010-12-01T08:26:00.000Z', '2011-01-31T23:59:59.999Z']

const anyRow = (random: Random): Row => ({
  id: anyId(random),
  place: random.pick(PLACES),
  low: random.chance(0.5),
  since: random.pick(SINCE),
  worth: random.pick([null, 0, 1, -1, 2 ** 32, -(2 ** 32) - 1, random.int(-1_000, 1_000), 2 ** 49]),
  pieces: random.int(-3, 3),
})

function anyQuestion(random: Random): Group {
  const columns = ['place', 'low', 'since', { column: 'since', length: 7 }] as const
  const names = new Set<string>()
  const by = random.shuffled([...columns]).filter((part) => {
    const column = typeof part === 'string' ? part : part.column
    if (names.has(column) || random.chance(0.5)) return false
    names.add(column)
    return true
  })
  const sums = ['worth', 'pieces'].filter(() => random.chance(0.5))
  const where = random.pick([
    {},
    { low: true },
    { place: { in: ['north', null] } },
    { or: [{ place: { gte: 'n' } }, { since: null }] },
    { not: { since: { gt: '2010-12-31T00:00:00.000Z' } } },
  ])
  return { by, sums, where }
}
