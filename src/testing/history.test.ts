// The checkers, checked: a good history passes, and each planted fault is found and named.
import { deepEqual, match, ok } from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { Recorded } from '#kernel/message.ts'
import type { Append, CommandRecord, Verdict } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { checkAppends } from './append-checker.ts'
import { checkCommands } from './command-checker.ts'
import {
  type Attempt,
  account,
  type History,
  openHistory,
  type Page,
  type Problem,
} from './history.ts'
import { wholeLog } from './racing-writers.ts'
import { checkReads } from './read-checker.ts'
import { append, asCommand, write } from './sample-appends.ts'

let history: History
let log: Recorded[]
let records: CommandRecord[]

/** A small shop's day, one thing after the other; every kind of answer is in it. */
beforeEach(async () => {
  const engine = await openEventLog()
  history = openHistory()
  const ask = (name: string, asked: Parameters<History['append']>[2]) =>
    history.append(engine, name, asked)
  await ask('first', append('cart-1', 'none', 2))
  await ask('both', { writes: [write('cart-1', 2, 1), write('cart-2', 'none', 2)] })
  await history.read(engine, 'reader', 0, 3)
  await ask('stale', append('cart-1', 2, 1))
  await ask('check', { writes: [write('cart-1', 3, 0)] })
  await ask('order', { ...append('cart-2', 'exists', 1), command: asCommand('c-1') })
  await ask('again', { ...append('cart-2', 'exists', 1), command: asCommand('c-1') })
  await ask('other', { ...append('cart-2'), command: { ...asCommand('c-1'), fingerprint: 'x' } })
  await history.read(engine, 'reader', 3, 10)
  await ask('last', append('cart-3', 'any', 2))
  log = await wholeLog(engine)
  records = [...(await engine.commandRecords('', 10))]
})

const named = (name: string) => history.attempts.find((attempt) => attempt.name === name)!
/** The same history, with one attempt changed. */
const changed = (name: string, more: (attempt: Attempt) => Partial<Attempt>) =>
  history.attempts.map((attempt) =>
    attempt.name === name ? { ...attempt, ...more(attempt) } : attempt,
  )
const toldOf = ({ outcome }: Attempt) => {
  ok(typeof outcome !== 'string' && outcome.ok)
  return outcome
}
const idsOf = (name: string) =>
  new Set(named(name).append.writes.flatMap(({ events }) => events.map((event) => event.event_id)))
/** The log without some events, renumbered as if they had never been. */
function without(ids: ReadonlySet<string>): Recorded[] {
  const versions = new Map<string, number>()
  return log
    .filter((event) => !ids.has(event.event_id))
    .map((event, i) => {
      const stream = `${event.aggregate_type}-${event.aggregate_id}`
      const version = (versions.get(stream) ?? 0) + 1
      versions.set(stream, version)
      return { ...event, position: i + 1, version }
    })
}
const finds = (problems: readonly Problem[], message: RegExp) =>
  match(problems.map((problem) => problem.message).join('\n'), message)

