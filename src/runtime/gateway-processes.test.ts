// Two gateways over one log stand for two processes: each remembers states, and each may be wrong
// about what the other has written since.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { accept, aggregate, command, reject } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { integer, object, text } from '#kernel/schema.ts'
import type { EventLog, LoadRequest } from '#storage/event-log.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { type CommandGateway, commandGateway } from './gateway.ts'
import { numberEvents, numbersFrom } from './number-series.ts'
import { personalData } from './personal.ts'

const events = eventTypes({ Moved: { data: object({ amount: integer() }) } })
const shelf = aggregate({
  type: 'shelf',
  state_version: 1,
  events,
  initial: 0,
  evolve: { Moved: (left, { amount }) => left + amount },
})
const move = command({
  type: 'Move',
  input: object({ shelf: text(), amount: integer() }),
  reads: ({ shelf: id }) => [shelf.at(id)],
  decide: ({ shelf: id, amount }, given) => {
    const left = given.state(shelf.at(id)) + amount
    if (left < 0) return reject('insufficient_stock', 'Not enough is left.')
    return accept([shelf.write(id, [shelf.event('Moved', { amount })])], { left })
  },
  answer: object({ left: integer() }),
})

/** Both shelves always hold the same: who sees them differ is not up to date, or found a bug. */
const moveBoth = command({
  type: 'MoveBoth',
  input: object({ one: text(), other: text(), amount: integer() }),
  reads: ({ one, other }) => [shelf.at(one), shelf.at(other)],
  decide: ({ one, other, amount }, given) => {
    const [left, right] = [given.state(shelf.at(one)), given.state(shelf.at(other))]
    if (left !== right) throw new Error(`${one} holds ${left}, and ${other} ${right}`)
    const moved = shelf.event('Moved', { amount })
    return accept([shelf.write(one, [moved]), shelf.write(other, [moved])], { left })
  },
  answer: object({ left: integer() }),
})

describe('command gateways of two processes', () => {
  let log: EventLog
  let loads: LoadRequest[]
  let here: CommandGateway
  let there: CommandGateway

  beforeEach(async () => {
    const shared = await openEventLog()
    loads = []
    log = {
      ...shared,
      capabilities: { durable: false, manyProcesses: true },
      load: async (requests) => {
        loads.push(...requests)
        return shared.load(requests)
      },
    }
    const keys = await openKeyRing()
    const types = { ...events, ...numberEvents }
    const gateway = () =>
      commandGateway({
        log,
        commands: [move, moveBoth],
        types,
        personal: personalData(types, keys),
        numbers: numbersFrom(log),
        now: () => new Date().toISOString(),
        settings: {},
        attemptsMax: 1_000,
      })
    here = gateway()
    there = gateway()
    await here.send('Move', { shelf: 's', amount: 1 })
  })

  it('refuse nothing on what is only remembered', async () => {
    await there.send('Move', { shelf: 's', amount: 9 })
    const taken = await here.send('Move', { shelf: 's', amount: -10 })
    deepEqual(taken.ok && taken.response, { left: 0 })
    const more = await there.send('Move', { shelf: 's', amount: -1 })
    equal(!more.ok && more.rejection.code, 'insufficient_stock')
  })

  it('do not fail on states that are remembered from different moments', async () => {
    const both = { one: 'a', other: 'b', amount: 1 }
    await here.send('MoveBoth', both)
    await there.send('MoveBoth', both)
    // Reads one of the two as it is by now; the other stays as it is remembered.
    await here.send('Move', { shelf: 'a', amount: 0 }, { expected_version: 3 })
    await here.send('Move', { shelf: 'a', amount: 0 }, { expected_version: 2 })
    const moved = await here.send('MoveBoth', both)
    deepEqual(moved.ok && moved.response, { left: 2 })
    await here.send('Move', { shelf: 'a', amount: 5 })
    await rejects(here.send('MoveBoth', both), /a holds 8, and b 3/)
  })

  it('accept nothing on what is only remembered', async () => {
    await there.send('Move', { shelf: 's', amount: -1 })
    const taken = await here.send('Move', { shelf: 's', amount: -1 })
    equal(!taken.ok && taken.rejection.code, 'insufficient_stock')
  })

  it('judge an expected version by the log', async () => {
    await there.send('Move', { shelf: 's', amount: 9 })
    const input = { shelf: 's', amount: 1 }
    const right = await here.send('Move', input, { expected_version: 2 })
    equal(right.ok && right.version, 3)
    const old = await there.send('Move', input, { expected_version: 2 })
    deepEqual(!old.ok && old.rejection.details, { current_version: 3 })
  })

  it('answer a command that the other has carried out, also when it would be refused by now', async () => {
    const input = { shelf: 's', amount: -1 }
    const first = await there.send('Move', input, { command_id: 'c-1' })
    const again = await here.send('Move', input, { command_id: 'c-1' })
    ok(first.ok && again.ok && again.replayed && !first.replayed)
    deepEqual([again.position, again.response], [first.position, first.response])
  })

  it('ask only for what came since', async () => {
    await there.send('Move', { shelf: 's', amount: 9 })
    loads.length = 0
    await here.send('Move', { shelf: 's', amount: -10 })
    deepEqual(
      loads.map(({ after }) => after),
      [1],
    )
  })

  it('never sell a piece twice, and sell every piece', async () => {
    await here.send('Move', { shelf: 's', amount: 49 })
    const buyers = Array.from({ length: 200 }, (_, i) =>
      (i % 2 === 0 ? here : there).send('Move', { shelf: 's', amount: -1 }),
    )
    const outcomes = await Promise.all(buyers)
    equal(outcomes.filter((outcome) => outcome.ok).length, 50)
    for (const outcome of outcomes)
      ok(outcome.ok || outcome.rejection.code === 'insufficient_stock', JSON.stringify(outcome))
    equal((await log.readStream('shelf-s')).length, 52)
  })
})
