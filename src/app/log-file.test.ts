// The log goes out as a file and comes back the same; a file that is not whole is noticed.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { v7 } from 'uuid'
import { sealer } from '#runtime/seals.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog as openMemory } from '#storage/memory/event-log.ts'
import { openEventLog as openSqlite } from '#storage/sqlite/event-log.ts'
import { exportLog, importLog } from './log-file.ts'

describe('the log as a file', () => {
  let folder: string
  let file: string
  let log: EventLog
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-export-'))
    file = join(folder, 'log.jsonl')
    log = await openMemory()
    for (let i = 0; i < 25; i++)
      await log.append({
        writes: [
          {
            stream: `note-${i % 3}`,
            expected: 'any',
            events: [
              {
                event_id: v7(),
                event_type: 'Noted',
                event_version: 1,
                data: { text: `zoë 🎈 "${i}"` },
                metadata: { command_id: `c${i}` },
                ...(i % 2 === 0 ? { occurred_at: '2010-12-01T08:26:00.000Z' } : {}),
              },
            ],
          },
        ],
        claims: i < 5 ? [{ scope: 'name', value: `n${i}`, owner: `note-${i % 3}` }] : [],
        command: { id: `c${i}`, fingerprint: `f${i}`, response: { i } },
      })
    await sealer(log, 10).sealAll()
  })
  afterEach(async () => {
    await log.close()
    rmSync(folder, { recursive: true })
  })

  const everything = async (of: EventLog) => ({
    events: await of.readAll(0, 1_000),
    commands: await of.commandRecords('', 1_000),
    claims: await of.claims(null, 1_000),
  })

  test('goes out and comes back the same, into another engine, with the same seals', async () => {
    const counts = await exportLog(log, file)
    deepEqual(counts, { events: 27, commands: 25 })
    const copy = await openSqlite({ path: join(folder, 'copy.db'), mode: 'inline' })
    deepEqual(await importLog(copy, file), counts)
    deepEqual(await everything(copy), await everything(log))
    const { checks, sealed_to } = await verifyLog(copy)
    equal(sealed_to, 20)
    for (const { differing } of checks) equal(differing, 0)
    await copy.close()
  })

  test('a log that is not empty takes no import, and a file that is there no export', async () => {
    await exportLog(log, file)
    await rejects(importLog(log, file), /not empty/)
    await rejects(exportLog(log, file), { code: 'EEXIST' })
  })

  const damaged = async (change: (lines: string[]) => string[]) => {
    await exportLog(log, file)
    writeFileSync(file, change(readFileSync(file, 'utf8').split('\n')).join('\n'))
    return await importLog(await openMemory(), file)
  }
  test('a file that was cut off is noticed', async () => {
    await rejects(
      damaged((lines) => lines.slice(0, 20)),
      /not whole/,
    )
  })
  test('a line in two pieces is named', async () => {
    await rejects(
      damaged((lines) => [...lines.slice(0, 3), lines[3]!.slice(0, 30)]),
      /line 4 is not JSON/,
    )
  })
  test('a missing event is noticed', async () => {
    await rejects(
      damaged((lines) => lines.toSpliced(7, 1)),
      /does not follow|position/,
    )
  })
  test('some other file is refused at its first line', async () => {
    writeFileSync(file, '{"hello":1}\n')
    await rejects(importLog(await openMemory(), file), /line 1 is not the header/)
  })
})
