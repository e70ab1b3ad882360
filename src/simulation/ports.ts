// A process's own way to each store: faulty, and noted where a check wants to know what was asked
// and told.
import { type Append, type EventLog, OutcomeUnknown, StorageFull } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { Leases } from '#storage/leases.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { Unavailable } from '#storage/unavailable.ts'
import type { Attempt } from '#testing/history.ts'
import { faulty, happens, type Line, lineOf, notify, type PortErrors } from './faulty.ts'
import type { Owner } from './scheduler.ts'
import { PORTS, type PortName } from './swarm.ts'
import { type Outside, sometimes, type World } from './world.ts'

export type Ports = {
  readonly log: EventLog
  readonly reads: ReadModels
  readonly leases: Leases
  readonly keys: KeyRing
  readonly outside: Outside
  readonly lines: Readonly<Record<PortName, Line>>
}

export function portsOf(world: World, owner: Owner): Ports {
  const lines = Object.fromEntries(
    PORTS.map((port) => {
      const atOnce = port === 'payments' || port === 'carrier' ? 1 : world.swarm.atOnce
      const isInside = world.swarm.engine === 'file' && atOnce < 1
      return [port, lineOf({ owner, port, rates: world.swarm.faults[port], atOnce, isInside })]
    }),
  ) as Ports['lines']
  const { network, stores } = world
  const wiring = (port: PortName) => ({ network, line: lines[port], errors: AWAY })
  return {
    lines,
    log: logOver(world, owner, lines.log),
    reads: readsOver(world, lines.reads),
    leases: faulty(stores.leases, ['acquire', 'release', 'held'], {
      ...wiring('leases'),
      twice: ['acquire', 'release'],
    }),
    keys: faulty(stores.keys, ['make', 'find', 'destroy'], wiring('keys')),
    outside: {
      provider: outsideOver(world, 'payments', lines.payments),
      carrier: outsideOver(world, 'carrier', lines.carrier),
    },
  }
}

const AWAY: PortErrors = {
  refused: (what) => new Unavailable(`${what}: the connection was refused`),
  unknown: (what) => new Unavailable(`${what}: the connection was lost`),
}
const LOG_ERRORS: PortErrors = {
  refused: (what) =>
    what === 'log.append' ? new StorageFull('no room to write') : AWAY.refused(what),
  unknown: (what) =>
    what === 'log.append' ? new OutcomeUnknown('the answer was lost') : AWAY.unknown(what),
}
const SILENCE: PortErrors = {
  refused: (what) => new Error(`${what}: connection refused`),
  unknown: (what) => new Error(`${what}: connection reset`),
}

// ── the log ───────────────────────────────────────────────────────────────────────────────────

const LOG_CALLS = [
  ...(['append', 'readStream', 'readStreams', 'readAll', 'load', 'head', 'positionAt'] as const),
  ...([
    'commandRecord',
    'commandRecords',
    'claims',
    'claimsOf',
    'saveSnapshots',
    'dropResponses',
  ] as const),
] as const

function logOver(world: World, owner: Owner, line: Line): EventLog {
  const { network, stores } = world
  const wired = faulty(stores.log, LOG_CALLS, { network, line, errors: LOG_ERRORS })
  return {
    ...wired,
    // As on a server: others write too, and what is remembered may be old.
    capabilities: { durable: true, manyProcesses: world.swarm.engine === 'server' },
    append: (append) => noted(world, owner, append, wired.append),
    onAppended: (wake) =>
      stores.log.onAppended((position) => {
        if (!owner.dead) notify(network, line, 'appended', () => wake(position))
      }),
    close: async () => {},
  }
}

type Noted = { -readonly [K in keyof Attempt]: Attempt[K] }

/**
 * Whoever dies meanwhile was never answered. A process whose file has failed at a commit ends: what
 * is in it only a fresh start knows.
 */
