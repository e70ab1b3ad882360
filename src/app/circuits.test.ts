// What the shop's ports do behind their circuit breakers: real stores in memory, made to fail.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { openBooks } from '#providers/books.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { CircuitOpen, NoAnswer } from '#runtime/breaker.ts'
import { type EventLog, OutcomeUnknown } from '#storage/event-log.ts'
import { openCache } from '#storage/memory/cache.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { circuitsOf } from './circuits.ts'
import { readConfig } from './config.ts'

function circuits(...sets: readonly string[]) {
  const lines: string[] = []
  const argv = ['breaker.failures=3', ...sets].flatMap((set) => ['--set', set])
  const read = readConfig({ argv, env: {}, file: null })
  ok(read.ok, JSON.stringify(read))
  return { ...circuitsOf(read.config, (line) => void lines.push(line)), lines }
}
const ON_SERVER = 'database.driver=postgres'
const never = () => new Promise<never>(() => {})
const away = () => Promise.reject(new Unavailable('away'))
const command = {
  writes: [{ stream: 'a-1', expected: 'none' as const, events: [] }],
  command: { id: 'c', fingerprint: 'f', response: {} },
}

test('what lies in a file or in memory is used as it is: no breaker, no cost', async () => {
  const { log, reads, states } = circuits()
  const [events, rows] = [await openEventLog(), await openReadModels()]
  ok(log(events) === events && reads(rows) === rows)
  deepEqual(states(), {})
})

test('a store on a server has one breaker for all its methods, which health can see', async () => {
  const { log, reads, states, lines } = circuits(ON_SERVER)
  const events = log({ ...(await openEventLog()), head: away, append: away })
  const rows = reads(await openReadModels())
  deepEqual(states(), { event_log: 'closed', read_models: 'closed' })
  for (let times = 0; times < 3; times++) {
    deepEqual(states(), { event_log: 'closed', read_models: 'closed' })
    await rejects(events.head(), Unavailable)
  }
  deepEqual(states(), { event_log: 'open', read_models: 'closed' })
  await rejects(events.append(command), CircuitOpen)
  equal((await rows.checkpoints()).size, 0)
  deepEqual(lines, ['circuit open: event log failed too often, left alone for a while'])
})

test('keys on the same server have a breaker of their own', async () => {
  const plain = await openKeyRing()
  equal(circuits().keys(plain), plain)
  const { keys, states } = circuits(ON_SERVER)
  const ring = keys({ ...plain, make: away })
  for (let times = 0; times < 3; times++) await rejects(ring.make(['a']), Unavailable)
  deepEqual(states(), { keys: 'open' })
  for (const asked of [ring.make, ring.find, ring.destroyed])
    await rejects(asked(['a']), CircuitOpen)
  await rejects(ring.destroy('a'), CircuitOpen)
})

test('a cache that is known to be away is not a failing one; one that does not answer is', async () => {
  const { cache, states } = circuits()
  let error = new Unavailable('away')
  const far = { ...(await openCache()), onHeard: () => {}, get: () => Promise.reject(error) }
  const guarded = cache(far)
  for (let times = 0; times < 5; times++) await rejects(guarded.get('a', ['s']), Unavailable)
  equal(states().cache, 'closed')
  error = new Unavailable('silent', { cause: new Error('Command timed out') })
  for (let times = 0; times < 3; times++) await rejects(guarded.get('a', ['s']), Unavailable)
  await rejects(guarded.get('a', ['s']), CircuitOpen)
})

test('an append is not repeated, a reading is', async () => {
  const { log } = circuits(ON_SERVER)
  const tried = { head: 0, append: 0 }
  const store: EventLog = await openEventLog()
  const events = log({
    ...store,
    head: () => (++tried.head < 2 ? away() : store.head()),
    append: () => (++tried.append < 2 ? away() : store.append(command)),
  })
  equal((await events.head()).position, 0)
  await rejects(events.append(command), Unavailable)
  deepEqual(tried, { head: 2, append: 1 })
})

describe('whoever says nothing at all', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())
  const later = async (asked: readonly Promise<unknown>[], ms: number) => {
    for (const one of asked) one.catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    mock.timers.tick(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }

  test('is given up in time: a reading failed, of an append nobody knows', async () => {
    const { log, states } = circuits(ON_SERVER)
    const events = log({ ...(await openEventLog()), head: never, append: never, load: never })
    const asked = [events.head(), events.load([]), events.append(command)]
    await later(asked, 10_000)
    await rejects(asked[0]!, NoAnswer)
    await rejects(asked[1]!, NoAnswer)
    await rejects(asked[2]!, OutcomeUnknown)
    equal(states().event_log, 'open')
  })

  test('as a provider is given up after the time of a step', async () => {
    const { book } = await simulated()
    const { providers, states } = circuits('saga.step_timeout=2s')
    const pays = { ...openPaymentProvider({ book: book.payments }), authorize: never }
    const { provider } = providers({ provider: pays, carrier: openCarrier({ book: book.labels }) })
    const asked = [1, 2, 3].map(() => provider.authorize({} as never))
    await later(asked, 2_000)
    for (const one of asked) await rejects(one, NoAnswer)
    deepEqual(states(), { payment_provider: 'open', carrier: 'closed' })
  })
})

async function simulated() {
  return { book: await openBooks('memory', { path: '', url: '' }) }
}

test('unknown outcomes open a provider’s breaker; declined ones, and not knowing yet, do not', async () => {
  const { book } = await simulated()
  const { providers, states } = circuits()
  const real = openPaymentProvider({ book: book.payments })
  const answers: string[] = []
  const unknown = { status: 'unknown', error: 'a time-out' } as const
  const declined = { status: 'declined', reason: 'no money' } as const
  const pays = {
    ...real,
    authorize: async () => declined,
    find: async () => unknown,
    capture: async () => unknown,
  }
  const { provider } = providers({ provider: pays, carrier: openCarrier({ book: book.labels }) })
  for (let times = 0; times < 5; times++) {
    answers.push((await provider.authorize({} as never)).status)
    answers.push((await provider.find('o')).status)
  }
  equal(states().payment_provider, 'closed')
  for (let times = 0; times < 3; times++) await provider.capture({} as never)
  equal(states().payment_provider, 'open')
  await rejects(provider.find('o'), CircuitOpen)
  deepEqual([...new Set(answers)], ['declined', 'unknown'])
})
