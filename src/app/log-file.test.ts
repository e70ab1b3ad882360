// The log goes out as a file and comes back the same, from any engine into any; a file that is not
// what was written is refused by its line, and an import that was interrupted goes on.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { v7 } from 'uuid'
import { keptText, sealer } from '#runtime/seals.ts'
import { verifyLog } from '#runtime/verify-log.ts'
import type { EventLog } from '#storage/event-log.ts'
import { openEventLog as openMemory } from '#storage/memory/event-log.ts'
import { openEventLog as openPostgres } from '#storage/postgres/event-log.ts'
import { openEventLog as openSqlite } from '#storage/sqlite/event-log.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { exportLog, importLog } from './log-file.ts'
import { assertWhole } from './stores.ts'

const EVENTS = 25

async function fill(log: EventLog): Promise<void> {
  for (let i = 0; i < EVENTS; i++)
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
              // Members named by numbers, and numbers of all kinds, come in one order and one form.
              data: { text: `zoë 🎈 "${i}"`, b: 1.5e-7, a: -0.5, 10: 'x', 9: null, list: [{}, []] },
              metadata: { command_id: `c${i}` },
              ...(i % 2 === 0 ? { occurred_at: '2010-12-01T08:26:00.000Z' } : {}),
            },
          ],
        },
      ],
      claims: i < 5 ? [{ scope: 'name', value: `n${i}`, owner: `note-${i % 3}` }] : [],
      command: { id: `c${i}`, fingerprint: `f${i}`, response: { i } },
    })
  await log.dropResponses(4)
  await log.append({
    writes: [],
    command: { id: 'without events', fingerprint: 'f', response: [null] },
  })
  await sealer(log, 10).sealAll()
}

const everything = async (of: EventLog) => ({
  events: await of.readAll(0, 1_000),
  commands: await of.commandRecords('', 1_000),
  claims: await of.claims(null, 1_000),
})

/** Folder and log of the test that runs now. */
type Now = {
  folder: string
  file: string
  log: EventLog
}

describe('the log as a file', () => {
  const now = {} as Now
  beforeEach(async () => {
    now.folder = mkdtempSync(join(tmpdir(), 'daybook-export-'))
    now.file = join(now.folder, 'log.jsonl')
    now.log = await openMemory()
    await fill(now.log)
  })
  afterEach(async () => {
    await now.log.close()
    rmSync(now.folder, { recursive: true })
  })
  roundTrips(now)
  damagedFiles(now)
  interruptions(now)
})

function roundTrips(now: Now): void {
  const sqlite = (name: string) => openSqlite({ path: join(now.folder, name), mode: 'inline' })

  /** Out of each into the next: every file is the first, byte for byte. */
  const around = async (opens: readonly (() => Promise<EventLog>)[]) => {
    const told = await exportLog(now.log, now.file)
    deepEqual([told.events, told.commands], [27, 26])
    const first = readFileSync(now.file, 'utf8')
    const before = await everything(now.log)
    for (const [i, open] of opens.entries()) {
      const copy = await open()
      const { events, commands, seal } = await importLog(copy, now.file)
      deepEqual([events, commands, seal], [told.events, told.commands, told.seal])
      deepEqual(await everything(copy), before)
      const { checks, sealed_to, seal: found } = await verifyLog(copy, { kept: [told.seal] })
      equal(sealed_to, 20)
      deepEqual(found, told.seal)
      for (const { name, differing } of checks) equal(differing, 0, name)
      now.file = join(now.folder, `again-${i}.jsonl`)
      await exportLog(copy, now.file)
      ok(readFileSync(now.file, 'utf8') === first, `file ${i} is another`)
      await copy.close()
    }
  }

  test('goes out and comes back the same, byte for byte and with the same seals', () =>
    around([openMemory, () => sqlite('a.db'), () => sqlite('b.db'), openMemory]))

  test('a log that is not empty takes no import, and a file that is there no export', async () => {
    await exportLog(now.log, now.file)
    await rejects(importLog(now.log, now.file), /not empty/)
    await rejects(exportLog(now.log, now.file), { code: 'EEXIST' })
  })

  test('an empty log is a file as well', async () => {
    await exportLog(await openMemory(), now.file)
    const copy = await openMemory()
    deepEqual((await importLog(copy, now.file)).events, 0)
    await assertWhole(copy)
  })

  test('files of before, which have no checks, are still read', async () => {
    await exportLog(now.log, now.file)
    const lines = readFileSync(now.file, 'utf8').replaceAll(/,"check":"[\w-]{11}"\}\n/g, '}\n')
    const old = lines.replace('"daybook":2', '"daybook":1').replace(/,"seal":"[^"]*"/, '')
    writeFileSync(now.file, old)
    const copy = await openMemory()
    await importLog(copy, now.file)
    deepEqual(await everything(copy), await everything(now.log))
    writeFileSync(now.file, old.split('\n').slice(0, -4).join('\n'))
    await rejects(importLog(await openMemory(), now.file), /not whole/)
  })

  test('a response that is dropped while it is written out does no harm', async () => {
    let asked = 0
    const busy: EventLog = {
      ...now.log,
      async commandRecords(after) {
        if (asked++ === 1) await now.log.dropResponses(100)
        return await now.log.commandRecords(after, 10)
      },
    }
    await exportLog(busy, now.file)
    const copy = await openMemory()
    await importLog(copy, now.file)
    for (const { name, differing } of (await verifyLog(copy)).checks) equal(differing, 0, name)
  })
}

