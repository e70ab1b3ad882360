// What every engine of a key ring must hold.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { KEY_BYTES, type KeyRing } from './key-ring.ts'
import type { Opened } from './opened.ts'

export function keyRingContract(name: string, open: () => Promise<Opened<KeyRing>>): void {
  describe(`KeyRing: ${name}`, () => {
    let opened: Opened<KeyRing>
    let keys: KeyRing
    beforeEach(async () => {
      opened = await open()
      keys = opened.port
    })
    afterEach(async () => {
      await keys.close()
      await opened.remove()
    })

    it('makes one key per subject, of full length, no two alike', async () => {
      const made = await keys.make(['ann', 'bob', 'Ann', 'bób', 'ann'])
      deepEqual([...made.keys()].sort(), ['Ann', 'ann', 'bob', 'bób'])
      for (const key of made.values()) equal(key.length, KEY_BYTES)
      equal(new Set([...made.values()].map((key) => key.toString('hex'))).size, 4)
    })

    it('gives the same key whenever it is asked again', async () => {
      const made = await keys.make(['ann'])
      deepEqual(await keys.make(['ann']), made)
      deepEqual(await keys.find(['ann']), made)
      // Also where another one has to be made beside it.
      const both = await keys.make(['ann', 'bob'])
      deepEqual(both.get('ann'), made.get('ann'))
      deepEqual(await keys.find(['ann', 'bob']), both)
    })

    it('gives callers of the same moment the same key', async () => {
      const all = await Promise.all(
        Array.from({ length: 50 }, (_, i) => keys.make(['ann', `other-${i % 7}`])),
      )
      const seen = all.flatMap((made) =>
        [...made].map(([who, key]) => `${who} ${key.toString('hex')}`),
      )
      equal(new Set(seen).size, 8)
      deepEqual(
        new Set(
          [...(await keys.find(['ann']))].map(([who, key]) => `${who} ${key.toString('hex')}`),
        ),
        new Set(seen.filter((text) => text.startsWith('ann '))),
      )
    })

    it('finds without making', async () => {
      deepEqual(await keys.find(['nobody']), new Map())
      await keys.make(['ann'])
      deepEqual([...(await keys.find(['nobody', 'ann'])).keys()], ['ann'])
      deepEqual(await keys.make([]), new Map())
    })

    it('destroys one key for ever: none is made in its place', async () => {
      const before = await keys.make(['ann', 'bob'])
      await keys.destroy('ann')
      const left = new Map([['bob', before.get('bob')]])
      deepEqual(await keys.find(['ann', 'bob']), left)
      deepEqual(await keys.make(['ann']), new Map())
      deepEqual(await keys.make(['ann', 'bob']), left)
      deepEqual([...(await keys.make(['ann', 'carl'])).keys()], ['carl'])
      deepEqual(await keys.find(['ann']), new Map())
    })

    it('tells whose key was destroyed from whose was never there', async () => {
      deepEqual(await keys.destroyed(['ann', 'bob']), new Set())
      await keys.make(['ann', 'bob'])
      await keys.destroy('ann')
      // Before there was one, too.
      await keys.destroy('carl')
      deepEqual(await keys.destroyed(['ann', 'bob', 'carl', 'dora']), new Set(['ann', 'carl']))
      deepEqual(await keys.make(['carl']), new Map())
      deepEqual(await keys.destroyed([]), new Set())
    })

    it('leaves no key behind, whoever makes one while it is destroyed', async () => {
      for (let round = 0; round < 20; round++) {
        const subject = `ann-${round}`
        if (round % 2 === 0) await keys.make([subject])
        const all = [keys.make([subject]), keys.destroy(subject), keys.make([subject])]
        await Promise.all(all)
        deepEqual(await keys.find([subject]), new Map())
        deepEqual(await keys.destroyed([subject]), new Set([subject]))
      }
    })

    it('takes the destruction of an unknown or destroyed subject', async () => {
      await keys.destroy('nobody')
      await keys.make(['ann'])
      await keys.destroy('ann')
      await keys.destroy('ann')
      deepEqual(await keys.find(['ann']), new Map())
    })

    it('gives all its keys by subject, page by page', async () => {
      deepEqual(await keys.page('', 10), new Map())
      const made = await keys.make(['b', 'ä', 'a', 'B', 'ab'])
      const first = await keys.page('', 3)
      const rest = await keys.page([...first.keys()].at(-1)!, 3)
      deepEqual([...first.keys(), ...rest.keys()], ['B', 'a', 'ab', 'b', 'ä'])
      deepEqual(
        new Map([...first, ...rest]),
        new Map([...first, ...rest].map(([subject]) => [subject, made.get(subject)!])),
      )
    })

    it('takes keys of a backup back, once or again, and none in the place of another', async () => {
      const given = new Map([
        ['ann', Buffer.alloc(KEY_BYTES, 1)],
        ['bob', Buffer.alloc(KEY_BYTES, 2)],
      ])
      await keys.restore(given)
      await keys.restore(given)
      deepEqual(await keys.find(['ann', 'bob']), given)
      deepEqual(await keys.make(['ann']), new Map([['ann', given.get('ann')]]))
      const other = new Map([
        ['carl', Buffer.alloc(KEY_BYTES, 3)],
        ['bob', Buffer.alloc(KEY_BYTES, 4)],
      ])
      await rejects(keys.restore(other), /another than the one here/)
      deepEqual(await keys.find(['ann', 'bob', 'carl']), given)
    })

    it('gives and takes what was destroyed with a backup', async () => {
      await keys.make(['bob', 'dora'])
      await keys.destroy('bob')
      const page = await keys.page('', 10)
      deepEqual([...page.keys()], ['bob', 'dora'])
      equal(page.get('bob'), null)
      // Destroyed in the backup is destroyed here, whatever was here; twice is once.
      const gone = new Map([
        ['ann', null],
        ['dora', null],
        ['bob', null],
      ])
      await keys.restore(gone)
      await keys.restore(gone)
      deepEqual(await keys.destroyed(['ann', 'bob', 'dora']), new Set(['ann', 'bob', 'dora']))
      deepEqual(await keys.find(['ann', 'bob', 'dora']), new Map())
      // An older backup does not bring back whoever was forgotten since.
      await rejects(keys.restore(page), /another than the one here/)
      deepEqual(await keys.find(['dora']), new Map())
    })

    it('is not changed by whoever changes a key it gave', async () => {
      const made = await keys.make(['ann'])
      const text = made.get('ann')!.toString('hex')
      made.get('ann')!.fill(0)
      equal((await keys.find(['ann'])).get('ann')!.toString('hex'), text)
      const [one, two] = await Promise.all([keys.make(['ann', 'eve']), keys.make(['ann', 'eve'])])
      for (const key of one.values()) key.fill(0)
      equal(two.get('ann')!.toString('hex'), text)
      deepEqual(await keys.find(['ann', 'eve']), two)
    })

    it('makes every key that it was asked for before it was closed', async (t) => {
      const asked = Array.from({ length: 30 }, (_, i) => keys.make([`subject-${i}`]))
      await keys.close()
      const made = new Map((await Promise.all(asked)).flatMap((found) => [...found]))
      equal(made.size, 30)
      if (opened.reopen === undefined) return t.skip(`${name} keeps nothing`)
      keys = await opened.reopen()
      deepEqual(await keys.find([...made.keys()]), made)
    })

    it('makes one key for a subject, whichever processes ask for it at once', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const rings = [keys, await opened.beside(), await opened.beside()]
      try {
        for (let round = 0; round < 10; round++) {
          const subjects = Array.from({ length: 8 }, (_, i) => `${round}-${i}`)
          const all = await Promise.all(
            Array.from({ length: 12 }, (_, i) => {
              // In any order, so that two who hold what the other needs would show.
              const turned = [...subjects.slice(i % 8), ...subjects.slice(0, i % 8)]
              return rings[i % 3]!.make(i % 2 === 0 ? turned : turned.reverse())
            }),
          )
          const seen = all.flatMap((made) =>
            [...made].map(([who, key]) => `${who} ${key.toString('hex')}`),
          )
          equal(seen.length, 12 * 8)
          equal(new Set(seen).size, 8)
        }
      } finally {
        for (const ring of rings.slice(1)) await ring.close()
      }
    })

    it('destroys a key for all processes', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const other = await opened.beside()
      try {
        const made = await keys.make(['ann'])
        deepEqual(await other.find(['ann']), made)
        await other.destroy('ann')
        deepEqual(await keys.find(['ann']), new Map())
        deepEqual(await keys.make(['ann']), new Map())
        deepEqual(await keys.destroyed(['ann']), new Set(['ann']))
        deepEqual(await other.make(['ann']), new Map())
      } finally {
        await other.close()
      }
    })

    it('still has its keys, and none that was destroyed, after opening again', async (t) => {
      if (opened.reopen === undefined) return t.skip(`${name} keeps nothing`)
      const made = await keys.make(['ann', 'bob'])
      await keys.destroy('bob')
      await keys.close()
      await rejects(async () => keys.make(['carl']))
      keys = await opened.reopen()
      const found = await keys.find(['ann', 'bob'])
      deepEqual(found, new Map([['ann', made.get('ann')]]))
      ok(found.get('ann') instanceof Buffer)
      deepEqual(await keys.destroyed(['ann', 'bob']), new Set(['bob']))
      deepEqual(await keys.make(['bob']), new Map())
    })
  })
}
