// What happens to the processes, the stores and the clocks while clients are at work.
import { setTimeout as sleep } from 'node:timers/promises'
import { count } from './faulty.ts'
import { on, type Processes, type Slot } from './processes.ts'
import type { Feature } from './swarm.ts'
import { sometimes, type World } from './world.ts'

const AWAY_MS = 1_000
const AN_HOUR_MS = 3_600_000

/** Until it is told that clients are done. */
export async function chaos(
  world: World,
  processes: Processes,
  isOver: () => boolean,
): Promise<void> {
  const { random, swarm, network } = world
  const deeds = Object.entries(DEEDS).filter(([feature]) => swarm.features[feature as Feature])
  if (deeds.length === 0) return
  for (;;) {
    await sleep(random.int(1, swarm.troubleMs))
    if (isOver()) return
    const [name, deed] = random.pick(deeds)
    count(network, name)
    deed(world, processes)
  }
}

const UNSTEADY_EVERY_MS = 40
const UNSTEADY_BY_MS = 2_000

/** Clocks that are corrected back and forth all the time. */
export async function unsteady(
  world: World,
  processes: Processes,
  isOver: () => boolean,
): Promise<void> {
  const { random, swarm } = world
  if (!swarm.features['unsteady clocks']) return
  for (;;) {
    await sleep(random.int(1, UNSTEADY_EVERY_MS))
    if (isOver()) return
    const running = processes.running()
    if (running.length === 0) continue
    const { owner } = random.pick(running)
    const right = random.chance(0.5)
    owner.clockOffMs = right ? 0 : random.int(-UNSTEADY_BY_MS, UNSTEADY_BY_MS)
    world.aheadMs = Math.max(world.aheadMs, owner.clockOffMs)
  }
}

type Deed = (world: World, processes: Processes) => void

const DEEDS: Partial<Record<Feature, Deed>> = {
  crashes: ({ random }, processes) => {
    const slot = random.pick(processes.slots)
    processes.crash(slot, random.int(0, AWAY_MS))
  },
  pauses: (world, processes) => {
    const { random, swarm } = world
    const slot = random.pick(processes.slots)
    pause(world, processes, slot, random.int(1, random.chance(0.5) ? AWAY_MS : 3 * swarm.leaseMs))
  },
  restarts: ({ random }, processes) => processes.restart(random.pick(processes.slots)),
  outages: (world) => {
    const { random, network, scheduler, swarm } = world
    if (swarm.engine === 'file') return
    network.downUntil = scheduler.now() + random.int(1, AWAY_MS)
    scheduler.note('the stores are away')
    world.storeFails()
    sometimes(world, 'the store was away for everybody')
  },
  'clock jumps': (world, processes) => jump(world, processes),
  poison: ({ poison, random }) => {
    poison.isOn = random.chance(0.7)
  },
  operators: (world, processes) => operate(world, processes),
  seals: (world, processes) => {
    const process = processes.running()[0]
    if (process === undefined) return
    void on(world, process.owner, 'seal', process.left, () => process.seal()).catch(() => {})
  },
}

function pause(world: World, processes: Processes, slot: Slot, ms: number) {
  const { process } = slot
  if (process === null) return
  processes.pause(slot, ms)
  const { scheduler, swarm } = world
  if (swarm.processes > 1 && ms > swarm.leaseMs)
    scheduler.at(process.owner, ms, 'woke up', () =>
      sometimes(world, 'a process woke after others had taken over'),
    )
}

/** Of one process, or of the machine that the log lies on. */
function jump(world: World, processes: Processes) {
  const { random, network, scheduler } = world
  const far = random.chance(0.1) ? AN_HOUR_MS : 10_000
  const byMs = random.int(-far, far)
  const owners = [network.far, ...processes.running().map(({ owner }) => owner)]
  const owner = random.pick(owners)
  owner.clockOffMs += byMs
  world.aheadMs = Math.max(world.aheadMs, owner.clockOffMs)
  scheduler.note(`the clock of ${owner.name} jumps by ${byMs} ms`)
  if (byMs < 0) sometimes(world, 'a clock went back')
}

function operate(world: World, processes: Processes) {
  const { random } = world
  const running = processes.running()
  if (running.length === 0) return
  const process = random.pick(running)
  const { runner, projections } = process
  const { name } = random.pick(projections)
  const what = random.pick(['rebuild', 'rebuild', 'dry run', 'pause', 'retry'] as const)
  const ask = (label: string, work: () => Promise<unknown>) =>
    void on(world, process.owner, `${label} ${name}`, process.left, work).catch(() => {})
  if (what === 'rebuild') ask(what, () => runner.rebuild(name))
  else if (what === 'dry run') ask(what, () => runner.rebuild(name, { dryRun: true }))
  else if (what === 'retry') ask(what, () => runner.retryParked(name))
  else ask(what, () => runner.pause(name))
}