describe('the checker of appends', () => {
  test('passes a good history', () => {
    deepEqual(checkAppends(history.attempts, log), [])
  })

  test('passes an unknown outcome that is in the log whole, and one that is absent', () => {
    const unknown = changed('last', () => ({ outcome: 'unknown' }))
    deepEqual(checkAppends(unknown, log), [])
    deepEqual(checkAppends(unknown, without(idsOf('last'))), [])
  })

  test('finds an acknowledged append that is not in the log', () =>
    finds(
      checkAppends(history.attempts, without(idsOf('last'))),
      /last was acknowledged, and is not/,
    ))

  test('finds half an append', () => {
    const half = new Set([...idsOf('last')].slice(1))
    finds(checkAppends(history.attempts, without(half)), /1 of 2 events of last are in place/)
    const unknown = changed('last', () => ({ outcome: 'unknown' }))
    finds(checkAppends(unknown, without(half)), /1 of 2 events of last are in place/)
  })

  test('finds a refused or failed append in the log', () => {
    const refused: Verdict = { ok: false, reason: 'conflict', stream: 'cart-3', actual: 0 }
    finds(
      checkAppends(
        changed('last', () => ({ outcome: refused })),
        log,
      ),
      /last was told no, and is/,
    )
    finds(
      checkAppends(
        changed('last', () => ({ outcome: 'absent' })),
        log,
      ),
      /last was told no, and is/,
    )
  })

  test('finds an append that was torn apart by another', () => {
    const [a, b, ...rest] = log
    const torn = [
      a!,
      { ...log[3]!, position: 2 },
      { ...b!, position: 3 },
      { ...log[2]!, position: 4 },
      ...rest.slice(2),
    ]
    finds(checkAppends(history.attempts, torn), /2 of 2 events of first are in place/)
  })

  test('finds a write on top of what was not expected', () => {
    const wrong = changed('both', ({ append: { writes } }) => ({
      append: { writes: writes.map((one) => ({ ...one, expected: 'none' as const })) },
    }))
    finds(checkAppends(wrong, log), /both expected cart-1 at none and wrote on top of 2/)
  })

  test('finds a check that passed and should not have', () => {
    const wrong = changed('check', () => ({ append: { writes: [write('cart-1', 2, 0)] } }))
    finds(checkAppends(wrong, log), /check expected cart-1 at 2 and wrote on top of 3/)
  })

  test('finds wrong positions and versions told', () => {
    const told = (more: object) =>
      checkAppends(
        changed('both', (attempt) => ({ outcome: { ...toldOf(attempt), ...more } })),
        log,
      )
    finds(told({ position: 6 }), /both was told position 6 instead of 5/)
    finds(told({ first: 2 }), /both was told first position 2 instead of 3/)
    finds(told({ versions: [3, 3] }), /both was told version 3 of cart-2 instead of 2/)
  })

  test('finds a conflict that was none, and a version the stream did not have then', () => {
    const told = (actual: number, stream = 'cart-1') =>
      checkAppends(
        changed('stale', () => ({ outcome: { ok: false, reason: 'conflict', stream, actual } })),
        log,
      )
    finds(told(2), /stale was refused at 2, which is what it expected/)
    finds(told(1), /stale was told version 1 of cart-1, which was between 3 and 3/)
    finds(told(4), /stale was told version 4 of cart-1, which was between 3 and 3/)
    finds(told(2, 'cart-2'), /stale was told of cart-2, which it does not write/)
  })

  test('finds an append that lies before what was acknowledged before it began', () => {
    const late = changed('first', () => ({ invoked: 1_000, completed: 1_001 }))
    finds(checkAppends(late, log), /first lies at 1, before what was acknowledged before it began/)
    const check = changed('check', () => ({ invoked: 1_000, completed: 1_001 }))
    finds(checkAppends(check, log), /check lies at 6, before/)
  })

  test('finds gaps, repeats, strangers and times that fall in the log', () => {
    finds(checkAppends(history.attempts, log.toSpliced(2, 1)), /position 4 stands where 3 belongs/)
    finds(checkAppends(history.attempts, log.toSpliced(2, 1)), /all|version/)
    const twice = [...log, { ...log[0]!, position: log.length + 1, version: 4 }]
    finds(checkAppends(history.attempts, twice), /is in the log twice/)
    const stranger = log.with(0, { ...log[0]!, event_id: 'stranger' })
    finds(checkAppends(history.attempts, stranger), /nobody wrote event stranger at position 1/)
    const early = log.with(3, { ...log[3]!, timestamp: '1999-01-01T00:00:00.000Z' })
    finds(checkAppends(history.attempts, early), /position 4 was recorded before its predecessor/)
    const version = log.with(2, { ...log[2]!, version: 2 })
    finds(checkAppends(history.attempts, version), /cart-1 has version 2 where 3 belongs/)
  })
})

describe('the checker of reads', () => {
  const check = (pages: readonly Page[]) => checkReads(pages, history.attempts, log)
  const page = (i: number, more: Partial<Page>) =>
    history.pages.map((one, j) => (i === j ? { ...one, ...more } : one))

  test('passes a good history', () => {
    deepEqual(check(history.pages), [])
  })

  test('finds a reader who missed an event', () => {
    const { events } = history.pages[1]!
    finds(check(page(1, { events: events.toSpliced(1, 1) })), /saw position 6 where 5 belongs/)
  })

  test('finds a page that lacked what was acknowledged before it was asked for', () => {
    const { events } = history.pages[1]!
    finds(
      check(page(1, { events: events.slice(0, 1) })),
      /saw the log end at 4; 6 was acknowledged/,
    )
  })

  test('finds an event that was different when it was read', () => {
    const { events } = history.pages[0]!
    const other = events.with(1, { ...events[1]!, data: { text: 'something else' } })
    finds(check(page(0, { events: other })), /saw another event 2 than the log has/)
  })

  test('finds an event that is not in the log any more', () => {
    finds(checkReads(history.pages, [], log.slice(0, 4)), /saw another event 5 than the log has/)
  })

  test('finds a reader who went back, and a page that is too long', () => {
    finds(check(page(1, { after: 2 })), /stood at 3/)
    finds(check(page(0, { limit: 2 })), /got 3 events instead of 2/)
  })
})

