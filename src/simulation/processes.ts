// The processes of a history: started, asked, killed in the middle of something, paused, stopped,
// and started again, as whoever looks after them would.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Process, startProcess } from './process.ts'
import { type Owner, somebody } from './scheduler.ts'
import { sometimes, type World } from './world.ts'

export type Slot = {
  readonly number: number
  generation: number
  process: Process | null
  /** Settles when whatever is going on with it (a start, a stop) is over. */
  changing: Promise<void>
}
export type Processes = {
  readonly slots: readonly Slot[]
  /** Resolves when all run. */
  startAll(): Promise<void>
  /** From one moment to the next; it comes back after a while. */
  crash(slot: Slot, backAfterMs: number): void
  /** Told to stop, and started again. */
  restart(slot: Slot): void
  pause(slot: Slot, ms: number): void
  /** Whatever runs now. */
  running(): readonly Process[]
  stopAll(): Promise<void>
  readonly crashes: () => number
}
/** It is gone, and nobody knows what it did. */
export class Gone extends Error {
  override readonly name = 'Gone'
}

const STARTS_WITHIN_MS = 5_000
const STOPS_WITHIN_MS = 60_000
const START_AGAIN_MS = 100

export function processesOf(world: World): Processes {
  let crashes = 0
  let isOver = false
  const slots = Array.from({ length: world.swarm.processes }, (_, number): Slot => {
    return { number, generation: 0, process: null, changing: Promise.resolve() }
  })
  const start = async (slot: Slot, begun: boolean): Promise<void> => {
    while (!isOver || begun) {
      const owner = somebody(`p${slot.number}.${++slot.generation}`)
      owner.clockOffMs = world.teller.clockOffMs
      const process = await within(
        STARTS_WITHIN_MS,
        on(world, owner, 'start', new Set(), () => startProcess(world, owner)),
      ).catch(() => null)
      if (process !== null) {
        slot.process = process
        return
      }
      kill(world, owner)
      await sleep(START_AGAIN_MS)
    }
  }
  const change = (slot: Slot, work: () => Promise<void>) => {
    slot.changing = slot.changing.then(work)
  }
  const dies = (slot: Slot) => {
    const { process } = slot
    if (process === null) return
    crashes++
    noteDeath(world, process)
    kill(world, process.owner)
    for (const tell of process.left) tell()
    slot.process = null
  }
  const crash = (slot: Slot, backAfterMs: number) => {
    dies(slot)
    change(slot, async () => {
      await sleep(backAfterMs)
      if (slot.process === null) await start(slot, false)
    })
  }
  // Not in the middle of its own step: it tells its callers first.
  world.ends = (owner) =>
    void world.scheduler.at(world.teller, 0, `${owner.name} cannot go on`, () => {
      const slot = slots.find(({ process }) => process?.owner === owner)
      if (slot === undefined) owner.dead = true
      else crash(slot, START_AGAIN_MS)
    })
  return {
    slots,
    crash,
    crashes: () => crashes,
    running: () => slots.flatMap(({ process }) => (process === null ? [] : [process])),
    startAll: async () => {
      await Promise.all(slots.map((slot) => start(slot, true)))
    },
    restart(slot) {
      change(slot, async () => {
        const { process } = slot
        if (process === null) return
        slot.process = null
        await stopped(world, process)
        await start(slot, false)
      })
    },
    pause(slot, ms) {
      const { process } = slot
      if (process === null) return
      world.scheduler.note(`${process.owner.name} is paused for ${ms} ms`)
      process.owner.pausedUntil = world.scheduler.now() + ms
    },
    async stopAll() {
      await Promise.all(slots.map(({ changing }) => changing))
      isOver = true
      const ends = await Promise.all(
        slots.map(({ process }) => (process === null ? true : stopped(world, process))),
      )
      if (ends.includes(false)) throw new Error('a process did not stop when it was told to')
    },
  }
}

/** Answers whether it stopped by itself in time. */
async function stopped(world: World, process: Process): Promise<boolean> {
  const { owner, left } = process
  const isDone = await within(
    STOPS_WITHIN_MS,
    on(world, owner, 'stop', left, () => process.stop()).then(() => true),
  ).catch(() => false)
  kill(world, owner)
  for (const tell of left) tell()
  return isDone
}

function kill({ scheduler }: World, owner: Owner) {
  owner.dead = true
  scheduler.note(`${owner.name} is dead`)
}

function noteDeath(world: World, { ports: { lines } }: Process) {
  if (lines.payments.open + lines.carrier.open > 0)
    sometimes(world, 'a process died while a provider was called')
  if (lines.log.open > 0) sometimes(world, 'a process died while it appended')
}

/** Asks a process to do something; what it answers comes back to whoever asked, if it lives. */
export function on<T>(
  { scheduler, network, teller }: World,
  owner: Owner,
  what: string,
  left: Set<() => void>,
  work: () => Promise<T>,
): Promise<T> {
  const travel = () => network.random.next() * network.latencyMs
  return new Promise<T>((resolve, reject) => {
    const end = (name: string, settle: () => void, ms: number) => {
      left.delete(lost)
      scheduler.at(teller, ms, name, settle)
    }
    const lost = () => end(`${what} lost`, () => reject(new Gone(owner.name)), 1)
    left.add(lost)
    scheduler.at(owner, travel(), what, () => {
      work().then(
        (value) => end(`${what} done`, () => resolve(value), travel()),
        (error) => end(`${what} failed`, () => reject(error), travel()),
      )
    })
  })
}

/** Rejects after so many milliseconds; whatever was asked for may still happen. */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Gone(`no answer within ${ms} ms`)), ms)
    work.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
