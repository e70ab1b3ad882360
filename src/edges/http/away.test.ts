// What callers are told when answers come from the cache, or when nobody can be asked.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { v7 } from 'uuid'
import { CircuitOpen } from '#runtime/breaker.ts'
import { type EventLog, OutcomeUnknown } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { bank as bankOver } from './account-fixture.ts'
import { type Bank, call, openBank } from './door-fixture.ts'
import type { Ask } from './query-endpoints.ts'

let bank: Bank
const opened = new Set<Bank>()
afterEach(async () => {
  await Promise.all([...opened].map((one) => one.close()))
  opened.clear()
})

const open = async (append?: EventLog['append']) => {
  const log = await openEventLog()
  const keys = await openKeyRing()
  bank = await openBank(append === undefined ? log : { ...log, append }, keys)
  opened.add(bank)
  return { log, keys }
}
const deposit = (id = v7()) =>
  call(bank.ports.public, 'POST', '/api/v1/accounts', {
    body: { account_id: id, owner: 'ada', currency: 'USD' },
    headers: { 'idempotency-key': 'key-1' },
  })

describe('a command', () => {
  const failing: readonly (readonly [
    string,
    Error,
    string,
    RegExp,
    (seconds: number) => boolean,
  ])[] = [
    ['that reached nobody', new Unavailable('x'), 'unavailable', /Nothing was rec/, (s) => s >= 1],
    [
      'for a log that rests',
      new CircuitOpen('event log', 12_300),
      'circuit_open',
      /Nothing was rec/,
      (s) => s === 13,
    ],
    [
      'whose answer was lost',
      new OutcomeUnknown('x'),
      'outcome_unknown',
      /Repeat it with the same Idempotency-Key/,
      (s) => s >= 1,
    ],
  ]
  for (const [which, error, code, detail, seconds] of failing)
    test(`${which} is told so, and when to come again`, async () => {
      await open(() => Promise.reject(error))
      const { status, json, headers } = await deposit()
      deepEqual([status, json.code, json.retryable], [503, code, true])
      ok(detail.test(json.detail), json.detail)
      ok(seconds(Number(headers['retry-after'])), headers['retry-after'])
    })
})

describe('a question', () => {
  const answering = async (change: (answer: Awaited<ReturnType<Ask>>) => object) => {
    const { log, keys } = await open()
    const id = v7()
    await deposit(id)
    const real = bankOver(log, keys)
    const ask: Ask = async (...asked) => change(await real.ask(...asked)) as never
    bank = await openBank(log, keys, { ask })
    opened.add(bank)
    return await call(bank.ports.public, 'GET', `/api/v1/accounts/${id}`)
  }

  test('answered from the cache says so, and how old it is; the body is the same', async () => {
    const read = await answering((answer) => answer)
    deepEqual([read.headers['x-cache'], read.headers.age], [undefined, undefined])
    for (const from of ['hit', 'stale']) {
      const kept = await answering((answer) => ({ ...answer, from, ageMs: 61_999 }))
      deepEqual([kept.status, kept.headers['x-cache'], kept.headers.age], [200, from, '61'])
      deepEqual(Object.keys(kept.json), Object.keys(read.json))
    }
    const missed = await answering((answer) => ({ ...answer, from: 'miss' }))
    deepEqual([missed.headers['x-cache'], missed.headers.age], ['miss', undefined])
  })

  test('that nobody can answer is told for how long', async () => {
    const rejection = { code: 'circuit_open', message: 'x', details: { retry_after_s: 27 } }
    const refused = await answering(() => ({ ok: false, rejection }))
    deepEqual([refused.status, refused.json.code], [503, 'circuit_open'])
    equal(refused.headers['retry-after'], '27')
    const away = await answering(() => ({
      ok: false,
      rejection: { code: 'unavailable', message: 'x' },
    }))
    deepEqual([away.status, away.json.code], [503, 'unavailable'])
    ok(Number(away.headers['retry-after']) >= 1)
  })
})
