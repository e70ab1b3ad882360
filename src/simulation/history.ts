// One history: clients and trouble first, then peace, in which everything has to come to its end,
// and then the checks. A seed says all of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '#testing/random.ts'
import { type Break, drawnFor } from './breaks.ts'
import { chaos, unsteady } from './chaos.ts'
import { checkHistory, type Finding } from './checks.ts'
import { clientsOf } from './clients.ts'
import { takeOver } from './machine.ts'
import { on, type Processes, processesOf, within } from './processes.ts'
import type { Scheduler } from './scheduler.ts'
import { somebody } from './scheduler.ts'
import type { Swarm } from './swarm.ts'
import { undone } from './undone.ts'
import { newScheduler, openWorld, type Shop, type World } from './world.ts'

export type HistoryOptions = {
  readonly seed: number
  readonly shop: Shop
  readonly brokenPart?: Break | null
  /** Instead of what the seed would draw. */
  readonly swarm?: Swarm
  /** All of the trace, not only its end. */
  readonly traced?: boolean
}
export type HistoryResult = {
  readonly seed: number
  readonly swarm: Swarm
  /** What was promised and not kept, the first first. */
  readonly findings: readonly Finding[]
  readonly operations: number
  readonly events: number
  readonly crashes: number
  readonly steps: number
  readonly virtualMs: number
  readonly faults: ReadonlyMap<string, number>
  readonly tally: ReadonlyMap<string, number>
  /** Equal for equal runs. */
  readonly hash: string
  readonly trace: readonly string[]
}

const TRACE_KEPT = 60
const TRACE_WHOLE = 1_000_000
const PEACE_MAX_MS = 180_000
const LOOK_MS = 500

export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const { seed, shop, brokenPart = null, traced = false } = options
  const { swarm = drawnFor(seed, brokenPart) } = options
  const traceMax = traced ? TRACE_WHOLE : TRACE_KEPT
  const scheduler = newScheduler(swarm, traceMax)
  const giveBack = takeOver(scheduler, seeded(seed ^ 0x3c6ef372))
  const failures: Finding[] = []
  // Planned errors are many, and nobody looks where they come from.
  const { stackTraceLimit } = Error
  if (!traced) Error.stackTraceLimit = 0
  const onUnhandled = (error: unknown) =>
    void failures.push({ check: 'C0', message: `nobody handled: ${spoken(error)}` })
  process.on('unhandledRejection', onUnhandled)
  let told: Told | null = null
  try {
    const teller = somebody('opening')
    await scheduler.run(teller, async () => {
      const world = await openWorld(scheduler, { swarm, shop, brokenPart, traceMax })
      told = { world, crashes: 0, commands: 0, hash: '' }
      await tell(world, told, failures)
    })
  } catch (error) {
    failures.push({ check: 'L0', message: spoken(error) })
  } finally {
    process.off('unhandledRejection', onUnhandled)
    giveBack()
    Error.stackTraceLimit = stackTraceLimit
  }
  return resultOf(swarm, scheduler, told, failures)
}

type Told = { readonly world: World; crashes: number; commands: number; hash: string }

const spoken = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

async function tell(world: World, told: Told, failures: Finding[]): Promise<void> {
  const processes = processesOf(world)
  const clients = clientsOf(world, processes)
  let isOver = false
  await processes.startAll()
  const over = () => isOver
  const trouble = Promise.all([chaos(world, processes, over), unsteady(world, processes, over)])
  try {
    await Promise.all([clients.run(), readersOf(world, over)])
  } finally {
    isOver = true
    await trouble
    told.crashes = processes.crashes()
    told.commands = clients.commands()
  }
  const left = await peace(world, processes)
  const contexts = processes.running()[0]?.contexts
  await processes.stopAll()
  if (contexts !== undefined) failures.push(...(await checkHistory(world, contexts)))
  // What is undone may be undone because of what is wrong.
  failures.push(...left.map((message) => ({ check: 'L1', message })))
  told.hash = await digest(world)
  await world.stores.reads.close()
}

/** Whoever reads the whole log while it is written. */
async function readersOf(world: World, isOver: () => boolean): Promise<void> {
  const { swarm, random, stores, pages } = world
  if (!swarm.features.readers) return
  let after = 0
  for (let rounds = 0; rounds < 40 && !isOver(); rounds++) {
    await sleep(random.int(1, 100))
    const asked = world.tick()
    const limit = random.int(1, 20)
    const events = await world.scheduler.as(world.network.far, () =>
      stores.log.readAll(after, limit),
    )
    pages.push({ reader: 'reader', asked, answered: world.tick(), after, limit, events })
    after = events.at(-1)?.position ?? after
  }
}

/** No faults any more: what is left undone after a while, in words. */
async function peace(world: World, processes: Processes): Promise<readonly string[]> {
  const { network, scheduler, poison } = world
  network.healed = true
  network.downUntil = 0
  poison.isOn = false
  scheduler.note('peace')
  await Promise.all(processes.slots.map(({ changing }) => changing))
  setClocks(world, processes)
  for (const { owner } of processes.running()) owner.pausedUntil = 0
  const until = scheduler.now() + PEACE_MAX_MS
  let left: readonly string[] = []
  while (scheduler.now() < until) {
    await sleep(LOOK_MS)
    await mend(world, processes)
    left = await undone(world, processes)
    if (left.length === 0) break
  }
  return left
}

/** All clocks show the same: as late as any ever did, so that nothing lies in the future. */
function setClocks({ network, teller, aheadMs }: World, processes: Processes) {
  for (const owner of [network.far, teller, ...processes.running().map(({ owner }) => owner)])
    owner.clockOffMs = aheadMs
}

/** An operator lets go of what is paused and has parked events taken again. */
async function mend(world: World, processes: Processes): Promise<void> {
  const [process] = processes.running()
  if (process === undefined) return
  const { reads } = world.stores
  const ask = (what: string, work: () => Promise<unknown>) =>
    within(30_000, on(world, process.owner, what, process.left, work)).catch((error) =>
      world.scheduler.note(`${what}: ${String(error)}`),
    )
  for (const [name, forEver] of await reads.held())
    if (forEver) await ask(`resume ${name}`, () => process.runner.resume(name))
  const parked = new Set((await reads.parked()).map(({ projection }) => projection))
  for (const { name } of process.projections)
    if (parked.has(name)) await ask(`retry ${name}`, () => process.runner.retryParked(name))
}

async function digest({ stores }: World): Promise<string> {
  const events = await stores.log.readAll(0, Number.MAX_SAFE_INTEGER)
  let hash = 0x811c9dc5
  for (const event of events) {
    const text = JSON.stringify(event)
    for (let at = 0; at < text.length; at++)
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return `${events.length}:${(hash >>> 0).toString(16)}`
}

function resultOf(
  swarm: Swarm,
  scheduler: Scheduler,
  told: Told | null,
  findings: readonly Finding[],
): HistoryResult {
  return {
    seed: swarm.seed,
    swarm,
    findings,
    operations: told?.commands ?? 0,
    events: Number(told?.hash.split(':')[0] ?? 0),
    crashes: told?.crashes ?? 0,
    steps: scheduler.steps(),
    virtualMs: scheduler.now(),
    faults: told?.world.network.fired ?? new Map(),
    tally: told?.world.tally ?? new Map(),
    hash: `${scheduler.hash().toString(16)}:${told?.hash ?? ''}`,
    trace: scheduler.trace(),
  }
}
