// What goes wrong while the shop trades: processes are killed, frozen, told to stop and started
// again with clocks that are wrong; the store is struck by whatever its place offers. Every fault
// that happened is counted, and each kind happens before any happens again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from '#testing/fleet.ts'
import { type Random, seeded } from '#testing/random.ts'
import type { Strike } from './places.ts'

export type Faults = {
  /** How often each kind happened. */
  readonly counts: ReadonlyMap<string, number>
  /** Processes that ended though nobody had ended them, or not as they should. */
  readonly surprises: readonly string[]
  /** No more faults; resolves when everything runs. */
  stop(): Promise<void>
}
export type Shop = {
  readonly fleet: Fleet
  /** Name and roles. */
  readonly members: Readonly<Record<string, string>>
}

/** A lease lasts five seconds: somebody who sleeps for longer wakes up without it. */
const LONG_PAUSE_MS = 6_500
const START_WITHIN_MS = 60_000
/** Behind by more than a restart takes, so that time goes back; ahead by what may wait for it. */
const BEHIND_MS = [6_000, 10_000] as const
const AHEAD_MS = [500, 4_000] as const
const CLOCK = new URL(
  `../testing/skewed-clock.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
  import.meta.url,
).href

export async function startAll({ fleet, members }: Shop): Promise<void> {
  // One after the other: the first one sets the store up.
  for (const [name, roles] of Object.entries(members)) await fleet.start(name, roles)
}

export function startFaults(shop: Shop, strikes: readonly Strike[], seed: number): Faults {
  const { fleet, members } = shop
  const counts = new Map<string, number>()
  const surprises: string[] = []
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1)
  let isOver = false
  let ahead = 1

  const startAgain = async (name: string, random: Random) => {
    // In turn.
    ahead = -ahead
    const skew = ahead < 0 ? -random.int(...BEHIND_MS) : random.int(...AHEAD_MS)
    const own = { imports: [CLOCK], env: { CLOCK_SKEW_MS: String(skew) } }
    const until = performance.now() + START_WITHIN_MS
    for (;;) {
      try {
        await fleet.start(name, members[name]!, skew === 0 ? {} : own)
        if (skew !== 0) count('clock wrong')
        return
      } catch (error) {
        // While its store is away it cannot start; it is no surprise that it says so and ends.
        await fleet.kill(name)
        if (performance.now() > until) throw error
        await sleep(200)
      }
    }
  }
  const acts = processStrikes(shop, startAgain, surprises)

  /** The gravest, so that a short run has it too; then all in random order, again and again. */
  const striking = async ([gravest, ...rest]: readonly Strike[], random: Random) => {
    if (gravest === undefined) return
    let round = [gravest, ...random.shuffled(rest)]
    while (!isOver) {
      for (const { name, strike } of round) {
        await sleep(random.int(500, 2_000))
        if (isOver) return
        count(name)
        await strike(random)
        for (const ended of fleet.ended()) {
          surprises.push(`${ended.name} ended by itself with code ${ended.code}`)
          await startAgain(ended.name, random)
        }
      }
      round = random.shuffled([gravest, ...rest])
    }
  }
  const going = Promise.all([striking(acts, seeded(seed)), striking(strikes, seeded(seed + 1))])
  going.catch(() => {})
  return {
    counts,
    surprises,
    async stop() {
      isOver = true
      await going
    },
  }
}

type StartAgain = (name: string, random: Random) => Promise<void>

/** The gravest first. */
function processStrikes(
  { fleet, members }: Shop,
  startAgain: StartAgain,
  surprises: string[],
): readonly Strike[] {
  const names = Object.keys(members)
  const pause = async (name: string, ms: number) => {
    fleet.pause(name)
    await sleep(ms)
    fleet.resume(name)
  }
  const alone: readonly Strike[] = [
    {
      name: 'process killed',
      async strike(random) {
        const name = random.pick(names)
        await fleet.kill(name)
        await sleep(random.int(0, 400))
        await startAgain(name, random)
      },
    },
    {
      name: 'process paused',
      strike: (random) => pause(random.pick(names), random.int(100, 1_200)),
    },
    {
      name: 'process stopped',
      async strike(random) {
        const name = random.pick(names)
        const code = await fleet.stop(name)
        if (code !== 0) surprises.push(`${name}, told to stop, left with code ${code}`)
        await startAgain(name, random)
      },
    },
  ]
  if (names.length === 1) return alone
  const asleep = (random: Random) => pause(random.pick(names), LONG_PAUSE_MS)
  return [...alone, { name: 'process asleep beyond its lease', strike: asleep }]
}
