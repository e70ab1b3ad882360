// What every engine of leases must hold.
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Leases } from './leases.ts'
import type { Opened } from './opened.ts'

/** Long enough not to end during a test, and one that ends at once: no test waits. */
const LONG_MS = 3_600_000
const OVER_MS = 0

export function leasesContract(name: string, open: () => Promise<Opened<Leases>>): void {
  describe(`Leases: ${name}`, () => {
    let opened: Opened<Leases>
    let leases: Leases
    beforeEach(async () => {
      opened = await open()
      leases = opened.port
    })
    afterEach(async () => {
      await leases.close()
      await opened.remove()
    })

    it('gives a free lease, and nothing to a second holder', async () => {
      const lease = await leases.acquire('sweeper', 'a', LONG_MS)
      deepEqual(lease, { name: 'sweeper', holder: 'a', token: lease?.token })
      equal(await leases.acquire('sweeper', 'b', LONG_MS), null)
    })

    it('prolongs for its holder, who keeps the token', async () => {
      const lease = await leases.acquire('sweeper', 'a', LONG_MS)
      deepEqual(await leases.acquire('sweeper', 'a', LONG_MS), lease)
      equal(await leases.acquire('sweeper', 'b', LONG_MS), null)
    })

    it('lets a short prolongation end early: the last word counts', async () => {
      await leases.acquire('sweeper', 'a', LONG_MS)
      await leases.acquire('sweeper', 'a', OVER_MS)
      notEqual(await leases.acquire('sweeper', 'b', LONG_MS), null)
    })

    it('gives an ended lease to another holder, with a larger token', async () => {
      const first = await leases.acquire('sweeper', 'a', OVER_MS)
      const second = await leases.acquire('sweeper', 'b', LONG_MS)
      ok(second !== null && first !== null && second.token > first.token)
      equal(await leases.acquire('sweeper', 'a', LONG_MS), null)
    })

    it('gives a released lease to the next, with a larger token, also to the same holder', async () => {
      const tokens: number[] = []
      for (const holder of ['a', 'b', 'b', 'a']) {
        const lease = await leases.acquire('sweeper', holder, LONG_MS)
        tokens.push(lease?.token ?? 0)
        await leases.release('sweeper', holder)
      }
      deepEqual(
        tokens,
        [...new Set(tokens)].sort((a, b) => a - b),
      )
    })

    it('ignores a release by anybody but the holder', async () => {
      await leases.acquire('sweeper', 'a', LONG_MS)
      await leases.release('sweeper', 'b')
      await leases.release('unknown', 'b')
      equal(await leases.acquire('sweeper', 'b', LONG_MS), null)
    })

    it('keeps leases of different names apart', async () => {
      await leases.acquire('sweeper', 'a', LONG_MS)
      notEqual(await leases.acquire('relay', 'b', LONG_MS), null)
    })

    it('gives a free lease to exactly one of many who ask at once', async () => {
      const holders = Array.from({ length: 20 }, (_, i) => `holder-${i}`)
      const got = await Promise.all(holders.map((by) => leases.acquire('sweeper', by, LONG_MS)))
      equal(got.filter((lease) => lease !== null).length, 1)
    })

    it('answers each of many that a holder asks for at once as if it were alone', async () => {
      const names = Array.from({ length: 30 }, (_, i) => `work-${i}`)
      const theirs = names.filter((_, i) => i % 3 === 0)
      for (const name of theirs) await leases.acquire(name, 'b', LONG_MS)
      const twice = [...names, ...names]
      const got = await Promise.all(twice.map((name) => leases.acquire(name, 'a', LONG_MS)))
      const held = await leases.held('work-')
      got.forEach((lease, i) => {
        const name = twice[i]!
        const found = held.find((one) => one.name === name)
        equal(found?.holder, theirs.includes(name) ? 'b' : 'a')
        deepEqual(lease, theirs.includes(name) ? null : found)
      })
    })

    it('lists what is held under a prefix, by name: not what ended or was given back', async () => {
      const tokens = new Map<string, number>()
      for (const name of [
        'work-b',
        'work-a',
        'work-Z',
        'work-\u{1f6d2}',
        'work-\uffee',
        'other',
        'wor_-x',
      ])
        tokens.set(name, (await leases.acquire(name, `of ${name}`, LONG_MS))!.token)
      await leases.acquire('work-ended', 'a', OVER_MS)
      await leases.acquire('work-free', 'a', LONG_MS)
      await leases.release('work-free', 'a')
      const named = (names: string[]) =>
        names.map((name) => ({ name, holder: `of ${name}`, token: tokens.get(name) }))
      const work = named(['work-Z', 'work-a', 'work-b', 'work-\uffee', 'work-\u{1f6d2}'])
      deepEqual(await leases.held('work-'), work)
      // No letter stands for others.
      deepEqual(await leases.held('wor_'), named(['wor_-x']))
      deepEqual(await leases.held('%'), [])
      equal((await leases.held('')).length, tokens.size)
      equal((await leases.acquire('work-a', 'b', LONG_MS)) === null, true)
    })

    it('is one for all processes that have it open', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const other = await opened.beside()
      try {
        const first = await leases.acquire('sweeper', 'one', LONG_MS)
        equal(await other.acquire('sweeper', 'two', LONG_MS), null)
        deepEqual(await other.held('sweep'), [first])
        await leases.release('sweeper', 'one')
        const second = await other.acquire('sweeper', 'two', LONG_MS)
        ok(first !== null && second !== null && second.token > first.token)
        equal(await leases.acquire('sweeper', 'one', LONG_MS), null)
      } finally {
        await other.close()
      }
    })

    it('goes to one of those who race for it from several processes, again and again', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const handles = [leases, await opened.beside(), await opened.beside()]
      const tokens: number[] = []
      try {
        for (let round = 0; round < 20; round++) {
          const asked = await Promise.all(
            Array.from({ length: 12 }, (_, i) =>
              handles[i % 3]!.acquire('sweeper', `${round}-${i}`, LONG_MS),
            ),
          )
          const got = asked.filter((lease) => lease !== null)
          equal(got.length, 1)
          tokens.push(got[0]!.token)
          // Half of them end by themselves.
          const { holder } = got[0]!
          if (round % 2 === 0) await handles[round % 3]!.release('sweeper', holder)
          else await handles[round % 3]!.acquire('sweeper', holder, OVER_MS)
        }
      } finally {
        for (const handle of handles.slice(1)) await handle.close()
      }
      ok(
        tokens.every((token, i) => i === 0 || token > tokens[i - 1]!),
        tokens.join(),
      )
    })

    it('outlives the process where the engine says so: token and holder are still there', async (t) => {
      if (opened.reopen === undefined) return t.skip(`${name} keeps nothing`)
      const before = await leases.acquire('sweeper', 'a', LONG_MS)
      await leases.close()
      leases = await opened.reopen()
      equal(await leases.acquire('sweeper', 'b', LONG_MS), null)
      deepEqual(await leases.acquire('sweeper', 'a', LONG_MS), before)
      await leases.release('sweeper', 'a')
      const after = await leases.acquire('sweeper', 'b', LONG_MS)
      ok(after !== null && before !== null && after.token > before.token)
    })
  })
}
