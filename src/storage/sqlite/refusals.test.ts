// A store that cannot be opened or written as it is, by the real program: one line that names the
// file and what to do, exit code 1, no stack.
import { equal, match, ok, rejects } from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { unprivileged } from '#testing/kept-server.ts'
import { append } from '#testing/sample-appends.ts'
import { runToEnd } from '#testing/strace.ts'
import { openEventLog } from './event-log.ts'
import { openKeyRing } from './key-ring.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'app', 'main.ts')

describe('a store that cannot be used', { timeout: 600_000 }, () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-refusals-'))
    path = join(folder, 'shop.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const made = async () => {
    await (await openKeyRing({ path: join(folder, 'shop-keys.db'), mode: 'inline' })).close()
    await (await openEventLog({ path, mode: 'inline' })).close()
  }
  /** Starts the program; on another account where this is root, whom no mode of a file stops. */
  const refused = async (why: RegExp, data = path, account = {}) => {
    const { code, out, err } = await runToEnd(
      [process.execPath, MAIN, 'start', '--data', data, '--port', '0', '--query-port', '0'],
      account,
    )
    equal(code, 1, out)
    match(err, why)
    match(err, /^daybook: [^\n]+\n$/, 'one line, and no stack')
  }
  const another = () => {
    const account = unprivileged()
    if (account.uid !== undefined) chownSync(folder, account.uid, account.gid!)
    return account
  }

  it('a folder where a file should be', async () => {
    mkdirSync(path)
    await refused(/shop\.db is a folder: name a file in it/)
  })

  it('a file in the place of the folder', async () => {
    await made()
    await refused(/shop\.db/, join(path, 'other.db'))
  })

  it('a folder that may not be written', async () => {
    const account = another()
    chmodSync(folder, 0o500)
    await refused(
      /shop-keys\.db cannot be opened: the user \w+ needs to read and write/,
      path,
      account,
    )
    chmodSync(folder, 0o700)
  })

  it('a file that may not be written', async () => {
    await made()
    const account = another()
    for (const name of ['shop.db', 'shop-keys.db']) chmodSync(join(folder, name), 0o444)
    await refused(/shop(-keys)?\.db cannot be written: the user \w+ needs/, path, account)
  })

  it('a file of a newer Daybook', async () => {
    await made()
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    await refused(/shop\.db was written by a newer Daybook \(schema 99\); use that one/)
  })

  it('a file that another program holds: at the start, and in the middle', async () => {
    const log = await openEventLog({ path })
    await log.append(append('note-1'))
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const started = performance.now()
    const waiting = Array.from({ length: 20 }, () => log.append(append('note-1')))
    const answers = await Promise.allSettled(waiting)
    for (const answer of answers) {
      equal(answer.status, 'rejected')
      await rejects(() => Promise.reject((answer as PromiseRejectedResult).reason), {
        name: 'Unavailable',
        message: /another program holds .*shop\.db/,
      })
    }
    ok(performance.now() - started < 30_000, 'each waited for itself')
    equal((await log.readAll(0, 10)).length, 1)
    other.exec('ROLLBACK')
    equal((await log.append(append('note-1'))).ok, true)
    await log.close()
    other.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    await refused(/shop\.db is locked by another program: end that/)
    other.close()
  })
})
