// What only SQLite can break: the file's settings, a second writer, a disk that fails.
import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { v7 } from 'uuid'
import type { Append } from '#storage/event-log.ts'
import { assertSoundSqlite, openDurable } from './durable.ts'
import { openEventLog, openEventLogReadOnly } from './event-log.ts'

const appendOf = (stream: string, text = 'x'): Append => ({
  writes: [
    {
      stream,
      expected: 'any',
      events: [
        { event_id: v7(), event_type: 'Noted', event_version: 1, data: { text }, metadata: {} },
      ],
    },
  ],
})

describe('SQLite event log', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-log-'))
    path = join(folder, 'log.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('a SQLite with the WAL-reset bug is refused', () => {
    for (const bad of ['3.7.0', '3.40.1', '3.50.7', '3.51.2'])
      throws(() => assertSoundSqlite(bad), /3\.51\.3 or newer/)
    for (const good of ['3.51.3', '3.52.0', '4.0.0']) assertSoundSqlite(good)
  })

  test('commits are durable: WAL, and synchronous is FULL as read back', () => {
    const db = openDurable(path)
    deepEqual({ ...db.prepare('PRAGMA synchronous').get() }, { synchronous: 2 })
    deepEqual({ ...db.prepare('PRAGMA journal_mode').get() }, { journal_mode: 'wal' })
    db.close()
  })

  test('a file that cannot be in WAL mode is refused', () => {
    throws(() => openDurable(':memory:'), /WAL is needed/)
  })

  test('a second writer is refused with the holder’s pid; a reader may run beside it', async () => {
    const log = await openEventLog({ path })
    await log.append(appendOf('note-1'))
    await rejects(openEventLog({ path }), new RegExp(`process ${process.pid}`))
    const reader = await openEventLogReadOnly({ path })
    equal((await reader.readAll(0, 10)).length, 1)
    await rejects(reader.append(appendOf('note-1')), { name: 'LogClosed' })
    await reader.close()
    await log.close()
    await (await openEventLog({ path })).close()
  })

  test('a file of a newer Daybook is refused, and left as it is', async () => {
    await (await openEventLog({ path })).close()
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 999')
    db.close()
    await rejects(openEventLog({ path }), /newer Daybook/)
  })

  test('events cannot be changed or deleted through SQL', async () => {
    const log = await openEventLog({ path, mode: 'inline' })
    await log.append(appendOf('note-1'))
    const db = new DatabaseSync(path)
    throws(() => db.exec(`UPDATE events SET data = '{}'`), /never changed/)
    throws(() => db.exec('DELETE FROM events'), /never deleted/)
    db.close()
    await log.close()
  })

  for (const mode of ['worker', 'inline'] as const)
    test(`a failed commit stops the writer: outcome unknown, never on with it (${mode})`, async () => {
      // The shell's limit on file sizes makes the operating system refuse the write in mid-commit.
      const said = await limitedChild(path, mode)
      const failed = said.filter(({ error }) => error !== undefined)
      ok(failed.length > 1, 'the limit was never hit: no fault fired')
      for (const { error } of failed) match(String(error), /OutcomeUnknown/)
      const firstFailure = said.findIndex(({ error }) => error !== undefined)
      ok(
        said.slice(firstFailure).every(({ error }) => error !== undefined),
        'it went on after a failure',
      )

      const log = await openEventLog({ path, mode: 'inline' })
      const { position } = await log.head()
      const acked = said.filter(({ position: told }) => told !== undefined)
      ok(position >= acked.length, `${acked.length} were acknowledged, ${position} are there`)
      await log.close()
    })

  function limitedChild(file: string, mode: string) {
    const script = `
      import { openEventLog } from ${JSON.stringify(new URL('./event-log.ts', import.meta.url).href)}
      const log = await openEventLog({ path: ${JSON.stringify(file)}, mode: ${JSON.stringify(mode)} })
      let failures = 0
      for (let i = 0; i < 500 && failures < 3; i++) {
        try {
          const verdict = await log.append({ writes: [{ stream: 'note-1', expected: 'any', events: [{
            event_id: crypto.randomUUID(), event_type: 'Noted', event_version: 1,
            data: { text: 'x'.repeat(20000) }, metadata: {} }] }] })
          console.log(JSON.stringify({ position: verdict.position }))
        } catch (error) {
          failures++
          console.log(JSON.stringify({ error: error.name + ': ' + error.message }))
        }
      }
      process.exit(0)`
    const child = spawn(
      'bash',
      ['-c', 'ulimit -f 1000; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let out = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    return new Promise<{ position?: number; error?: string }[]>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', () =>
        resolve(
          out
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line)),
        ),
      )
    })
  }
})
