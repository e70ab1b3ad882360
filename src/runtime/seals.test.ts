// What seals say, and what only a seal that was kept elsewhere can. Single changes of every kind
// are in tampering.test.ts.
import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { v7 } from 'uuid'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog as openMemory } from '#storage/memory/event-log.ts'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { keptFrom, keptText, sealer } from './seals.ts'
import { type LogOptions, verifyLog } from './verify-log.ts'

describe('seals', () => {
  let folder: string
  let path: string
  let log: EventLog

  const append = async (to: EventLog, version: number, claim?: string) => {
    const id = v7()
    const verdict = await to.append({
      writes: [
        {
          stream: 'account-a',
          expected: version === 0 ? 'none' : version,
          events: [
            {
              event_id: v7(),
              event_type: 'Moved',
              event_version: 1,
              data: { amount: version },
              metadata: { command_id: id },
            },
          ],
        },
      ],
      ...(claim !== undefined && {
        claims: [{ scope: 'code', value: claim, owner: 'account-a' }],
      }),
      command: { id, fingerprint: 'f', response: { version } },
    })
    ok(verdict.ok)
  }
  const differences = async (from: EventLog, options: LogOptions = {}) =>
    (await verifyLog(from, options)).checks.flatMap(({ name, differences: all }) =>
      all.map(({ key, live }) => `${name}: ${key} ${(live as { why?: string })?.why ?? ''}`),
    )

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-seals-'))
    path = join(folder, 'log.db')
    log = await openEventLog({ path, mode: 'inline' })
    for (let i = 0; i < 35; i++) await append(log, i)
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
    // Whoever changes a row on purpose takes its checksum away.
    const [known] = db
      .prepare(`SELECT 1 FROM pragma_table_info('events') WHERE name = 'checksum'`)
      .all()
    if (known !== undefined) db.exec('ALTER TABLE events DROP COLUMN checksum')
    db.exec(sql)
    db.close()
  }

  test('an untouched log passes, and sealing again seals only what is new', async () => {
    deepEqual(await differences(log), [])
    equal((await verifyLog(log)).sealed_to, 30)
    equal(await sealer(log, 10).sealAll(), 0)
    for (let i = 35; i < 45; i++) await append(log, i)
    equal(await sealer(log, 10).sealAll(), 1)
    deepEqual(await differences(log), [])
    equal((await verifyLog(log)).sealed_to, 40)
  })

  test('seals of before, which say nothing of command records, still hold', async () => {
    const old = await openMemory()
    for (let i = 0; i < 20; i++) await append(old, i)
    const [events, commands] = [await old.readAll(0, 100), await old.commandRecords('', 100)]
    await sealer(old, 10).sealAll()
    // As an older version would have written them: it hashed the events alone.
    const withoutRecords = await openMemory()
    await withoutRecords.restore(events, [])
    await sealer(withoutRecords, 10).sealAll()
    const sealed = (await withoutRecords.readAll(20, 2)).map(({ data, ...event }) => {
      const { records, ...rest } = data as { records: string }
      equal(records, '')
      return { ...event, data: rest }
    })
    const log1 = await openMemory()
    await log1.restore(events, commands)
    await log1.restore(sealed.slice(0, 1), [])
    deepEqual(await differences(log1), [])
    equal((await verifyLog(log1)).sealed_to, 10)
  })

  test('a response that was dropped was not changed', async () => {
    ok((await log.dropResponses(20)) > 0)
    deepEqual(await differences(log), [])
  })

  test('a log that was written anew and sealed anew fits only itself', async () => {
    const kept = (await verifyLog(log)).seal
    const other = await openMemory()
    for (let i = 0; i < 35; i++) await append(other, i)
    await sealer(other, 10).sealAll()
    deepEqual(await differences(other), [])
    const [told, ...more] = await differences(other, { kept: [kept] })
    match(told!, /^kept seals: 1 something from here to 38 was changed/)
    deepEqual(more, [])
  })

  test('an end that was cut off is missed by whoever kept a seal of it', async () => {
    const { seal } = await verifyLog(log)
    tamper('DELETE FROM events WHERE position > 35')
    deepEqual(await differences(log), [])
    const [told] = await differences(log, { kept: [seal] })
    match(told!, /^kept seals: 36 something from here to 38 is missing/)
  })

  test('of several kept seals, the last that fits says where it begins', async () => {
    const early = (await verifyLog(log)).seal
    for (let i = 35; i < 42; i++) await append(log, i)
    const middle = (await verifyLog(log)).seal
    for (let i = 42; i < 45; i++) await append(log, i)
    const late = (await verifyLog(log)).seal
    tamper(`UPDATE events SET data = '{"amount":-1}' WHERE position = ${middle.position + 1}`)
    deepEqual(await differences(log), [])
    const told = await differences(log, { kept: [late, early, middle] })
    equal(told.length, 1)
    match(told[0]!, new RegExp(`^kept seals: ${middle.position + 1} something .* changed`))
    deepEqual(keptFrom(` ${keptText(late)}\n`), late)
    for (const bad of ['', '12', '0:x', `${keptText(late)}x`])
      throws(() => keptFrom(bad), /is not a seal/)
  })

  test('a claim that moves while it is looked at is no difference', async () => {
    let moved = false
    const busy: EventLog = {
      ...log,
      // Between the walk over the events and the look at the claims.
      async claims(after, limit) {
        if (!moved) await append(log, 35, 'P-1')
        moved = true
        return await log.claims(after, limit)
      },
    }
    deepEqual(await differences(busy), [])
    ok(moved)
    tamper(`INSERT INTO claims VALUES ('code', 'P-2', 'account-a')`)
    deepEqual(await differences(log), ['claims: ["code","P-2"] '])
  })

  test('a store that goes away is no difference either', async () => {
    const gone: EventLog = {
      ...log,
      readAll: () => Promise.reject(new Error('gone')),
      head: async () => {
        if (asked++ > 0) throw new Error('the server is away')
        return await log.head()
      },
    }
    let asked = 0
    await verifyLog(gone).then(
      () => ok(false, 'it has to be told'),
      (error) => equal(error.message, 'the server is away'),
    )
  })

  test('a hole of any size is told at once, and the report stays short', async () => {
    tamper('UPDATE events SET position = position + 9000000000 WHERE position > 36')
    const report = await verifyLog(log)
    const [order] = report.checks
    deepEqual(order!.differences[0], {
      key: '37',
      live: null,
      rebuilt: { position: 37, to: 9_000_000_036 },
    })
    tamper(`UPDATE events SET data = '{}'`)
    for (const { differences: all } of (await verifyLog(log)).checks) ok(all.length <= 100)
  })
})
