// What those who move projections rely on when there are several of them: generations, holds, and
// handles of other processes on the same store.
import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Row, Table } from '#kernel/projection.ts'
import type { Opened } from './opened.ts'
import type { Commit, Definition, ReadModels } from './read-models.ts'

const counters: Table = { name: 'counters', key: 'id', columns: { id: 'text', n: 'int' } }
const others: Table = { name: 'others', key: 'id', columns: { id: 'text', n: 'int' } }
const defined = (table: Table, version = 1): Definition => ({ name: table.name, version, table })
const SHADOW = { ...counters, name: 'counters__rebuild' }

const change = (from: number, to: number, more: Partial<Commit> = {}): Commit => ({
  projection: 'counters',
  table: counters,
  from,
  to,
  upserts: [{ id: 'a', n: to }],
  deletes: [],
  park: [],
  unpark: [],
  ...more,
})
const besideTo = (to: number, upserts: Row[]) =>
  change(0, to, { projection: SHADOW.name, table: SHADOW, upserts })
const LONG_MS = 60_000

export function readModelsRunnersContract(
  name: string,
  open: () => Promise<Opened<ReadModels>>,
): void {
  describe(`ReadModels, for several runners: ${name}`, () => {
    let opened: Opened<ReadModels>
    let reads: ReadModels
    /** Another process, where the engine lets it in; the same handle where it does not. */
    let second: ReadModels
    beforeEach(async () => {
      opened = await open()
      reads = opened.port
      second = (await opened.beside?.()) ?? reads
      await reads.define([defined(counters), defined(others)])
    })
    afterEach(async () => {
      if (second !== reads) await second.close()
      await reads.close()
      await opened.remove()
    })
    const generation = async (from: ReadModels = reads, of = 'counters') =>
      (await from.generations()).get(of)!
    const at = async (of = 'counters') => (await second.checkpoints()).get(of)
    const rows = async (from: ReadModels = second) =>
      (await from.find(counters, { limit: 99 })).items.map(({ id, n }) => `${id}${n}`).join(' ')
    const swapIn = async (to: number, upserts: Row[], by: ReadModels = second) => {
      await by.define([defined(SHADOW, 2)])
      equal(await by.commit([besideTo(to, upserts)]), true)
      return by.swap('counters', SHADOW.name)
    }

    describe('a generation', () => {
      it('stays while the checkpoint moves', async () => {
        const before = await generation()
        equal(await reads.commit([change(0, 1, { generation: before })]), true)
        equal(await second.commit([change(1, 5, { generation: before })]), true)
        equal(await generation(second), before)
        deepEqual([...(await reads.generations()).keys()].sort(), ['counters', 'others'])
      })

      it('is another after a commit that leaves the checkpoint where it is', async () => {
        await reads.commit([change(0, 3)])
        const before = await generation()
        equal(await second.commit([change(3, 3, { upserts: [{ id: 'a', n: 9 }] })]), true)
        notEqual(await generation(), before)
        equal(await reads.commit([change(3, 4, { generation: before })]), false)
        equal(await rows(), 'a9')
        equal(await reads.commit([change(3, 4, { generation: await generation() })]), true)
      })

      it('is another after a swap: who folded for the old table commits nothing', async () => {
        await reads.commit([change(0, 3)])
        const before = await generation()
        equal(await swapIn(3, [{ id: 'new', n: 3 }]), true)
        // What else is asked of the handle meanwhile makes the old rows no better.
        await reads.checkpoints()
        await reads.load(counters, ['a'])
        equal(await reads.commit([change(3, 4, { generation: before })]), false)
        equal(await rows(), 'new3')
        equal(await at(), 3)
        equal(await reads.commit([change(3, 4, { generation: await generation() })]), true)
        equal(await rows(), 'a4 new3')
      })

      it('is another after a drop, and never comes again', async () => {
        const seen = new Set<number>()
        for (let round = 1; round <= 3; round++) {
          const now = await generation()
          ok(!seen.has(now))
          seen.add(now)
          equal(await reads.commit([change(0, round)]), true)
          await second.drop('counters')
          await second.define([defined(counters)])
          equal(await second.commit([change(0, round)]), true)
          equal(await reads.commit([change(round, round + 1, { generation: now })]), false)
          await second.drop('counters')
          await second.define([defined(counters)])
        }
      })

      it('of one projection that is wrong keeps all others of the commit back', async () => {
        const right = await generation(reads, 'others')
        const other = change(0, 1, { projection: 'others', table: others, generation: right })
        const wrong = change(0, 1, { generation: (await generation()) + 1_000 })
        equal(await reads.commit([other, wrong]), false)
        deepEqual([await at('others'), await at('counters')], [0, 0])
      })
    })

    describe('a swap', () => {
      it('is not done when the live one has gone further', async () => {
        await reads.commit([change(0, 7)])
        const before = await generation()
        equal(await swapIn(6, [{ id: 'new', n: 6 }]), false)
        deepEqual([await at(), await rows(), await generation()], [7, 'a7', before])
        equal((await second.checkpoints()).get(SHADOW.name), 6)
        const rest = { ...besideTo(7, []), from: 6 }
        equal(await second.commit([rest]), true)
        equal(await second.swap('counters', SHADOW.name), true)
        equal(await rows(reads), 'new6')
      })

      it('is seen by whoever has asked the old table before', async () => {
        await reads.commit([change(0, 1)])
        for (let round = 2; round <= 4; round++) {
          await rows(reads)
          equal(await swapIn(round, [{ id: 'r', n: round }]), true)
          deepEqual(await reads.load(counters, ['r']), [{ id: 'r', n: round }])
          equal(await rows(reads), `r${round}`)
          deepEqual(await reads.keysOf(counters, { n: round }), ['r'])
          deepEqual(await reads.group(counters, { by: [], sums: ['n'] }), [{ count: 1, n: round }])
        }
      })

      it('to other columns is told to whoever still knows the old ones', async () => {
        await reads.commit([change(0, 1)])
        const before = await generation()
        const wider: Table = { ...counters, columns: { ...counters.columns, more: 'text' } }
        const beside = { ...wider, name: SHADOW.name }
        await second.define([defined(beside, 2)])
        const built = besideTo(1, [{ id: 'a', n: 1, more: 'x' }])
        equal(await second.commit([{ ...built, table: beside }]), true)
        equal(await second.swap('counters', SHADOW.name), true)
        await rejects(reads.load(counters, ['a']), { name: 'TableUnready' })
        await rejects(reads.group(counters, { by: [], sums: [] }), { name: 'TableUnready' })
        equal(await reads.commit([change(1, 2, { generation: before })]), false)
        equal(await reads.commit([change(1, 2)]), false)
        deepEqual(await reads.define([defined(counters)]), ['counters'])
        deepEqual(await reads.load(wider, ['a']), [{ id: 'a', n: 1, more: 'x' }])
      })

      it('does not touch a view that was frozen before', async () => {
        await reads.commit([change(0, 1)])
        equal(await rows(reads), 'a1')
        const view = await reads.frozen()
        equal(await swapIn(2, [{ id: 'new', n: 2 }]), true)
        equal(await rows(reads), 'new2')
        await second.drop('others')
        equal(await rows(view), 'a1')
        equal((await view.checkpoints()).get('counters'), 1)
        deepEqual(await view.load(others, ['x']), [undefined])
        await view.close()
        equal(await rows(reads), 'new2')
      })
    })

    it('gives a view that is frozen later from one that is frozen already', async () => {
      await reads.commit([change(0, 1)])
      const view = await reads.frozen()
      await second.commit([change(1, 2)])
      const again = await view.frozen()
      equal(await rows(view), 'a1')
      ok(['a1', 'a2'].includes(await rows(again)))
      await again.close()
      await view.close()
    })

    describe('a projection that is held', () => {
      it('takes no commit, and no other of the same commit does, until it is let go', async () => {
        await second.hold('counters')
        const other = change(0, 1, { projection: 'others', table: others })
        equal(await reads.commit([change(0, 1)]), false)
        equal(await reads.commit([other, change(0, 1)]), false)
        deepEqual([await at('others'), await at()], [0, 0])
        equal(await reads.commit([other]), true)
        deepEqual([...(await reads.held())], [['counters', true]])
        await second.letGo('counters')
        equal(await reads.commit([change(0, 1)]), true)
        deepEqual([...(await reads.held())], [])
      })

      it('for a time goes on by itself afterwards', async () => {
        for (let forMs = 500; ; forMs *= 3) {
          const begun = performance.now()
          await second.hold('counters', forMs)
          const held = [...(await reads.held())]
          // On a machine that was busy for longer than it is held: once more, for longer.
          const hasEnded = performance.now() - begun >= forMs
          if (!hasEnded) deepEqual(held, [['counters', false]])
          if (await reads.commit([change(0, 0)])) ok(performance.now() - begun >= forMs)
          else break
        }
        while ((await reads.held()).size > 0) await wait(5)
        equal(await reads.commit([change(0, 1)]), true)
      })

      it('again is held for the longer time', async () => {
        await second.hold('counters', LONG_MS)
        await reads.hold('counters', 1)
        await wait(5)
        deepEqual([...(await reads.held())], [['counters', false]])
        await second.hold('counters')
        await reads.hold('counters', LONG_MS)
        deepEqual([...(await reads.held())], [['counters', true]])
        equal(await reads.commit([change(0, 1)]), false)
      })

      it('for ever stays so when what was for a time is let go', async () => {
        await second.hold('counters', LONG_MS)
        await second.hold('others', LONG_MS)
        await reads.hold('counters')
        for (const held of ['counters', 'others', 'nobody']) await reads.letGo(held, 'timed')
        deepEqual([...(await second.held())], [['counters', true]])
        await reads.hold('counters', LONG_MS)
        await reads.letGo('counters')
        deepEqual([...(await second.held())], [])
      })

      it('can be read, swapped and dropped, and stays held', async () => {
        await reads.commit([change(0, 1)])
        await reads.hold('counters')
        equal(await rows(), 'a1')
        equal(await swapIn(2, [{ id: 'new', n: 2 }]), true)
        equal(await rows(), 'new2')
        equal(await reads.commit([change(2, 3)]), false)
        await second.drop('counters')
        await second.define([defined(counters)])
        equal(await reads.commit([change(0, 1)]), false)
        deepEqual([...(await second.held())], [['counters', true]])
      })

      it('may have any name, also one that is not there', async () => {
        await reads.hold("counters__rebuilding'; --", LONG_MS)
        deepEqual([...(await second.held())], [["counters__rebuilding'; --", false]])
        equal(await reads.commit([change(0, 1)]), true)
      })

      it('takes nothing from the moment on in which hold has answered', async () => {
        let position = 0
        let going = true
        const running = (async () => {
          while (going) {
            if (await reads.commit([change(position, position + 1)])) position++
            await turn()
          }
        })()
        for (let round = 0; round < 20; round++) {
          while (position < round * 3) await wait(1)
          await second.hold('counters', LONG_MS)
          const stood = await at()
          await wait(round % 6)
          equal(await at(), stood)
          await second.letGo('counters', 'timed')
        }
        going = false
        await running
        equal(await at(), position)
      })
    })

    describe('several at once', () => {
      it('take every step exactly once between them (traps 1.12)', async () => {
        const steps = 60
        const run = async (by: ReadModels) => {
          for (;;) {
            const position = (await by.checkpoints()).get('counters')!
            if (position >= steps) return
            const [row] = await by.load(counters, ['a'])
            const n = Number(row?.n ?? 0) + 1
            await by.commit([change(position, position + 1, { upserts: [{ id: 'a', n }] })])
            await turn()
          }
        }
        await Promise.all([run(reads), run(second), run(reads)])
        equal(await rows(), `a${steps}`)
      })

      it('of several projections each, in any order, never wait for each other', async () => {
        const steps = 40
        const step = (projection: Table, from: number) =>
          change(from, from + 1, { projection: projection.name, table: projection })
        const run = async (by: ReadModels, tables: readonly Table[]) => {
          for (;;) {
            const checkpoints = await by.checkpoints()
            const behind = tables.filter(({ name }) => checkpoints.get(name)! < steps)
            if (behind.length === 0) return
            await by.commit(behind.map((table) => step(table, checkpoints.get(table.name)!)))
            await turn()
          }
        }
        await Promise.all([run(reads, [counters, others]), run(second, [others, counters])])
        deepEqual([await at('counters'), await at('others')], [steps, steps])
      })

      it('make the same tables once', async () => {
        const tables = Array.from({ length: 6 }, (_, i) => ({ ...counters, name: `made${i}` }))
        const all = tables.map((table) => defined(table))
        const made = await Promise.all(
          [reads, second, reads, second].map((by, i) =>
            by.define(i % 2 === 0 ? all : all.toReversed()),
          ),
        )
        deepEqual(made, [[], [], [], []])
        for (const table of tables) deepEqual(await second.load(table, ['a']), [undefined])
      })
    })

    it('keeps what is held for ever after it was opened again', async (t) => {
      if (opened.reopen === undefined) {
        t.skip('nothing outlives this engine')
        return
      }
      await reads.hold('counters')
      await reads.hold('others', 1)
      await reads.commit([change(0, 0)])
      const before = await generation()
      await reads.close()
      reads = await opened.reopen()
      await wait(2)
      deepEqual([...(await reads.held())], [['counters', true]])
      equal(await reads.commit([change(0, 1)]), false)
      await reads.letGo('counters')
      equal(await reads.commit([change(0, 1, { generation: before })]), true)
    })
  })
}

/** Of the event loop, for everybody: an engine may answer without one. */
const turn = () => new Promise((resolve) => setImmediate(resolve))
