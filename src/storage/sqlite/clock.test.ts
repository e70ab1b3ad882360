// A wall clock that jumps, back and forth, by an hour and a day: positions and times keep one
// order, a time of the past is found, and leases do not notice.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { seeded, seedOfRun } from '#testing/random.ts'
import { append } from '#testing/sample-appends.ts'
import { openEventLog } from './event-log.ts'
import { openLeases } from './leases.ts'

const HOUR_MS = 3_600_000
const JUMPS = [-24 * HOUR_MS, -HOUR_MS, HOUR_MS, 24 * HOUR_MS, 0, 1, 1_000]
const START = Date.parse('2026-02-28T23:30:00.000Z')
const seed = seedOfRun()

describe(`a clock that jumps (SEED=${seed})`, () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-clock-'))
    mock.timers.enable({ apis: ['Date'], now: START })
  })
  afterEach(() => {
    mock.timers.reset()
    rmSync(folder, { recursive: true })
  })

  it('never turns the order of the log, nor what was known at a time, also after a restart', async (t) => {
    const random = seeded(seed)
    const path = join(folder, 'log.db')
    let log = await openEventLog({ path, mode: 'inline' })
    let [back, stood] = [0, 0]
    for (let i = 0; i < 200; i++) {
      const jump = random.pick(JUMPS)
      if (jump < 0) back++
      mock.timers.setTime(START + i * HOUR_MS + jump)
      await log.append(append(`note-${random.int(1, 5)}`))
      if (i % 50 !== 49) continue
      // What it knows of its last time is read again.
      await log.close()
      log = await openEventLog({ path, mode: 'inline' })
    }
    const events = await log.readAll(0, 1_000)
    const times = events.map(({ timestamp }) => timestamp)
    deepEqual(times, times.toSorted())
    stood = times.filter((time, i) => time === times[i - 1]).length
    for (const [i, time] of times.entries())
      equal(
        await log.positionAt(time),
        times.lastIndexOf(time) + 1,
        `as of ${time}, event ${i + 1}`,
      )
    const before = new Date(Date.parse(times[0]!) - 1).toISOString()
    equal(await log.positionAt(before), 0)
    await log.close()
    t.diagnostic(`${back} jumps back; ${stood} times the log's own time stood still`)
    ok(back > 0 && stood > 0 && new Set(times).size > 10)
  })

  it('does not end a lease, nor give it to a second one', async () => {
    const leases = await openLeases({ path: join(folder, 'leases.db') })
    ok((await leases.acquire('share', 'one', 60_000)) !== null)
    for (const jump of JUMPS) {
      mock.timers.setTime(START + 2 * HOUR_MS + jump)
      equal(await leases.acquire('share', 'two', 60_000), null)
    }
    await leases.close()
  })
})
