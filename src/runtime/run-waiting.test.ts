// What is due is done, once; what fails is tried again; nothing is done twice because a table lags.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, Table } from '#kernel/projection.ts'
import { projection } from '#kernel/projection.ts'
import { type Send, type Waiting, waiting } from '#kernel/waiting.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { restingRows } from './resting-rows.ts'
import { derivedId, type WaitingRunner, waitingRunner } from './run-waiting.ts'

const table: Table = {
  name: 'reminders',
  key: 'reminder_id',
  columns: { reminder_id: 'text', due_at: { kind: 'instant', nullable: true } },
  indexes: [['due_at']],
}
const reminders = projection({ name: 'reminders', version: 1, table, on: {} })
const PAST = '2000-01-01T00:00:00.000Z'
const FUTURE = '2999-01-01T00:00:00.000Z'

describe('waiting runner', () => {
  let reads: ReadModels
  let runner: WaitingRunner | undefined
  let at: number
  const errors: unknown[] = []

  const commit = async (rows: readonly { reminder_id: string; due_at: string | null }[]) => {
    const done = await reads.commit([
      {
        projection: 'reminders',
        table,
        from: at,
        to: at + 1,
        upserts: rows,
        deletes: [],
        park: [],
        unpark: [],
      },
    ])
    ok(done)
    at++
  }
  /** Runs until `enough` holds; fails by the test's own time-out otherwise. */
  const until = async (enough: () => boolean) => {
    while (!enough()) await sleep(2)
  }
  const run = (act: Waiting['act'], position: () => number, atOnceMax = 64, from = 0) => {
    const send: Send = async () => ({
      ok: true,
      response: {},
      position: position(),
      version: 1,
      replayed: false,
    })
    runner = waitingRunner({
      waitings: [waiting({ name: 'remind', projection: reminders, due: 'due_at', act })],
      reads,
      send,
      now: () => new Date().toISOString(),
      onError: (error) => void errors.push(error),
      pollMs: 2,
      atOnceMax,
      logEnd: async () => from,
    })
    runner.start()
  }

  beforeEach(async () => {
    reads = await openReadModels()
    await reads.define([reminders])
    at = 0
    errors.length = 0
    await commit([])
  })
  afterEach(async () => {
    await runner?.stop()
    await reads.close()
  })

  test('acts on what is due, and on nothing else', async () => {
    await commit([
      { reminder_id: 'a', due_at: PAST },
      { reminder_id: 'b', due_at: FUTURE },
      { reminder_id: 'c', due_at: null },
    ])
    const acted: string[] = []
    run(
      async (row, { send }) => {
        acted.push(String(row.reminder_id))
        await send('Remind', {})
      },
      () => 1_000,
    )
    await until(() => acted.length > 0)
    await sleep(30)
    deepEqual(acted, ['a'])
  })

  test('calls nobody again for what was due long ago, while a lost table is filled anew', async () => {
    const acted: string[] = []
    await commit([
      { reminder_id: 'done long ago', due_at: PAST },
      { reminder_id: 'open', due_at: PAST },
    ])
    run(
      async (row, { send }) => {
        acted.push(String(row.reminder_id))
        await send('Remind', {})
      },
      () => 1_000,
      64,
      at + 2,
    )
    await sleep(30)
    await commit([{ reminder_id: 'done long ago', due_at: null }])
    await sleep(30)
    deepEqual(acted, [])
    await commit([])
    await until(() => acted.length > 0)
    deepEqual(acted, ['open'])
  })

  test('a row that was acted on rests until its table has seen what came of it', async () => {
    await commit([{ reminder_id: 'a', due_at: PAST }])
    let acted = 0
    run(
      async (_, { send }) => {
        acted++
        await send('Remind', {})
      },
      () => at + 1,
    )
    await until(() => acted === 1)
    await sleep(30)
    equal(acted, 1, 'acted again on a row that only lagged')
    await commit([{ reminder_id: 'a', due_at: PAST }])
    await until(() => acted === 2)
  })

  test('a row that stays due although its table has seen what came of it rests as well', async () => {
    await commit([{ reminder_id: 'a', due_at: PAST }])
    let acted = 0
    run(
      async (_, { send }) => {
        acted++
        await send('Remind', {})
      },
      () => 1,
    )
    await until(() => acted > 0 && runner?.status().remind?.acting === 0)
    deepEqual(runner?.status(), { remind: { acting: 0, failing: 1, stuck: [] } })
  })

  test('a failure is told and tried again, others go on', async () => {
    await commit([
      { reminder_id: 'bad', due_at: PAST },
      { reminder_id: 'good', due_at: PAST },
    ])
    const acted: string[] = []
    run(
      async (row, { send }) => {
        acted.push(String(row.reminder_id))
        if (row.reminder_id === 'bad' && acted.filter((id) => id === 'bad').length < 3)
          throw new Error('not yet')
        await send('Remind', {})
      },
      () => 1_000,
    )
    await until(() => acted.filter((id) => id === 'bad').length === 3)
    equal(errors.length, 2)
    equal(acted.filter((id) => id === 'good').length, 1)
  })

  test('never more at once than allowed, never one row twice at once, and all in the end', async () => {
    await commit(Array.from({ length: 40 }, (_, i) => ({ reminder_id: `r${i}`, due_at: PAST })))
    const now = new Set<string>()
    const seen = new Set<string>()
    let most = 0
    run(
      async (row, { send }) => {
        const id = String(row.reminder_id)
        ok(!now.has(id), `${id} twice at once`)
        now.add(id)
        most = Math.max(most, now.size)
        await sleep(1)
        now.delete(id)
        seen.add(id)
        await send('Remind', {})
      },
      () => 1_000,
      5,
    )
    await until(() => seen.size === 40)
    equal(most, 5)
    deepEqual(errors, [])
  })

  test('given to another process, it finishes what is under way and begins nothing', async () => {
    await commit([{ reminder_id: 'a', due_at: PAST }])
    const acted: string[] = []
    let finish = () => {}
    const answered = new Promise<void>((resolve) => {
      finish = resolve
    })
    run(
      async (row, { send }) => {
        acted.push(String(row.reminder_id))
        await answered
        await send('Remind', {})
      },
      () => at,
    )
    await until(() => acted.length === 1)
    let hasEnded = false
    const ended = runner!.runs([]).then(() => {
      hasEnded = true
    })
    await commit([{ reminder_id: 'b', due_at: PAST }])
    await sleep(30)
    deepEqual([acted, hasEnded], [['a'], false])
    finish()
    await ended
    await sleep(30)
    deepEqual(acted, ['a'])
    await runner!.runs(['remind'])
    await until(() => acted.includes('b'))
  })

  test('what it read before it was given away is not acted on, also when it is taken back', async () => {
    await commit([{ reminder_id: 'a', due_at: PAST }])
    let found = () => {}
    const slowly = new Promise<void>((resolve) => {
      found = resolve
    })
    const acted: string[] = []
    let finds = 0
    runner = waitingRunner({
      waitings: [
        waiting({
          name: 'remind',
          projection: reminders,
          due: 'due_at',
          act: async (row) => void acted.push(String((row as Row).reminder_id)),
        }),
      ],
      reads: {
        checkpoints: reads.checkpoints,
        async find(...asked) {
          const rows = await reads.find(...asked)
          if (finds++ === 0) await slowly
          return rows
        },
      },
      send: () => Promise.reject(new Error('nothing is sent here')),
      now: () => new Date().toISOString(),
      onError: (error) => void errors.push(error),
      pollMs: 2,
    })
    await runner.runs(['remind'])
    await until(() => finds === 1)
    const ended = runner.runs([])
    await commit([{ reminder_id: 'a', due_at: null }])
    await runner.runs(['remind'])
    found()
    await ended
    await until(() => finds > 2)
    deepEqual([acted, errors], [[], []])
  })

  test('taken over, it waits until its table shows what was done before', async () => {
    await commit([{ reminder_id: 'a', due_at: PAST }])
    const acted: string[] = []
    let logEnd = at
    runner = waitingRunner({
      waitings: [
        waiting({
          name: 'remind',
          projection: reminders,
          due: 'due_at',
          act: async (row) => void acted.push(String((row as Row).reminder_id)),
        }),
      ],
      reads,
      send: () => Promise.reject(new Error('nothing is sent here')),
      now: () => new Date().toISOString(),
      logEnd: async () => logEnd,
      onError: (error) => void errors.push(error),
      pollMs: 2,
    })
    await runner.runs([])
    await sleep(20)
    deepEqual(acted, [])
    // The other one acted: its events are in the log, not yet in the table.
    logEnd = at + 1
    await runner.runs(['remind'])
    await sleep(20)
    deepEqual(acted, [])
    await commit([
      { reminder_id: 'a', due_at: null },
      { reminder_id: 'b', due_at: PAST },
    ])
    await until(() => acted.length > 0)
    deepEqual(acted, ['b'])
    // Taken a second time, it looks anew where the log ends.
    await runner.runs([])
    await commit([{ reminder_id: 'b', due_at: null }])
    await commit([{ reminder_id: 'c', due_at: PAST }])
    logEnd = at + 1
    await runner.runs(['remind'])
    await sleep(20)
    deepEqual(acted, ['b'])
    deepEqual(errors, [])
  })

  test('a store that is away is told, asked less and less often, and used when it is back', async () => {
    let isAway = true
    const asked: number[] = []
    const acted: string[] = []
    const act: Waiting['act'] = async (row) => void acted.push(String((row as Row).reminder_id))
    runner = waitingRunner({
      waitings: [waiting({ name: 'remind', projection: reminders, due: 'due_at', act })],
      reads: {
        find: reads.find,
        async checkpoints() {
          asked.push(performance.now())
          if (isAway) throw new Error('away')
          return reads.checkpoints()
        },
      },
      send: () => Promise.reject(new Error('nothing is sent here')),
      now: () => new Date().toISOString(),
      onError: (error) => void errors.push(error),
      pollMs: 2,
    })
    runner.start()
    await until(() => errors.length === 6)
    equal(asked.length, 6)
    // 2, 4, 8, 16 and 32 ms: a slow machine waits longer, none waits less.
    const tookMs = asked.at(-1)! - asked[0]!
    ok(tookMs > 60, `asked six times in ${tookMs} ms`)
    isAway = false
    await commit([{ reminder_id: 'a', due_at: PAST }])
    await until(() => acted.length > 0)
  })

  test('a table that nobody has filled yet is no failure', async () => {
    const acted: string[] = []
    const act: Waiting['act'] = async (row) => void acted.push(String((row as Row).reminder_id))
    let isThere = false
    runner = waitingRunner({
      waitings: [waiting({ name: 'remind', projection: reminders, due: 'due_at', act })],
      reads: {
        checkpoints: reads.checkpoints,
        async find(...given) {
          if (!isThere) throw new TableUnready('reminders is not there yet')
          return reads.find(...given)
        },
      },
      send: () => Promise.reject(new Error('nothing is sent here')),
      now: () => new Date().toISOString(),
      onError: (error) => void errors.push(error),
      pollMs: 2,
    })
    runner.start()
    await sleep(20)
    isThere = true
    await commit([{ reminder_id: 'a', due_at: PAST }])
    await until(() => acted.length > 0)
    deepEqual(errors, [])
  })

  test('many that wait ask once how far their tables are, and rest while nothing can be due', async () => {
    const names = Array.from({ length: 8 }, (_, number) => `remind ${number}`)
    const acted = new Set<string>()
    let asked = 0
    let finds = 0
    let tell = () => {}
    const told = new Promise<void>((resolve) => {
      tell = resolve
    })
    runner = waitingRunner({
      waitings: names.map((name) =>
        waiting({
          ...{ name, projection: reminders, due: 'due_at' },
          act: async () => void acted.add(name),
        }),
      ),
      reads: {
        async checkpoints() {
          asked++
          await told
          return reads.checkpoints()
        },
        async find(...given) {
          finds++
          return reads.find(...given)
        },
      },
      send: () => Promise.reject(new Error('nothing is sent here')),
      now: () => new Date().toISOString(),
      onError: (error) => void errors.push(error),
      pollMs: 2,
    })
    runner.start()
    await sleep(20)
    equal(asked, 1)
    tell()
    await until(() => asked >= 100)
    // Of 100 looks each of the eight makes one in twenty, of two or three questions.
    ok(finds < (100 * names.length) / 4, `${finds} questions in ${asked} looks`)
    await commit([{ reminder_id: 'a', due_at: new Date(Date.now() + 50).toISOString() }])
    runner.wake()
    await until(() => acted.size === names.length)
    deepEqual(errors, [])
  })

  test('stopping waits for what is under way', async () => {
    await commit([{ reminder_id: 'a', due_at: PAST }])
    let begun = false
    let finished = false
    run(
      async (_, { send }) => {
        begun = true
        await sleep(20)
        await send('Remind', {})
        finished = true
      },
      () => 1_000,
    )
    await until(() => begun)
    await runner!.stop()
    ok(finished)
  })
})

test('pauses grow, and end', () => {
  let clock = 0
  let chance = 0
  const rows = restingRows(
    () => clock,
    () => chance,
  )
  const pauseOf = () => {
    const from = clock
    rows.pause('a', 'no')
    while (rows.rests('a', 0)) clock += 50
    return clock - from
  }
  const pauses = Array.from({ length: 12 }, pauseOf)
  deepEqual(pauses.slice(0, 4), [100, 200, 400, 800])
  equal(pauses.at(-1), 30_000)
  deepEqual(rows.stuck(), [{ key: 'a', failures: 12, error: 'no' }])
  // Those that failed together are not tried again together.
  chance = 1
  equal(pauseOf(), 22_500)
  clock += 60_000
  rows.tidy(0)
  equal(rows.size, 0)
})

test('ids derived from the same cause are the same', () => {
  equal(derivedId('e1', 'authorize'), derivedId('e1', 'authorize'))
  ok(derivedId('e1', 'authorize') !== derivedId('e1authorize', ''))
})