async function noted(
  world: World,
  owner: Owner,
  append: Append,
  carryOut: EventLog['append'],
): ReturnType<EventLog['append']> {
  const attempt: Noted = {
    name: owner.name,
    invoked: world.tick(),
    completed: Number.POSITIVE_INFINITY,
    append,
    outcome: 'unknown',
  }
  world.attempts.push(attempt)
  try {
    const verdict = await carryOut(append)
    attempt.outcome = verdict
    if (!verdict.ok && verdict.reason === 'conflict')
      sometimes(world, 'an append was refused for a conflict and tried again')
    return verdict
  } catch (error) {
    const isUnknown = error instanceof OutcomeUnknown
    attempt.outcome = isUnknown ? 'unknown' : 'absent'
    if (isUnknown && world.swarm.engine === 'file') world.ends(owner)
    throw error
  } finally {
    attempt.completed = world.tick()
  }
}

// ── read models ───────────────────────────────────────────────────────────────────────────────

const ROW_CALLS = [
  ...(['define', 'load', 'find', 'group', 'keysOf', 'checkpoints', 'generations'] as const),
  ...(['commit', 'parked', 'isParked', 'swap', 'hold', 'letGo', 'held', 'drop'] as const),
] as const

function readsOver(world: World, line: Line): ReadModels {
  const { network, stores } = world
  const wiring = { network, line, errors: AWAY, twice: ['commit', 'hold', 'load'] as const }
  const wired = faulty(stores.reads, ROW_CALLS, wiring)
  return {
    ...wired,
    async commit(commits) {
      const done = await wired.commit(commits)
      if (!done) sometimes(world, 'a checkpoint had been moved by somebody else')
      if (done && commits.some(({ unpark }) => unpark.length > 0))
        sometimes(world, 'an event was parked and taken later')
      return done
    },
    close: async () => {},
  }
}

// ── the outside ───────────────────────────────────────────────────────────────────────────────

const ACTS = {
  payments: ['authorize', 'capture', 'void', 'refund'],
  carrier: ['createLabel', 'cancelLabel'],
} as const
const NAMES: Readonly<Record<string, string>> = {
  createLabel: 'label',
  cancelLabel: 'cancel_label',
}
const SLOW_MS = 1_500
const DECLINED = 0.1

/**
 * A call begins at the provider when it is made: what it travels with is inside the provider, who
 * promises that nothing takes effect any more once it has said that there is no such operation.
 */
function outsideOver<P extends 'payments' | 'carrier'>(
  world: World,
  port: P,
  line: Line,
): P extends 'payments' ? Outside['provider'] : Outside['carrier'] {
  const { network, stores, swarm } = world
  const simulator = port === 'payments' ? stores.provider : stores.carrier
  const acts = ACTS[port] as readonly string[]
  const inner: Record<string, unknown> = { ...simulator }
  for (const act of acts) {
    const carryOut = inner[act] as (request: unknown) => Promise<unknown>
    inner[act] = (request: unknown) => {
      const what =
        swarm.features.declines && !network.healed && network.random.chance(DECLINED)
          ? 'decline'
          : happens(network, line, 'slow')
            ? 'slow'
            : null
      const ms = network.random.int(1, SLOW_MS)
      simulator.play(what === null ? [] : [{ on: NAMES[act] ?? act, what, times: 1, ms }])
      return carryOut(request)
    }
  }
  const find = inner.find as (id: string) => Promise<{ readonly status: string }>
  inner.find = async (id: string) => {
    const answer = await find(id)
    if (port === 'carrier') sometimes(world, 'a label without an answer was found')
    else if (answer.status === 'absent')
      sometimes(world, 'a payment without an answer was found absent')
    else sometimes(world, 'a payment without an answer was found carried out')
    return answer
  }
  const wired = faulty(inner, [...acts, 'find'], {
    network,
    line,
    errors: SILENCE,
    twice: acts,
  })
  // The same members as the simulator's.
  return wired as never
}
