// The circuit breaker's states, with a clock of its own; and what is repeated.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { Unavailable } from '#storage/unavailable.ts'
import { breaker, CircuitOpen, isAway, repeated, through } from './breaker.ts'

const SETTINGS = { failures: 5, windowMs: 10_000, openForMs: 30_000, halfOpenMax: 1 }
const away = () => Promise.reject(new Unavailable('away'))
const fine = () => Promise.resolve('fine')

describe('a circuit breaker', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date'], now: 1_000_000 }))
  afterEach(() => mock.timers.reset())
  const pass = (ms: number) => mock.timers.tick(ms)
  const fail = async (circuit = breaker('log', SETTINGS), times = 1) => {
    for (let i = 0; i < times; i++) await rejects(circuit.run(away), Unavailable)
  }
  const opened = async (settings = SETTINGS) => {
    const circuit = breaker('the event log', settings)
    await fail(circuit, 5)
    equal(circuit.state(), 'open')
    return circuit
  }
  const refused = async (run: Promise<unknown>): Promise<number> => {
    const error = await run.then(
      () => null,
      (reason) => reason,
    )
    ok(error instanceof CircuitOpen, String(error))
    return error.retryAfterMs
  }

  test('opens at the fifth failure within the window, not before, whatever succeeds between', async () => {
    const circuit = breaker('log', SETTINGS)
    for (let i = 0; i < 4; i++) {
      await fail(circuit)
      equal(await circuit.run(fine), 'fine')
      pass(2_499)
    }
    equal(circuit.state(), 'closed')
    await fail(circuit)
    equal(circuit.state(), 'open')
  })

  test('does not open when the failures come slowly, however many they are', async () => {
    const circuit = breaker('log', SETTINGS)
    for (let i = 0; i < 50; i++) {
      await fail(circuit)
      pass(2_500)
    }
    equal(circuit.state(), 'closed')
  })

  test('is not opened by refusals and bugs', async () => {
    const circuit = breaker('log', SETTINGS)
    for (let i = 0; i < 20; i++)
      await rejects(
        circuit.run(() => Promise.reject(new RangeError('a bug'))),
        RangeError,
      )
    equal(circuit.state(), 'closed')
  })

  test('is opened by answers that are failures, where it is told which', async () => {
    const isUnknown = (answer: unknown) => (answer as { status: string }).status === 'unknown'
    const circuit = breaker('provider', SETTINGS, isAway, isUnknown)
    const unknown = async () => ({ status: 'unknown' })
    for (let i = 0; i < 5; i++) deepEqual(await circuit.run(unknown), { status: 'unknown' })
    equal(circuit.state(), 'open')
  })

  test('refuses at once while it is open, and says for how long', async () => {
    const circuit = await opened()
    let begun = 0
    const work = async () => begun++
    equal(await refused(circuit.run(work)), 30_000)
    pass(29_000)
    equal(await refused(circuit.run(work)), 1_000)
    equal(begun, 0)
  })

  test('lets exactly one through after its time; it succeeds: closed, with a clean slate', async () => {
    const circuit = await opened()
    pass(30_000)
    equal(circuit.state(), 'half_open')
    const trial = Promise.withResolvers<string>()
    let begun = 0
    const asked = Array.from({ length: 10 }, () =>
      circuit.run(() => {
        begun++
        return trial.promise
      }),
    )
    for (const one of asked.slice(1)) ok((await refused(one)) <= 1_000)
    equal(begun, 1)
    equal(circuit.state(), 'half_open')
    trial.resolve('fine')
    equal(await asked[0], 'fine')
    equal(circuit.state(), 'closed')
    await fail(circuit, 4)
    equal(circuit.state(), 'closed')
  })

  test('tells of every change of its state', async () => {
    const heard: string[] = []
    const onState = (name: string, state: string) => void heard.push(`${name} ${state}`)
    const circuit = await opened({ ...SETTINGS, onState } as typeof SETTINGS)
    pass(30_000)
    await circuit.run(fine)
    deepEqual(
      heard,
      ['open', 'half_open', 'closed'].map((state) => `the event log ${state}`),
    )
  })

  test('is open again for the whole time when the one that was let through fails', async () => {
    const circuit = await opened()
    pass(30_000)
    await fail(circuit)
    equal(circuit.state(), 'open')
    equal(await refused(circuit.run(fine)), 30_000)
    pass(30_000)
    equal(await circuit.run(fine), 'fine')
    equal(circuit.state(), 'closed')
  })

  test('lets as many through as it is told, and all have to succeed', async () => {
    const circuit = await opened({ ...SETTINGS, halfOpenMax: 3 })
    pass(30_000)
    const trial = Promise.withResolvers<string>()
    const asked = Array.from({ length: 5 }, () => circuit.run(() => trial.promise))
    for (const one of asked.slice(3)) await refused(one)
    trial.resolve('fine')
    await Promise.all(asked.slice(0, 3))
    equal(circuit.state(), 'closed')
  })

  test('what began before it opened changes nothing when it succeeds late', async () => {
    const circuit = breaker('log', SETTINGS)
    const late = Promise.withResolvers<string>()
    const slow = circuit.run(() => late.promise)
    await fail(circuit, 5)
    late.resolve('fine')
    equal(await slow, 'fine')
    equal(circuit.state(), 'open')
  })
})

test('what is away is told from what is wrong', () => {
  const named = (name: string) => Object.assign(new Error(), { name })
  for (const error of [new Unavailable(), named('Interrupted'), named('OutcomeUnknown')])
    ok(isAway(error), String(error))
  ok(isAway(Object.assign(new Error('statement timeout'), { code: '57014' })))
  for (const error of [new Error(), named('InvalidQuery'), named('CircuitOpen'), null, 'away'])
    ok(!isAway(error), String(error))
})

test('what may run twice is repeated when the dependency was away, a few times, nothing else', async () => {
  let tries = 0
  const after = (failures: number, error: Error) => async () => {
    if (++tries <= failures) throw error
    return tries
  }
  equal(await repeated(after(2, new Unavailable('away'))), 3)
  tries = 0
  await rejects(repeated(after(9, new Unavailable('away'))), Unavailable)
  equal(tries, 3)
  tries = 0
  await rejects(repeated(after(9, new TypeError('a bug'))), TypeError)
  equal(tries, 1)
})

test('a port goes through with the methods that are named, and only those', async () => {
  const port = { read: async (text: string) => text, size: () => 1, write: async () => 'written' }
  const ran: string[] = []
  const wrapped = through(
    port,
    async (work) => {
      ran.push('read')
      return await work()
    },
    ['read'],
  )
  deepEqual([await wrapped.read('x'), wrapped.size(), await wrapped.write()], ['x', 1, 'written'])
  deepEqual(ran, ['read'])
})
