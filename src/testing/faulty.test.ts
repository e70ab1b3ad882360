// The failing log: faults really happen, are told rightly, and histories stay good under all of
// them.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventLogContract } from '#storage/event-log.contract.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { checkAppends } from './append-checker.ts'
import { type FaultRates, faulty } from './faulty.ts'
import { account, openHistory } from './history.ts'
import { race, wholeLog } from './racing-writers.ts'
import { seeded, seedOfRun } from './random.ts'
import { checkReads } from './read-checker.ts'
import { append } from './sample-appends.ts'

eventLogContract('memory, slow', async () => ({
  port: faulty(await openEventLog(), seeded(1), { slow: 0.3 }),
  remove: async () => {},
}))

describe('a failing log', () => {
  const always = async (rates: Partial<FaultRates>) => {
    const log = await openEventLog()
    return { log, failing: faulty(log, seeded(1), rates) }
  }

  test('refuses without writing', async () => {
    const { log, failing } = await always({ refused: 1 })
    await rejects(failing.append(append('note-1')), { name: 'StorageFull' })
    equal((await log.head()).position, 0)
  })

  test('loses an answer after writing, or a write with its answer: nobody can tell which', async () => {
    const written = await always({ unanswered: 1 })
    await rejects(written.failing.append(append('note-1')), { name: 'OutcomeUnknown' })
    equal((await written.log.head()).position, 1)
    const lost = await always({ lost: 1 })
    await rejects(lost.failing.append(append('note-1')), { name: 'OutcomeUnknown' })
    equal((await lost.log.head()).position, 0)
  })

  test('fails to read, counts what happened, and heals', async () => {
    const { failing } = await always({ unread: 1 })
    await rejects(failing.readAll(0, 10))
    await rejects(failing.head())
    equal(failing.faults.unread, 2)
    failing.heal()
    deepEqual(await failing.readAll(0, 10), [])
    equal(failing.faults.unread, 2)
  })

  test('passes no wake-up on', async () => {
    const { log, failing } = await always({ unheard: 1 })
    let heard = 0
    failing.onAppended(() => heard++)
    const done = new Promise((resolve) => log.onAppended(resolve))
    await failing.append(append('note-1'))
    await done
    deepEqual([heard, failing.faults.unheard], [0, 1])
  })

  test('fails the same way for the same seed', async () => {
    const run = async () => {
      const log = faulty(await openEventLog(), seeded(7), { refused: 0.3, lost: 0.2 })
      const told: string[] = []
      for (let i = 0; i < 50; i++)
        await log.append(append('note-1')).then(
          () => told.push('ok'),
          (error: Error) => told.push(error.name),
        )
      return told
    }
    deepEqual(await run(), await run())
  })
})

const SEED = seedOfRun()
test(`histories stay good under every fault at once (SEED=${SEED})`, async () => {
  const random = seeded(SEED)
  const rates = { refused: 0.05, unanswered: 0.05, lost: 0.05, unread: 0.1, slow: 0.3 }
  const log = faulty(await openEventLog(), random, rates)
  const history = openHistory()
  await race([log], history, random, { writers: 16, steps: 60 })
  log.heal()
  const events = await wholeLog(log)
  const problems = [
    ...checkAppends(history.attempts, events),
    ...checkReads(history.pages, history.attempts, events),
  ]
  equal(problems.length, 0, account(problems, SEED))
  for (const fault of ['refused', 'unanswered', 'lost', 'unread', 'slow'] as const)
    ok(log.faults[fault] > 0, `${fault} never happened`)
})