describe('the checker of commands', () => {
  const check = (attempts: readonly Attempt[], more = records) => checkCommands(attempts, log, more)

  test('passes a good history', () => {
    deepEqual(check(history.attempts), [])
  })

  test('passes a command whose answer was lost, stored or not', () => {
    const lost = changed('order', () => ({ outcome: 'unknown' }))
    deepEqual(check(lost), [])
    const alone = lost.filter(({ name }) => name !== 'again' && name !== 'other')
    deepEqual(checkCommands(alone, without(idsOf('order')), []), [])
  })

  test('finds a command that was carried out twice', () => {
    const twice = changed('again', () => ({ outcome: named('order').outcome }))
    finds(check(twice), /c-1 was carried out 2 times/)
    const stored = changed('again', () => ({
      append: { ...named('last').append, command: asCommand('c-1') },
    }))
    finds(check(stored), /c-1 was carried out 2 times/)
  })

  test('finds answers that differ', () => {
    const record = { ...records[0]!, position: 1 }
    const differs = changed('again', () => ({ outcome: { ok: false, reason: 'repeated', record } }))
    finds(check(differs), /c-1 was answered with another record than is stored/)
  })

  test('finds other content taken for a repeat, and a repeat taken for other content', () => {
    const record = records[0]!
    finds(
      check(changed('other', () => ({ outcome: { ok: false, reason: 'repeated', record } }))),
      /called repeated, and is reused/,
    )
    finds(
      check(changed('again', () => ({ outcome: { ok: false, reason: 'reused', record } }))),
      /called reused, and is repeated/,
    )
  })

  test('finds a command that was judged anew after it had been carried out', () => {
    const refused: Verdict = { ok: false, reason: 'conflict', stream: 'cart-2', actual: 3 }
    finds(check(changed('again', () => ({ outcome: refused }))), /c-1 was judged anew/)
  })

  test('finds missing, foreign and wrong records', () => {
    finds(check(history.attempts, []), /c-1 was carried out and has no record/)
    finds(check(history.attempts, [...records, { ...records[0]!, id: 'c-9' }]), /nobody sent c-9/)
    const wrong = (more: Partial<CommandRecord>) =>
      check(history.attempts, [{ ...records[0]!, ...more }])
    finds(wrong({ position: 2 }), /c-1 was recorded at another place than was told/)
    finds(wrong({ response: 'other' }), /c-1 was recorded with another response/)
    finds(wrong({ fingerprint: 'x' }), /c-1 was recorded with other content/)
    const without = history.attempts.filter(({ name }) => name !== 'order')
    finds(check(without), /c-1 has a record and no effect/)
  })

  test('passes a command without events that met the record of its own first asking', () => {
    const without = history.attempts.filter(({ name }) => name !== 'order')
    const empty = without.map((attempt) =>
      attempt.name === 'again' ? { ...attempt, append: withoutEvents(attempt.append) } : attempt,
    )
    deepEqual(check(empty), [])
  })
})

const withoutEvents = (append: Append): Append => ({
  ...append,
  writes: append.writes.map((one) => ({ ...one, events: [] })),
})

test('an account names the seed, the problem and the attempts that show it, and stays short', () => {
  const problems = checkAppends(
    changed('both', (attempt) => ({ outcome: { ...toldOf(attempt), position: 9 } })),
    log,
  )
  const text = account(Array(50).fill(problems[0]), 77)
  match(text, /^50 problems \(SEED=77\)/)
  match(
    text,
    /both was told position 9 instead of 5\n {4}\[3–4\] both: cart-1@2\+1 cart-2@none\+2 → /,
  )
  ok(text.split('\n').length < 20)
})
