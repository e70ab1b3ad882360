// The database itself is killed while processes write, and comes back: what was acknowledged is
// there, nothing is there twice, and the processes go on by themselves.
import { ok } from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { judge } from '#storage/event-log-kills.contract.ts'
import { machineTick, openHistory } from '#testing/history.ts'
import { onPostgres, ownPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { writerProcess } from '#testing/writer-process.ts'
import { openEventLog } from './event-log.ts'

const PROCESSES = 2
const CRASHES = 3

await onPostgres('a PostgreSQL that is killed', () => {
  const seed = seedOfRun()
  it(`loses nothing acknowledged, ${CRASHES} times in a row (SEED=${seed})`, async (t) => {
    const random = seeded(seed)
    const cluster = await ownPostgres()
    const history = openHistory(machineTick)
    // A server may take long to come back.
    const patience = { beginWithinMs: 120_000, settleWithinMs: 120_000 }
    const place = { path: '', url: cluster.url, patience }
    const writers = Array.from({ length: PROCESSES }, (_, nth) =>
      writerProcess('postgres', place, history, [`${seed}`, '0', `${nth}`]),
    )
    // One that gave up is heard of below, where its end is waited for.
    let gaveUp = false
    for (const { ended } of writers) ended.catch(() => (gaveUp = true))
    const eachAnswered = async (more: number) => {
      const goals = writers.map(({ answers }) => answers() + more)
      while (!gaveUp && writers.some(({ answers }, i) => answers() < goals[i]!)) await wait(2)
    }
    try {
      for (let crash = 0; crash < CRASHES; crash++) {
        await eachAnswered(random.int(20, 100))
        await cluster.crash()
      }
      await eachAnswered(20)
      for (const { kill } of writers) kill()
      for (const { ended } of writers) await ended
      const log = await openEventLog({ url: cluster.url })
      await judge(log, history, seed)
      t.diagnostic(`${history.attempts.length} appends asked for`)
      ok(history.attempts.length > CRASHES * PROCESSES * 20)
      await log.close()
    } finally {
      for (const { kill } of writers) kill()
      await cluster.stop()
    }
  })
})