function damagedFiles(now: Now): void {
  const damaged = async (change: (lines: string[]) => string[]) => {
    await exportLog(now.log, now.file)
    writeFileSync(now.file, change(readFileSync(now.file, 'utf8').split('\n')).join('\n'))
    const copy = await openMemory()
    await importLog(copy, now.file)
  }

  test('a file that was cut off is noticed', async () => {
    await rejects(
      damaged((lines) => lines.slice(0, 20)),
      /not whole: 19 events .* cut off/,
    )
  })
  test('a line in two pieces is named', async () => {
    await rejects(
      damaged((lines) => [...lines.slice(0, 3), lines[3]!.slice(0, 30)]),
      /line 4 is cut off/,
    )
  })
  test('what follows a missing, swapped or repeated line is named', async () => {
    await rejects(
      damaged((lines) => lines.toSpliced(7, 1)),
      /line 8 is not what was written/,
    )
    rmSync(now.file)
    await rejects(
      damaged((lines) => lines.toSpliced(7, 2, lines[8]!, lines[7]!)),
      /line 8 is not what was written/,
    )
    rmSync(now.file)
    await rejects(
      damaged((lines) => lines.toSpliced(7, 0, lines[7]!)),
      /line 9 is not what was written/,
    )
  })
  test('some other file is refused at its first line', async () => {
    for (const text of ['{"hello":1}\n', '', 'not json', '{"daybook":9,"kind":"log"}']) {
      writeFileSync(now.file, text)
      await rejects(importLog(await openMemory(), now.file), /line 1 is|not whole/)
    }
  })

  test('a changed bit is named by its line, wherever it is', async () => {
    const seed = seedOfRun()
    const random = seeded(seed)
    await exportLog(now.log, now.file)
    const whole = readFileSync(now.file)
    for (let i = 0; i < 150; i++) {
      const at = random.int(0, whole.length - 1)
      const bytes = Buffer.from(whole)
      bytes[at] = bytes[at]! ^ (1 << random.int(0, 7))
      const line = whole.subarray(0, at).toString('latin1').split('\n').length
      // A line's end that is gone takes the next along; one more makes two of it.
      const near = new RegExp(`line ${line} `)
      writeFileSync(now.file, bytes)
      const copy = await openMemory()
      const what = `seed ${seed}: byte ${at}, line ${line}`
      // The end of the last line says nothing.
      if (at === whole.length - 1) continue
      await rejects(importLog(copy, now.file), (error: Error) => {
        match(error.message, near, what)
        return true
      })
      ok((await copy.head()).position === 0 || (await copy.isUnfinished()), what)
    }
  })

  test('an event that does not fit is named by line and position', async () => {
    // Whole by its checks: written by somebody else.
    const odd: EventLog = {
      ...now.log,
      readAll: async (after, limit) =>
        (await now.log.readAll(after, limit)).map((event) =>
          event.position === 12 ? { ...event, version: 99 } : event,
        ),
    }
    await exportLog(odd, now.file)
    const copy = await openMemory()
    await rejects(importLog(copy, now.file), /line 13 \(position 12\): version 99 .* not follow/)
    await rejects(assertWhole(copy), /is a part/)
  })

  test('a log with a hole is not written out as if it were whole', async () => {
    const holed: EventLog = {
      ...now.log,
      readAll: async (after, limit) =>
        (await now.log.readAll(after, limit)).filter(({ position }) => position !== 9),
    }
    await rejects(exportLog(holed, now.file), /no event 9/)
  })
}

