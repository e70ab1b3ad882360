// Work is shared out fairly, taken over from those who are gone, and never done by two at a time
// while the clocks run.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Leases } from '#storage/leases.ts'
import { openLeases } from '#storage/memory/leases.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { fairShare, LEASE_MS, type Sharer, sharer } from './shares.ts'

const WORK = Array.from({ length: 11 }, (_, i) => `work-${i}`)

describe('a fair share', () => {
  it('is the same for all, or one more, and all of them together are all the work', () => {
    for (let count = 1; count <= 13; count++) {
      const members = Array.from({ length: count }, (_, i) => `p-${i}`)
      const holders = new Map<string, string>()
      for (const me of members)
        for (const name of fairShare({ me, members, work: WORK, holders }).take) {
          ok(!holders.has(name))
          holders.set(name, me)
        }
      equal(holders.size, WORK.length)
      const sizes = members.map((me) => [...holders.values()].filter((by) => by === me).length)
      ok(Math.max(...sizes) - Math.min(...sizes) <= 1, String(sizes))
      // Nothing moves any more.
      for (const me of members) {
        const { keep, take } = fairShare({ me, members, work: WORK, holders })
        deepEqual(take, [])
        equal(keep.length, WORK.filter((name) => holders.get(name) === me).length)
      }
    }
  })

  it('gives up what is too much, and takes nothing that others hold', () => {
    const holders = new Map(WORK.map((name) => [name, 'a']))
    const view = { members: ['a', 'b'], work: WORK, holders }
    equal(fairShare({ me: 'a', ...view }).keep.length, 6)
    deepEqual(fairShare({ me: 'b', ...view }), { keep: [], take: [] })
  })

  it('is known to one who is not on the list of members yet', () => {
    const { take } = fairShare({ me: 'b', members: ['a'], work: WORK, holders: new Map() })
    equal(take.length, 5)
  })
})

/** Processes over one table of leases, whose clock the test moves. */
async function processes(work: readonly string[] = WORK) {
  let at = 0
  const now = () => at
  const leases = await openLeases(undefined, now)
  const open = (member: string, more: Partial<Parameters<typeof sharer>[0]> = {}) => {
    const told: (readonly string[])[] = []
    const errors: unknown[] = []
    const one = sharer({
      leases,
      group: 'projection',
      member,
      work,
      now,
      runs: async (names) => void told.push(names),
      onError: (error) => void errors.push(error),
      ...more,
    })
    return { ...one, told, errors, member }
  }
  return { leases, now, open, pass: (ms: number) => (at += ms) }
}

