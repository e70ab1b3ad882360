// Histories of the whole runtime, each made of a seed: some that are kept because they once failed,
// some new ones at every run, and some with a part that is broken on purpose, which the checks have
// to find. SEED=… says the first of the new ones, HISTORIES=… how many.
import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { shop } from '#app/simulate.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { BREAKS, type Break } from './breaks.ts'
import { runHistory } from './history.ts'
import { takeOver } from './machine.ts'
import { scheduler, somebody } from './scheduler.ts'
import {
  account,
  HISTORIES_ENOUGH,
  missed,
  type Simulation,
  simulate,
  summary,
} from './simulate.ts'
import { SOMETIMES } from './sometimes.ts'
import { swarmOf } from './swarm.ts'

const SEED = seedOfRun()
const HISTORIES = Number(process.env.HISTORIES ?? 120)
/** Each was found within 40. */
const BROKEN_MAX = 150

const failuresOf = ({ failures }: Simulation) => failures.map((one) => account(one)).join('\n')
const noLimits = { shop, seconds: Number.POSITIVE_INFINITY }

describe('one seed is one history', () => {
  it('twice the same steps, faults and events', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const first = await runHistory({ seed, shop })
      const second = await runHistory({ seed, shop })
      equal(second.hash, first.hash, `seed ${seed}`)
      deepEqual(first.findings, [], `seed ${seed}`)
      deepEqual(second.faults, first.faults, `seed ${seed}`)
    }
  })
  it('another seed is another history', async () => {
    const [one, other] = [await runHistory({ seed: 1, shop }), await runHistory({ seed: 2, shop })]
    notEqual(one.hash, other.hash)
  })
})

describe('the machine in the hands of a scheduler', () => {
  const newOne = (stepsMax = 1_000) => scheduler({ random: seeded(SEED), stepsMax, traceMax: 10 })

  it('waits an hour in no time, and gives the clock back', async () => {
    const made = newOne()
    const before = performance.now()
    const real = [Date, setTimeout, performance.now]
    const giveBack = takeOver(made, seeded(1))
    try {
      await made.run(somebody('test'), async () => {
        const [from, then] = [Date.now(), performance.now()]
        await sleep(3_600_000)
        equal(Date.now() - from, 3_600_000)
        equal(performance.now() - then, 3_600_000)
        equal(new Date().toISOString(), '2024-01-15T09:00:00.000Z')
      })
    } finally {
      giveBack()
    }
    deepEqual([Date, setTimeout, performance.now], real)
    ok(performance.now() - before < 60_000)
  })
  it('says so when nothing is left that could go on, and when it goes on for ever', async () => {
    const stuck = newOne().run(somebody('test'), () => new Promise(() => {}))
    equal(await stuck.catch(String), 'Error: nothing is left to do, and somebody still waits')
    const made = newOne(50)
    const giveBack = takeOver(made, seeded(1))
    const endless = made.run(somebody('test'), async () => {
      for (;;) await sleep(1)
    })
    const why = await endless.catch(String)
    giveBack()
    equal(why, 'Error: it does not come to an end: 50 steps')
  })
  it('drops what the dead wait for', async () => {
    const made = newOne()
    const mortal = somebody('mortal')
    let lived = false
    await made.run(somebody('test'), async () => {
      made.at(mortal, 5, 'too late', () => {
        lived = true
      })
      mortal.dead = true
      await new Promise<void>((resolve) => made.at(made.current(), 10, 'later', resolve))
    })
    equal(lived, false)
  })
})

describe('histories that once failed', () => {
  it('a clock that goes back does not make an expiry a thing of the past', async () => {
    // One in ten of these kept its stock for ever.
    for (let seed = 1; seed <= 20; seed++) {
      const drawn = swarmOf(seed)
      const features = { ...drawn.features, ...UNSTEADY }
      const swarm = { ...drawn, ...SLOW_PAYERS, features }
      deepEqual((await runHistory({ seed, shop, swarm })).findings, [], `seed ${seed}`)
    }
  })
  // What a seed draws changes with the simulation; these were found with it as it is.
  it('seeds that found something', async () => {
    for (const seed of KEPT)
      deepEqual((await runHistory({ seed, shop })).findings, [], `seed ${seed}`)
  })
})
/**
 * Where to begin with what shows in one of some hundred histories. A seed means another history
 * when the runtime takes other steps: `simulate --break NAME --histories 2000` finds a new one.
 */
const FROM: Readonly<Record<string, number>> = { unfenced: 130 }
const KEPT = [1091, 1119, 1140, 1260, 100_498]
const UNSTEADY = { 'late payers': true, 'unsteady clocks': true, crashes: false }
const SLOW_PAYERS = { clients: 3, thinkMs: 300, stock: 100, reservationTtlMs: 500, latencyMs: 20 }

it(`whatever fails, every promise is kept (SEED=${SEED})`, async (t) => {
  const all = await simulate({ ...noLimits, seed: SEED, histories: HISTORIES })
  equal(all.failures.length, 0, failuresOf(all))
  t.diagnostic(summary(all))
  const count = (kind: string) =>
    [...all.faults].reduce((sum, [name, times]) => (name.endsWith(kind) ? sum + times : sum), 0)
  // So few may miss one; none of many may.
  const isMany = HISTORIES >= 100
  for (const kind of ['refused', 'unanswered', 'lost', 'slow', 'duplicate', 'cut', 'overtaken'])
    ok(!isMany || count(kind) > 0, `no call was ever ${kind}`)
  ok(!isMany || all.crashes > 0, 'no process ever died')
  deepEqual(missed(all), [])
})

it('a run in which something never happened has proved nothing', () => {
  const none = { histories: HISTORIES_ENOUGH, tally: new Map() } as unknown as Simulation
  deepEqual(missed(none), [...SOMETIMES])
})

describe('a part that is broken on purpose is found', () => {
  for (const [name, [about, check]] of Object.entries(BREAKS))
    it(`${name}: ${about} (${check})`, async () => {
      const from = FROM[name] ?? 1
      for (let seed = from; seed < from + BROKEN_MAX; seed++) {
        const { findings } = await runHistory({ seed, shop, brokenPart: name as Break })
        if (findings.some((finding) => finding.check === check)) return
      }
      ok(false, `${BROKEN_MAX} histories, and ${check} noticed nothing`)
    })
})
