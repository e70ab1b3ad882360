// What only a file of jobs can get wrong; the contract runs with those of all engines.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openJobBook } from './job-book.ts'

const AT = '2026-03-02T10:00:00.000Z'
const LATER = '2026-03-03T10:00:00.000Z'
const made = { direction: 'import', what: {}, created_at: AT } as const
const PIECES = 40

describe('jobs in a file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-jobs-'))
    path = join(folder, 'jobs.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const lies = () => ['', '-wal'].some((file) => readFileSync(path + file).includes('Quillfeather'))
  const filled = async () => {
    const book = await openJobBook({ path })
    for (const job_id of ['a', 'b']) {
      await book.create({ ...made, job_id, status: 'receiving' })
      for (let piece = 0; piece < PIECES; piece++)
        await book.write(job_id, piece, Buffer.from('Quillfeather '.repeat(1_000)))
    }
    ok(lies())
    return book
  }
  const drops = {
    dropText: async () => {
      const book = await filled()
      await book.dropText('b')
      ok((await book.read('a', PIECES - 1)) !== null)
      await book.dropText('a')
      return book
    },
    prune: async () => {
      const book = await filled()
      equal(await book.prune(LATER), 2)
      return book
    },
  }
  for (const [name, drop] of Object.entries(drops))
    test(`what ${name} forgets is gone from the file and its write-ahead log`, async () => {
      const book = await drop()
      deepEqual([lies(), await book.read('a', 0)], [false, null])
      await book.close()
    })

  test('a large text is forgotten piece by piece: others have their turn', async () => {
    const book = await filled()
    let turns = 0
    const others = () => {
      turns++
      next = setImmediate(others)
    }
    let next = setImmediate(others)
    await book.dropText('a')
    clearImmediate(next)
    ok(turns >= PIECES / 8, `${turns} turns`)
    await book.close()
  })
})