describe('sharing', () => {
  it('gives the first all, and the second its half once the first has let go', async () => {
    const { open } = await processes()
    const [a, b] = [open('a'), open('b')]
    await a.look()
    deepEqual(a.mine(), WORK)
    await b.look()
    deepEqual(b.mine(), [])
    await a.look()
    await b.look()
    deepEqual([a.mine().length, b.mine().length], [6, 5])
    deepEqual(b.told, [b.mine()])
    deepEqual([...a.mine(), ...b.mine()].sort(), [...WORK].sort())
  })

  it('gives nothing away before it has ended here', async () => {
    const { open } = await processes()
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const a = open('a', { runs: (names) => (names.length === 6 ? ended : Promise.resolve()) })
    const b = open('b')
    await a.look()
    await b.look()
    await a.look()
    await b.look()
    deepEqual([a.mine().length, b.mine().length], [6, 0])
    end()
    await sleep(1)
    await b.look()
    equal(b.mine().length, 5)
  })

  it('takes back what it gave away when nobody is left to take it', async () => {
    const { open, leases } = await processes()
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const a = open('a', { runs: (names) => (names.length === 6 ? ended : Promise.resolve()) })
    const b = open('b')
    await a.look()
    await b.look()
    await a.look()
    await b.stop()
    await a.look()
    equal(a.mine().length, 6)
    end()
    await sleep(1)
    await a.look()
    deepEqual(a.mine(), WORK)
    equal((await leases.held('projection/work/')).length, WORK.length)
  })

  it('ends what is under way before it stops', async () => {
    const { open } = await processes()
    let hasEnded = false
    const { promise: ended, resolve: end } = Promise.withResolvers<void>()
    const runs = async (names: readonly string[]) => {
      if (names.length > 0) return
      await ended
      hasEnded = true
    }
    const [a, b] = [open('a', { runs }), open('b')]
    await a.look()
    const stopped = a.stop()
    await sleep(1)
    await b.look()
    deepEqual([hasEnded, b.mine()], [false, []])
    end()
    await stopped
    await b.look()
    deepEqual([hasEnded, b.mine()], [true, WORK])
  })

  it('takes over from one that is gone when its leases have run out, and not before', async () => {
    const { open, pass } = await processes()
    const [a, b] = [open('a'), open('b')]
    await a.look()
    pass(LEASE_MS - 1)
    await b.look()
    deepEqual(b.mine(), [])
    pass(1)
    await b.look()
    deepEqual(b.mine(), WORK)
    // It comes back, and knows by its own clock that it has lost everything.
    a.expire()
    deepEqual([a.mine(), a.told.at(-1)], [[], []])
  })

  it('takes over at once from one that stops', async () => {
    const { open } = await processes()
    const [a, b] = [open('a'), open('b')]
    await a.look()
    await b.look()
    await a.stop()
    deepEqual([a.mine(), a.told.at(-1)], [[], []])
    await b.look()
    deepEqual(b.mine(), WORK)
  })

  it('counts from when it asked: an answer that was long on its way gives nothing', async () => {
    const { open, leases, pass } = await processes(['one'])
    const a = open('a', {
      leases: {
        ...leases,
        async acquire(...given) {
          const lease = await leases.acquire(...given)
          pass(LEASE_MS)
          return lease
        },
      },
    })
    await a.look()
    deepEqual([a.mine(), a.isMember()], [[], false])
    const b = open('b')
    await b.look()
    deepEqual(b.mine(), ['one'])
  })

  it('begins anew with what it lost and got back', async () => {
    const { open, pass } = await processes(['one'])
    const [a, b] = [open('a'), open('b')]
    await a.look()
    pass(LEASE_MS)
    await b.look()
    await b.stop()
    // Its own clock has not been looked at since.
    await a.look()
    deepEqual(a.told, [['one'], [], ['one']])
  })

  it('stops by itself when the leases cannot be reached, and goes on when they can', async () => {
    const { open, leases, pass } = await processes()
    let isAway = false
    const reachable = <T>(answer: () => Promise<T>) =>
      isAway ? Promise.reject(new Error('away')) : answer()
    const a = open('a', {
      leases: {
        ...leases,
        acquire: (...given) => reachable(() => leases.acquire(...given)),
        held: (prefix) => reachable(() => leases.held(prefix)),
      },
    })
    await a.look()
    equal(a.isMember(), true)
    isAway = true
    pass(LEASE_MS - 1)
    await a.look()
    a.expire()
    equal(a.mine().length, WORK.length)
    pass(1)
    a.expire()
    deepEqual([a.mine(), a.told.at(-1), a.isMember()], [[], [], false])
    isAway = false
    await a.look()
    deepEqual([a.mine(), a.isMember()], [WORK, true])
  })

  it('leaves no work undone that old processes do not know of', async () => {
    const { open, pass } = await processes()
    const old = open('a', { work: WORK.slice(0, 10) })
    const young = open('b')
    for (let i = 0; i < 20; i++) {
      await old.look()
      await young.look()
      pass(LEASE_MS / 10)
    }
    deepEqual([...old.mine(), ...young.mine()].sort(), [...WORK].sort())
    const before = young.told.length
    for (let i = 0; i < 20; i++) {
      await young.look()
      await old.look()
      pass(LEASE_MS / 10)
    }
    equal(young.told.length, before, 'it is not given up again and again')
  })

  it('looks by itself, and hears of a failure without ending', async () => {
    const leases = await openLeases()
    const errors: unknown[] = []
    let fails = true
    const one = sharer({
      leases: {
        ...leases,
        held: (prefix) => (fails ? Promise.reject(new Error('away')) : leases.held(prefix)),
      },
      group: 'saga',
      member: 'a',
      work: WORK,
      runs: async () => {},
      onError: (error) => void errors.push(error),
      leaseMs: 100,
    })
    await one.start()
    equal(errors.length, 1)
    fails = false
    while (one.mine().length < WORK.length) await sleep(5)
    await one.stop()
    deepEqual(await leases.held('saga/'), [])
  })
})

