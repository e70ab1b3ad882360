// Commands whose decision is a bug: it throws, asks for ever, or wants more stored than there may
// be. The sender gets an error, nothing is stored, and the stream and the command's id are free.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { accept, aggregate, ask, command, type Decision } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { integer, object, text } from '#kernel/schema.ts'
import { engines } from '#storage/engines.ts'
import { EVENT_BYTES_MAX, EVENTS_PER_APPEND_MAX } from '#storage/event-log.ts'
import { commandGateway } from './gateway.ts'
import { numberEvents, numbersFrom } from './number-series.ts'
import { personalData } from './personal.ts'

const events = eventTypes({
  Moved: { data: object({ amount: integer(), note: text({ max: 2 * EVENT_BYTES_MAX }) }) },
})
const account = aggregate({
  type: 'account',
  state_version: 1,
  events,
  initial: { balance: 0 },
  evolve: { Moved: (state, { amount }) => ({ balance: state.balance + amount }) },
})
const moved = (amount: number, note = '-') => account.event('Moved', { amount, note })
const write = (...facts: ReturnType<typeof moved>[]) =>
  accept([account.write('a', facts)], { balance: 0 })

let isMended = false
let asked = 0
const BUGS: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
  Throws: [
    () => {
      throw new Error('a bug')
    },
    /a bug/,
  ],
  ThrowsNothing: [
    () => {
      throw undefined
    },
    /undefined/,
  ],
  Overflows: [
    function endless(): unknown {
      return endless()
    },
    /call stack/,
  ],
  Promises: [async () => write(moved(1)), /./],
  ReturnsNothing: [() => undefined, /./],
  AsksForEver: [() => ask([account.at(`other${asked++}`)]), /asked for more streams 5 times/],
  TooMany: [
    () => write(...Array.from({ length: EVENTS_PER_APPEND_MAX + 1 }, () => moved(1))),
    /5001 events in one append; 5000 is the limit/,
  ],
  TooLarge: [() => write(moved(1, 'x'.repeat(EVENT_BYTES_MAX))), /Moved is larger than 1048576/],
  OfNoSchema: [() => write(moved(0.5)), /Moved/],
}

const commands = [
  ...Object.entries(BUGS).map(([type, [bug]]) =>
    command({
      type,
      input: object({}),
      reads: () => [account.at('a')],
      // That it is no decision is what is tried.
      decide: () => (isMended ? write(moved(10)) : bug()) as Decision,
      answer: object({ balance: integer() }),
    }),
  ),
  command({
    type: 'Move',
    input: object({}),
    reads: () => [account.at('a')],
    decide: () => write(moved(1)),
    answer: object({ balance: integer() }),
  }),
]

for (const engine of ['memory', 'sqlite'] as const)
  test(`a decision that is a bug stores nothing and is in nobody’s way (${engine})`, async (t) => {
    const stored = await engines[engine]()
    const folder = mkdtempSync(join(tmpdir(), 'daybook-poison-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const log = await stored.openEventLog({ path: join(folder, 'log.db') })
    const types = { ...events, ...numberEvents }
    const keys = await stored.openKeyRing({ path: join(folder, 'keys.db') })
    const personal = personalData(types, keys)
    const { send } = commandGateway({
      ...{ log, commands, types, personal },
      numbers: numbersFrom(log),
      now: () => new Date().toISOString(),
      settings: {},
    })
    const version = async () => (await log.readStream('account-a', 0, 100)).length
    for (const [type, [, why]] of Object.entries(BUGS)) {
      isMended = false
      const before = await version()
      const meta = { command_id: `${type} 1` }
      const [first, second, between] = await Promise.allSettled([
        send(type, {}, meta),
        send(type, {}, meta),
        send('Move', {}),
      ])
      for (const one of [first, second])
        await rejects(
          one.status === 'rejected' ? Promise.reject(one.reason) : Promise.resolve(),
          (error) => {
            match(String(error), why, type)
            return true
          },
        )
      equal(between.status, 'fulfilled', `${type}: ${(between as PromiseRejectedResult).reason}`)
      equal(await version(), before + 1, type)

      // The same command again, once it is mended: it was never carried out.
      isMended = true
      const again = await send(type, {}, meta)
      deepEqual([again.ok, again.ok && again.replayed], [true, false], type)
      ok((await send('Move', {})).ok, type)
      equal(await version(), before + 3, type)
    }
    await log.close()
    await keys.close()
  })
