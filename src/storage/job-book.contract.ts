// What every book of jobs must hold.
import { deepEqual, equal } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { JobBook, JobChange, NewJob } from './job-book.ts'
import type { Opened } from './opened.ts'

const T0 = '2026-03-02T10:00:00.000Z'
const T1 = '2026-03-02T10:01:00.000Z'
const T2 = '2026-03-02T10:02:00.000Z'

const job = (job_id: string, more: Partial<NewJob> = {}): NewJob => ({
  ...{ job_id, direction: 'import', status: 'receiving', created_at: T0 },
  what: { kind: 'products', nested: { names: ['é', '\u{1f6d2}'], none: null } },
  ...more,
})
const wrong = (line: number, field = 'code') => ({ line, field, reason: 'is not right' })
const bytes = (...values: number[]) => Uint8Array.from(values)

export function jobBookContract(name: string, open: () => Promise<Opened<JobBook>>): void {
  describe(`Job book: ${name}`, () => {
    let opened: Opened<JobBook>
    let book: JobBook
    beforeEach(async () => {
      opened = await open()
      book = opened.port
    })
    afterEach(async () => {
      await book.close()
      await opened.remove()
    })
    const change = (jobId: string, revision: number, more: Partial<JobChange> = {}) =>
      book.change(jobId, revision, { updated_at: T1, ...more })
    const ids = async (query: Parameters<JobBook['list']>[0]) =>
      (await book.list(query)).map(({ job_id }) => job_id)

    it('keeps a job as it was begun, once', async () => {
      equal(await book.create(job('a')), true)
      equal(await book.create(job('a', { direction: 'export' })), false)
      deepEqual(await book.get('a'), {
        ...job('a'),
        ...{ progress: {}, note: null, revision: 1, updated_at: T0, ended_at: null },
      })
      equal(await book.get('b'), null)
    })

    it('begins a job once of many that race', async () => {
      const tries = Array.from({ length: 8 }, () => book.create(job('a')))
      equal((await Promise.all(tries)).filter(Boolean).length, 1)
    })

    it('changes what is named, and nothing else', async () => {
      await book.create(job('a'))
      const once = await change('a', 1, { status: 'running', progress: { rows: 3 } })
      deepEqual(once, {
        ...job('a'),
        ...{ status: 'running', progress: { rows: 3 }, note: null, revision: 2 },
        ...{ updated_at: T1, ended_at: null },
      })
      deepEqual(await book.get('a'), once)
      const twice = await change('a', 2, { note: 'no room', ended_at: T2 })
      deepEqual(twice, { ...once, note: 'no room', ended_at: T2, revision: 3 })
      deepEqual((await change('a', 3, { note: null, ended_at: null }))?.ended_at, null)
    })

    it('changes nothing at another revision, errors included', async () => {
      await book.create(job('a'))
      equal(await book.change('a', 2, { updated_at: T1, status: 'done' }, [wrong(1)]), null)
      equal(await book.change('b', 1, { updated_at: T1, status: 'done' }, [wrong(1)]), null)
      equal((await book.get('a'))?.status, 'receiving')
      deepEqual(await book.errors('a', null, 10), [])
      deepEqual(await book.errors('b', null, 10), [])
    })

    it('lets one of many that race change it', async () => {
      await book.create(job('a'))
      const tries = Array.from({ length: 8 }, (_, i) => change('a', 1, { progress: { i } }))
      equal((await Promise.all(tries)).filter((one) => one !== null).length, 1)
    })

    it('tells what was wrong by line and field, page by page, each once', async () => {
      await book.create(job('a'))
      await book.create(job('b'))
      const first = [wrong(10), wrong(9, 'b'), wrong(9, 'B'), wrong(9, 'é')]
      await book.change('a', 1, { updated_at: T1 }, first)
      await book.change('a', 2, { updated_at: T1 }, [{ ...wrong(10), reason: 'again' }])
      await book.change('b', 1, { updated_at: T1 }, [wrong(1)])
      const all = [wrong(9, 'B'), wrong(9, 'b'), wrong(9, 'é'), { ...wrong(10), reason: 'again' }]
      deepEqual(await book.errors('a', null, 10), all)
      deepEqual(await book.errors('a', null, 2), all.slice(0, 2))
      deepEqual(await book.errors('a', { line: 9, field: 'b' }, 10), all.slice(2))
      deepEqual(await book.errors('a', { line: 10, field: 'code' }, 10), [])
    })

    it('lists the newest first, by direction and status, from any place on', async () => {
      await book.create(job('a', { created_at: T1 }))
      await book.create(job('c', { created_at: T0, direction: 'export', status: 'waiting' }))
      await book.create(job('b', { created_at: T0 }))
      await book.create(job('d', { created_at: T2, status: 'waiting' }))
      deepEqual(await ids({ limit: 10 }), ['d', 'a', 'c', 'b'])
      deepEqual(await ids({ limit: 2 }), ['d', 'a'])
      deepEqual(await ids({ direction: 'import', limit: 10 }), ['d', 'a', 'b'])
      deepEqual(await ids({ statuses: ['waiting', 'running'], limit: 10 }), ['d', 'c'])
      deepEqual(await ids({ statuses: [], limit: 10 }), [])
      deepEqual(await ids({ before: { created_at: T0, job_id: 'c' }, limit: 10 }), ['b'])
      deepEqual(await ids({ before: { created_at: T1, job_id: 'a' }, limit: 1 }), ['c'])
    })

    it('keeps a file’s bytes as they are, the last word of each piece', async () => {
      await book.create(job('a'))
      await book.write('a', 1, bytes(0, 255, 10, 13))
      await book.write('a', 0, bytes(1))
      await book.write('a', 0, bytes(2, 2))
      deepEqual([...((await book.read('a', 0)) ?? [])], [2, 2])
      deepEqual([...((await book.read('a', 1)) ?? [])], [0, 255, 10, 13])
      equal(await book.read('a', 2), null)
      equal(await book.read('b', 0), null)
    })

    it('keeps no bytes of a job that is not there', async () => {
      await book.write('a', 0, bytes(1))
      await book.create(job('a'))
      equal(await book.read('a', 0), null)
    })

    it('forgets the text of a file alone', async () => {
      await book.create(job('a'))
      await book.create(job('b'))
      for (const id of ['a', 'b']) await book.write(id, 0, bytes(1))
      await book.dropText('a')
      await book.dropText('none')
      equal(await book.read('a', 0), null)
      equal((await book.read('b', 0))?.length, 1)
      equal((await book.get('a'))?.job_id, 'a')
    })

    it('forgets with everything what ended before, and uploads that never ended', async () => {
      for (const id of ['ended', 'later', 'running', 'broken', 'fresh']) {
        await book.create(job(id))
        await book.write(id, 0, bytes(1))
        if (id === 'broken') continue
        const done = { status: 'done', ended_at: id === 'later' ? T2 : T1 } as const
        const state = id === 'running' ? ({ status: 'running' } as const) : done
        await book.change(id, 1, { updated_at: T2, ...(id === 'fresh' ? {} : state) }, [wrong(1)])
      }
      equal(await book.prune(T2), 2)
      equal(await book.prune(T2), 0)
      deepEqual((await ids({ limit: 10 })).sort(), ['fresh', 'later', 'running'])
      await book.create(job('ended'))
      equal(await book.read('ended', 0), null)
      deepEqual(await book.errors('ended', null, 10), [])
    })

    it('forgets all of a job or nothing, also of one that goes on meanwhile', async () => {
      await book.create(job('a'))
      const pieces = Array.from({ length: 20 }, (_, piece) => piece)
      for (const piece of pieces) await book.write('a', piece, bytes(piece))
      const [pruned, changed] = await Promise.all([book.prune(T1), change('a', 1)])
      equal(pruned, changed === null ? 1 : 0)
      const found = await Promise.all(pieces.map((piece) => book.read('a', piece)))
      deepEqual(
        found.map((one) => one !== null),
        pieces.map(() => changed !== null),
      )
    })

    it('is one for all processes that have it open', async (t) => {
      if (opened.beside === undefined) return t.skip(`${name} has one process`)
      const other = await opened.beside()
      try {
        await book.create(job('a'))
        await other.write('a', 0, bytes(7))
        equal((await other.change('a', 1, { updated_at: T1, status: 'waiting' }))?.revision, 2)
        equal(await change('a', 1, { status: 'stopped' }), null)
        equal((await book.get('a'))?.status, 'waiting')
        deepEqual([...((await book.read('a', 0)) ?? [])], [7])
      } finally {
        await other.close()
      }
    })

    it('outlives the process where the engine says so', async (t) => {
      if (opened.reopen === undefined) return t.skip(`${name} keeps nothing`)
      await book.create(job('a'))
      await book.write('a', 0, bytes(7))
      await book.change('a', 1, { updated_at: T1, progress: { rows: 2 } }, [wrong(2)])
      await book.close()
      book = await opened.reopen()
      deepEqual((await book.get('a'))?.progress, { rows: 2 })
      deepEqual(await book.errors('a', null, 10), [wrong(2)])
      equal((await book.read('a', 0))?.[0], 7)
    })
  })
}
