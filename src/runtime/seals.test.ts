// Whoever changes the log by hand is found out, position by position.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { v7 } from 'uuid'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { checkSeals, sealer } from './seals.ts'
import { verifyLog } from './verify-log.ts'

describe('seals', () => {
  let folder: string
  let path: string
  let log: EventLog

  const append = async (stream: string, expected: number, amount: number) => {
    const id = v7()
    const verdict = await log.append({
      writes: [
        {
          stream,
          expected: expected === 0 ? 'none' : expected,
          events: [
            {
              event_id: v7(),
              event_type: 'Moved',
              event_version: 1,
              data: { amount },
              metadata: { command_id: id },
            },
          ],
        },
      ],
      command: { id, fingerprint: 'f', response: {} },
    })
    ok(verdict.ok)
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-seals-'))
    path = join(folder, 'log.db')
    log = await openEventLog({ path, mode: 'inline' })
    for (let i = 0; i < 35; i++) await append('account-a', i, i)
    equal(await sealer(log, 10).sealAll(), 3)
  })
  afterEach(async () => {
    await log.close()
    rmSync(folder, { recursive: true })
  })

  /** What somebody with the file in hands may do. */
  const tamper = (sql: string) => {
    const db = new DatabaseSync(path)
    db.exec('DROP TRIGGER IF EXISTS events_stay; DROP TRIGGER IF EXISTS events_remain')
    db.exec(sql)
    db.close()
  }

  test('an untouched log passes, and sealing again seals only what is new', async () => {
    deepEqual(await checkSeals(log), { sealed_to: 30, broken: [] })
    equal(await sealer(log, 10).sealAll(), 0)
    for (let i = 35; i < 45; i++) await append('account-a', i, i)
    equal(await sealer(log, 10).sealAll(), 1)
    deepEqual(await checkSeals(log), { sealed_to: 40, broken: [] })
  })

  test('a changed byte is named by its position', async () => {
    tamper(`UPDATE events SET data = '{"amount":7777}' WHERE position = 17`)
    deepEqual((await checkSeals(log)).broken, [{ position: 17, why: 'is not what was sealed' }])
  })

  test('a changed time is named too', async () => {
    tamper(`UPDATE events SET timestamp = '2001-01-01T00:00:00.000Z' WHERE position = 3`)
    equal((await checkSeals(log)).broken[0]?.position, 3)
  })

  test('a missing event is named by its position', async () => {
    tamper('DELETE FROM events WHERE position = 12')
    deepEqual((await checkSeals(log)).broken, [{ position: 12, why: 'is missing' }])
  })

  test('two swapped events are both named', async () => {
    tamper(`UPDATE events SET data = CASE position WHEN 21 THEN '{"amount":21}' ELSE '{"amount":20}' END
            WHERE position IN (21, 22)`)
    deepEqual(
      (await checkSeals(log)).broken.map(({ position }) => position),
      [21, 22],
    )
  })

  test('verify finds nothing in a sound log, and each kind of damage', async () => {
    for (const { differing } of await verifyLog(log)) equal(differing, 0)
    tamper(`UPDATE commands SET position = 1 WHERE position = 9;
            INSERT INTO claims VALUES ('email', 'x', 'account-a');
            DELETE FROM events WHERE position = 33`)
    const differing = new Map((await verifyLog(log)).map((check) => [check.name, check.differing]))
    ok(differing.get('command records')! >= 1)
    equal(differing.get('claims'), 1)
    ok(differing.get('positions and versions')! >= 1)
  })
})