const STEP_MS = 100
const SEED = seedOfRun()

type Process = Sharer & {
  readonly member: string
  pausedUntil: number
  lookAt: number
  isDead: boolean
}

/** Joins, pauses, deaths and returns at random; every belief is compared after every step. */
async function simulation(seed: number) {
  const random = seeded(seed)
  const { leases, now, open, pass } = await processes()
  let running: Process[] = []
  let joined = 0
  let calm = false
  const paused = (one: Process) => now() < one.pausedUntil
  const join = () => {
    const member = `p-${joined++}`
    const box: { process?: Process } = {}
    // A paused process does nothing, wherever it was: also in the middle of a look.
    const awake = async () => {
      while (box.process !== undefined && paused(box.process)) await tick()
      if (box.process?.isDead) throw new Error('the dead do nothing')
    }
    const slowly = async <T>(call: () => Promise<T>) => {
      await awake()
      const answer = await call()
      // An answer on its way, while time passes and others act.
      for (let late = random.chance(0.1) ? random.int(1, 20) : 0; late > 0 && !calm; late--)
        await tick()
      await awake()
      return answer
    }
    const slowed: Leases = {
      ...leases,
      acquire: (...given) => slowly(() => leases.acquire(...given)),
      held: (prefix) => slowly(() => leases.held(prefix)),
    }
    box.process = Object.assign(open(member, { leases: slowed }), {
      pausedUntil: 0,
      lookAt: 0,
      isDead: false,
    })
    running.push(box.process)
  }
  const disturb = async () => {
    const one = running.length > 0 ? random.pick(running) : undefined
    const what = random.pick(['join', 'pause', 'kill', 'stop'] as const)
    if (one === undefined || what === 'join') {
      if (running.length < 5) join()
    } else if (what === 'pause') one.pausedUntil = now() + random.int(STEP_MS, 3 * LEASE_MS)
    else {
      running = running.filter((other) => other !== one)
      if (what === 'stop' && !paused(one)) await one.stop()
      one.pausedUntil = 0
      one.isDead = true
    }
  }
  const looks = new Set<Promise<void>>()
  const step = async () => {
    for (const one of random.shuffled(running)) {
      if (paused(one)) continue
      one.expire()
      if (now() < one.lookAt) continue
      one.lookAt = now() + random.int(STEP_MS, LEASE_MS / 10)
      const look = one.look().finally(() => looks.delete(look))
      looks.add(look)
      // Some looks are met by what comes next before they have ended.
      if (random.chance(0.7)) await Promise.race([look, tick()])
    }
    await tick()
    pass(STEP_MS)
  }
  const beliefs = () => {
    const believed = new Map<string, string>()
    for (const one of running.filter((each) => !paused(each))) {
      one.expire()
      for (const name of one.mine()) {
        equal(believed.get(name), undefined, `two do ${name} at ${now()} (SEED=${seed})`)
        believed.set(name, one.member)
      }
    }
    return believed
  }
  let settled = 0
  for (let round = 0; round < 60; round++) {
    calm = false
    for (let i = random.int(1, 4); i > 0; i--) {
      await disturb()
      for (let j = random.int(0, 30); j > 0; j--) {
        await step()
        beliefs()
      }
    }
    calm = true
    for (const one of running) one.pausedUntil = Math.min(one.pausedUntil, now())
    if (running.length === 0) continue
    for (let passed = 0; passed <= 2 * LEASE_MS; passed += STEP_MS) {
      await step()
      beliefs()
    }
    const believed = beliefs()
    equal(believed.size, WORK.length, `all is done (SEED=${seed})`)
    const sizes = running.map((one) => one.mine().length)
    ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${sizes} (SEED=${seed})`)
    settled++
  }
  for (const one of running) one.pausedUntil = 0
  await Promise.all(looks)
  return settled
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('one to five processes that join, pause, die and come back', () => {
  for (let run = 0; run < 5; run++)
    it(`agree within two leases, and no two do the same (SEED=${SEED + run})`, async () => {
      ok((await simulation(SEED + run)) > 20)
    })
})