function interruptions(now: Now): void {
  /** Fails at the n-th piece. */
  const failing = (log: EventLog, pieces: number): EventLog => {
    let left = pieces
    return {
      ...log,
      async restore(...given) {
        if (left-- === 0) throw new Error('the power went')
        await log.restore(...given)
      },
    }
  }

  test('an interrupted import says so, and goes on when it is run again', async () => {
    // Longer than a piece, so that some of it is there.
    for (let i = 0; i < 1_200; i++)
      await now.log.append({
        writes: [
          {
            stream: 'note-9',
            expected: 'any',
            events: [
              {
                event_id: v7(),
                event_type: 'Noted',
                event_version: 1,
                data: { i },
                metadata: { command_id: `more${i}` },
              },
            ],
          },
        ],
        command: { id: `more${i}`, fingerprint: 'f', response: i },
      })
    await exportLog(now.log, now.file)
    const copy = await openMemory()
    for (const pieces of [1, 1, 2]) {
      await rejects(importLog(failing(copy, pieces), now.file), /the power went/)
      await rejects(assertWhole(copy), /run it again/)
      ok((await copy.head()).position >= 1_000)
    }
    const { events } = await importLog(copy, now.file)
    await assertWhole(copy)
    equal(events, 1_227)
    const wanted = await now.log.readAll(0, 2_000)
    deepEqual(await copy.readAll(0, 2_000), wanted)
    deepEqual(await copy.commandRecords('', 2_000), await now.log.commandRecords('', 2_000))
    await rejects(importLog(copy, now.file), /not empty/)
  })

  test('goes on only where the same was begun', async () => {
    await exportLog(now.log, now.file)
    const other = await openMemory()
    await fill(other)
    const copy = await openMemory()
    await copy.restore((await other.readAll(0, 5)).slice(0, 5), [], true)
    await rejects(importLog(copy, now.file), /line 2 \(position 1\): .* something else there/)
    await rejects(assertWhole(copy), /run it again/)
  })
}

await onPostgres('the log as a file, on PostgreSQL', (fresh) => {
  test('goes out and comes back the same, byte for byte, from and to the others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-export-'))
    const databases = [await fresh(), await fresh()]
    const path = (name: string) => join(folder, name)
    const opens = [
      () => openPostgres({ url: databases[0]!.url }),
      () => openSqlite({ path: path('log.db'), mode: 'inline' }),
      () => openPostgres({ url: databases[1]!.url }),
      openMemory,
    ]
    const first = await openMemory()
    await fill(first)
    const { seal } = await exportLog(first, path('0.jsonl'))
    const text = readFileSync(path('0.jsonl'), 'utf8')
    for (const [i, open] of opens.entries()) {
      const log = await open()
      await importLog(log, path(`${i}.jsonl`))
      deepEqual((await exportLog(log, path(`${i + 1}.jsonl`))).seal, seal)
      ok(readFileSync(path(`${i + 1}.jsonl`), 'utf8') === text, `file ${i + 1} is another`)
      const report = await verifyLog(log, { kept: [seal] })
      equal(keptText(report.seal), keptText(seal))
      for (const { name, differing } of report.checks) equal(differing, 0, name)
      await log.close()
    }
    for (const database of databases) await database.remove()
    rmSync(folder, { recursive: true })
  })
})
