// Actions that cannot be done: they throw for ever, never end, or record nothing. Each is tried
// less and less often and in the end says so; none takes a turn away from the others.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { projection, type Row, type Table } from '#kernel/projection.ts'
import { type Send, type Waiting, waiting } from '#kernel/waiting.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { type WaitingRunner, waitingRunner } from './run-waiting.ts'

const table: Table = {
  name: 'reminders',
  key: 'id',
  columns: { id: 'text', due_at: { kind: 'instant', nullable: true } },
  indexes: [['due_at']],
}
const reminders = projection({ name: 'reminders', version: 1, table, on: {} })
const [EARLIER, LATER] = ['2000-01-01T00:00:00.000Z', '2001-01-01T00:00:00.000Z']

let reads: ReadModels
let runner: WaitingRunner
let errors: string[]
let at: number
beforeEach(async () => {
  reads = await openReadModels()
  await reads.define([reminders])
  errors = []
  at = 0
})
afterEach(async () => {
  await runner.stop()
  await reads.close()
})

const put = async (rows: readonly Row[]) => {
  const commit = { projection: 'reminders', table, from: at, to: at + 1, upserts: rows }
  ok(await reads.commit([{ ...commit, deletes: [], park: [], unpark: [] }]))
  at++
}
const due = (due_at: string, ...ids: readonly string[]) => put(ids.map((id) => ({ id, due_at })))
const until = async (enough: () => boolean) => {
  while (!enough()) await sleep(2)
}
const sent: Send = async () => ({
  ok: true,
  response: {},
  position: 1_000,
  version: 1,
  replayed: false,
})
const run = (act: Waiting['act'], more: { atOnceMax?: number; actMaxMs?: number } = {}) => {
  runner = waitingRunner({
    waitings: [waiting({ name: 'remind', projection: reminders, due: 'due_at', act })],
    reads,
    send: sent,
    now: () => new Date().toISOString(),
    onError: (error, where) => void errors.push(`${where}: ${String(error)}`),
    pollMs: 2,
    ...more,
  })
  runner.start()
}

test('as many as one likes that throw for ever are in nobody’s way', async () => {
  const bad = Array.from({ length: 2_500 }, (_, number) => `bad ${number}`)
  await due(EARLIER, ...bad)
  await due(LATER, 'good 1', 'good 2')
  const acted = new Map<string, number>()
  run(async ({ id }, { send }) => {
    acted.set(String(id), (acted.get(String(id)) ?? 0) + 1)
    if (String(id).startsWith('bad')) throw new Error('never')
    await send('Remind', {})
  })
  await until(() => acted.has('good 1') && acted.has('good 2'))
  equal(acted.get('good 1'), 1)
  // What comes later, and is due before all that rest.
  await due('1999-01-01T00:00:00.000Z', 'new')
  await until(() => acted.has('new'))
  ok(runner.status().remind!.failing >= 2_000)
})

test('one that never ends is given up: its place is another’s, and it can send no more', async () => {
  await due(EARLIER, 'endless 1', 'endless 2')
  await due(LATER, 'good')
  const acted: string[] = []
  const late: Promise<unknown>[] = []
  let wake = () => {}
  const woken = new Promise<void>((resolve) => {
    wake = resolve
  })
  run(
    async ({ id }, { send }) => {
      acted.push(String(id))
      if (id === 'good') return void (await send('Remind', {}))
      await woken
      late.push(send('Remind', {}))
      await late.at(-1)
    },
    { atOnceMax: 2, actMaxMs: 30 },
  )
  await until(() => acted.includes('good') && errors.length >= 2)
  match(errors[0]!, /^remind endless \d: Error: took longer than 0.03 s$/)
  await until(() => acted.filter((id) => id === 'endless 1').length > 1)
  await runner.stop()
  wake()
  await sleep(5)
  ok(late.length > 1)
  for (const one of late) await rejects(one, /remind endless \d took too long and was given up/)
})

test('one that nobody can do says so, by its key and its reason, and goes on once it can', async () => {
  await due(EARLIER, 'hopeless', 'silent')
  let isMended = false
  const done: string[] = []
  const start = performance.now()
  // Its pauses grow to half a minute: the clock is what the runner asks, and it runs ahead here.
  const real = performance.now.bind(performance)
  performance.now = () => start + (real() - start) * 2_000
  try {
    run(async ({ id }, { send }) => {
      if (id === 'silent' && !isMended) return
      if (!isMended) throw { toString: () => 'no such carrier' }
      done.push(String(id))
      await send('Remind', {})
    })
    await until(() => runner.status().remind?.stuck.length === 2)
    const stuck = runner.status().remind!.stuck.toSorted((a, b) => (a.key < b.key ? -1 : 1))
    deepEqual(
      stuck.map(({ key, error }) => `${key}: ${error}`),
      ['hopeless: Error: threw no such carrier', 'silent: recorded nothing'],
    )
    ok(stuck.every(({ failures }) => failures >= 10))
    isMended = true
    await until(() => done.length >= 2)
    await until(() => runner.status().remind?.stuck.length === 0)
  } finally {
    performance.now = real
  }
})
