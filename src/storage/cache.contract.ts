// What every engine of the cache must hold: it may forget, it may never answer with something that
// it was told is old, or that somebody else may have been told is old.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Cache, KNOWN_FOR_MS, type Ticket } from './cache.ts'
import type { Opened } from './opened.ts'

const LONG_MS = 3_600_000
const ONE = ['stock@1']
const TWO = ['stock@1', 'products@1']

/**
 * `pass` lets the cache's time go on. A source is known for `knownForMs`, if that is given: tests
 * that are not about that are given more than a slow machine takes.
 */
export type OpenedCache = Opened<Cache> & { readonly pass: (ms: number) => Promise<void> }

export function cacheContract(
  name: string,
  open: (knownForMs?: number) => Promise<OpenedCache>,
): void {
  describe(`Cache: ${name}`, () => {
    let opened: OpenedCache
    let cache: Cache
    beforeEach(async () => {
      await begin(LONG_MS)
    })
    afterEach(async () => {
      await cache.close()
      await opened.remove()
    })

    const begin = async (knownForMs?: number) => {
      opened = await open(knownForMs)
      cache = opened.port
      await at('stock@1', 5)
      await at('products@1', 5)
    }
    const at = (source: string, position: number) => cache.vouch(new Map([[source, position]]))
    const told = (from: number, to: number, ...names: string[]) =>
      cache.tell([{ source: 'stock@1', from, to, names }])
    const ticketFor = async (key: string, sources = ONE): Promise<Ticket> => {
      const { ticket } = await cache.get(key, sources)
      ok(ticket !== null, `no ticket for ${key}`)
      return ticket
    }
    /** Where all sources stand is what was read. */
    const fill = (key: string, ticket: Ticket, value: string, position = 5, ttlMs = LONG_MS) =>
      cache.fill(key, ticket, { value, position, reached: ticket.told }, ttlMs)
    const filled = async (key: string, value: string, sources = ONE) =>
      fill(key, await ticketFor(key, sources), value)
    const freshOf = async (key: string, sources = ONE) => {
      const { kept, fresh } = await cache.get(key, sources)
      return fresh ? kept!.value : null
    }

    describe('answers', () => {
      it('what it was filled with, the position it was read at, its age', async () => {
        await filled('stock:1', '{"text":"ünïcode 🛒\\n"}')
        await opened.pass(20)
        const { kept, fresh } = await cache.get('stock:1', ONE)
        equal(fresh, true)
        equal(kept!.value, '{"text":"ünïcode 🛒\\n"}')
        equal(kept!.position, 5)
        ok(kept!.ageMs >= 19 && kept!.restMs <= LONG_MS - 19, JSON.stringify(kept))
        deepEqual((await cache.get('stock:2', ONE)).kept, null)
      })

      it('also what is empty, and what is large', async () => {
        for (const value of ['', 'null', 'x'.repeat(1_000_000)]) {
          await filled('stock:1', value)
          equal(await freshOf('stock:1'), value)
        }
      })

      it('with the age that the answer had when it was filled', async () => {
        const ticket = await ticketFor('stock:1')
        const answer = { value: 'old', position: 5, reached: [5], ageMs: 60_000 }
        await cache.fill('stock:1', ticket, answer, LONG_MS)
        const { kept } = await cache.get('stock:1', ONE)
        ok(kept!.ageMs >= 60_000 && kept!.ageMs < 120_000, String(kept!.ageMs))
      })

      it('as no longer fresh when the time is over, but still with it', async () => {
        await fill('stock:1', await ticketFor('stock:1'), 'a', 5, 10)
        await opened.pass(11)
        const { kept, fresh, ticket } = await cache.get('stock:1', ONE)
        deepEqual([fresh, kept?.value], [false, 'a'])
        ok(kept!.restMs <= 0)
        await fill('stock:1', ticket!, 'b')
        equal(await freshOf('stock:1'), 'b')
      })

      it('with the newest: an older one does not replace it, one of the same position does', async () => {
        const ticket = await ticketFor('stock:1')
        await fill('stock:1', ticket, 'new', 9)
        await fill('stock:1', ticket, 'old', 8)
        equal(await freshOf('stock:1'), 'new')
        await fill('stock:1', ticket, 'again', 9)
        equal(await freshOf('stock:1'), 'again')
      })
    })

    describe('a change', () => {
      it('drops the answers under its names, and nothing else', async () => {
        for (const key of ['a', 'b', 'b#list', 'c']) await filled(key, key)
        await told(5, 6, 'a', 'b', 'unknown')
        const keys = ['a', 'b', 'b#list', 'c']
        deepEqual(await Promise.all(keys.map((key) => freshOf(key))), [null, null, null, 'c'])
      })

      it('leaves what was kept to those who can ask nobody, and who know that it is old', async () => {
        await filled('a', 'before')
        await told(5, 6, 'a')
        const { kept, fresh } = await cache.get('a', ONE)
        deepEqual([kept?.value, kept?.position, fresh], ['before', 5, false])
      })

      it('makes a ticket worthless that was given before it', async () => {
        const tickets = [await ticketFor('a'), await ticketFor('a#list')] as const
        await told(5, 6, 'a')
        await fill('a', tickets[0], 'raced')
        await fill('a#list', tickets[1], 'raced')
        deepEqual([await freshOf('a'), await freshOf('a#list')], [null, null])
        await filled('a', 'seen')
        await fill('a', tickets[0], 'raced')
        equal(await freshOf('a'), 'seen')
      })

      it('of rows alone, at the same checkpoint, drops as well', async () => {
        await filled('a', 'wrong')
        await filled('c', 'c')
        await told(5, 5, 'a')
        deepEqual([await freshOf('a'), await freshOf('c')], [null, 'c'])
      })

      it('told twice or late drops only what it names', async () => {
        await told(5, 6, 'a')
        await told(6, 7)
        for (const key of ['a', 'c']) await filled(key, key)
        await told(5, 6, 'a')
        await told(6, 7)
        await told(7, 8)
        deepEqual([await freshOf('a'), await freshOf('c')], [null, 'c'])
      })

      it('of one source leaves the chain of another as it is', async () => {
        await filled('a', 'a', TWO)
        await told(5, 6)
        await cache.tell([{ source: 'products@1', from: 5, to: 6, names: [] }])
        equal(await freshOf('a', TWO), 'a')
      })
    })

    describe('a gap in the changes of a source', () => {
      it('drops everything that was made of it, and all tickets', async () => {
        await filled('a', 'a')
        await filled('both', 'both', TWO)
        await cache.fill(
          'other',
          (await cache.get('other', ['products@1'])).ticket!,
          { value: 'other', position: 5, reached: [5] },
          LONG_MS,
        )
        const ticket = await ticketFor('b')
        await told(6, 7)
        deepEqual([await freshOf('a'), await freshOf('both', TWO)], [null, null])
        equal(await freshOf('other', ['products@1']), 'other')
        await fill('b', ticket, 'raced')
        equal(await freshOf('b'), null)
        await filled('b', 'seen')
        equal(await freshOf('b'), 'seen')
      })

      it('also when two tellings overlap', async () => {
        await filled('a', 'a')
        await told(4, 6)
        equal(await freshOf('a'), null)
      })

      it('is seen by who vouches for what was not told, and forgotten then', async () => {
        await filled('a', 'a')
        const ticket = await ticketFor('b')
        await at('stock@1', 6)
        equal(await freshOf('a'), null)
        await fill('b', ticket, 'raced')
        equal(await freshOf('b'), null)
        await filled('a', 'seen')
        await told(6, 7)
        equal(await freshOf('a'), 'seen')
      })

      it('is none where more was told than is vouched for', async () => {
        await told(5, 6)
        await filled('a', 'a')
        deepEqual((await at('stock@1', 5)).get('stock@1'), 6)
        await told(6, 7)
        equal(await freshOf('a'), 'a')
      })
    })

    describe('nothing is kept', () => {
      it('of a source that nobody ever told of', async () => {
        deepEqual(await cache.get('a', ['unheard@1']), { kept: null, fresh: false, ticket: null })
        equal((await cache.get('a', ['stock@1', 'unheard@1'])).ticket, null)
      })

      it('of a source that was neither told nor vouched for in time, until it is', async () => {
        await cache.close()
        await opened.remove()
        await begin()
        await filled('a', 'a')
        await opened.pass(KNOWN_FOR_MS + 50)
        const { kept, fresh, ticket } = await cache.get('a', ONE)
        deepEqual([kept?.value, fresh, ticket], ['a', false, null])
        await at('stock@1', 5)
        ok((await cache.get('a', ONE)).ticket !== null)
      })

      it('after a source was forgotten: not even what a ticket from before brings', async () => {
        await filled('a', 'a')
        const ticket = await ticketFor('b')
        await cache.forget(['stock@1'])
        deepEqual([await freshOf('a'), (await cache.get('b', ONE)).ticket], [null, null])
        await at('stock@1', 5)
        await fill('b', ticket, 'raced')
        deepEqual([await freshOf('a'), await freshOf('b')], [null, null])
      })

      it('that lacks what had been told: read from a copy that is behind', async () => {
        await told(5, 8)
        const ticket = await ticketFor('both', TWO)
        deepEqual(ticket.told, [8, 5])
        const behind = { value: 'behind', position: 5, reached: [7, 5] }
        await cache.fill('both', ticket, behind, LONG_MS)
        equal(await freshOf('both', TWO), null)
        await cache.fill('both', ticket, { ...behind, reached: [8, 5] }, LONG_MS)
        equal(await freshOf('both', TWO), 'behind')
      })
    })

    it('holds under a storm: whoever asks after a change never sees what was before', async () => {
      let row = 0
      let position = 5
      let toldRow = 0
      let hits = 0
      const read = async (pause: boolean) => {
        const before = toldRow
        const { kept, fresh, ticket } = await cache.get('a', ONE)
        if (fresh) {
          hits++
          ok(Number(kept!.value) >= before, `${kept!.value} where ${before} had been told`)
          return
        }
        const [value, reached] = [String(row), [position]]
        if (pause) await new Promise((resolve) => setImmediate(resolve))
        if (ticket !== null)
          await cache.fill('a', ticket, { value, position: reached[0]!, reached }, LONG_MS)
      }
      const write = async () => {
        row++
        const committed = row
        const from = position++
        await new Promise((resolve) => setImmediate(resolve))
        await told(from, from + 1, 'a')
        toldRow = committed
      }
      for (let round = 0; round < 300; round++)
        await Promise.all([
          read(round % 2 === 0),
          ...(round % 3 === 0 ? [write()] : []),
          read(round % 5 === 0),
          read(true),
        ])
      ok(hits > 100, `${hits} hits`)
    })
  })
}
