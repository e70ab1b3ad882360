// What one history is like: drawn from its seed, so that some have no faults of a kind, some a few
// and some very many, and every feature is off in some of them. Runs that have everything at once
// hide what only shows when something is missing.
import { type Random, seeded } from '#testing/random.ts'
import { FAULTS, type FaultKind, type FaultRates } from './faulty.ts'

export const PORTS = ['log', 'reads', 'leases', 'keys', 'payments', 'carrier'] as const
export type PortName = (typeof PORTS)[number]

export const FEATURES = [
  'crashes',
  'pauses',
  'restarts',
  'outages',
  'clock jumps',
  'unsteady clocks',
  'poison',
  'operators',
  'declines',
  'repeats',
  'late payers',
  'hand reservations',
  'readers',
  'webhooks',
  'skew',
  'seals',
  'all projections',
  'verify',
  'orders in parts',
  'changed orders',
  'tills',
  'shelves',
  'prices',
  'erasures',
  'busy clerks',
] as const
export type Feature = (typeof FEATURES)[number]

export type Swarm = {
  readonly seed: number
  readonly processes: number
  /** A file is inside its process, and lets nobody else write; a server goes on without it. */
  readonly engine: 'file' | 'server'
  readonly clients: number
  /** Commands that each client sends. */
  readonly operations: number
  readonly thinkMs: number
  readonly products: number
  readonly stock: number
  readonly latencyMs: number
  readonly atOnce: number
  readonly pollMs: number
  readonly leaseMs: number
  readonly callTimeoutMs: number
  readonly captureOn: 'confirm' | 'ship' | 'manual'
  readonly reservationTtlMs: number
  readonly sagaDeadlineMs: number
  readonly snapshotEvery: number
  /** Something happens to a process, a store or a clock about twice as often as this. */
  readonly troubleMs: number
  readonly features: Readonly<Record<Feature, boolean>>
  readonly faults: Readonly<Record<PortName, FaultRates>>
}

/** What takes long, and is the same in every history. */
const DEAR: readonly Feature[] = ['all projections', 'verify']
/** Who only does this does little else. */
const NARROW: readonly Feature[] = ['busy clerks']
const RARE = [...DEAR, ...NARROW]
const LOW = 0.005
const HIGH = 0.06
/** No port answers with silence but those that the product gives up waiting for. */
const OUTSIDE: readonly PortName[] = ['payments', 'carrier']

export function swarmOf(seed: number): Swarm {
  const random = seeded(seed * 2 + 1)
  const drawn = anyOf(seed, random)
  // Few: one of them takes as long as five others.
  if (random.chance(0.02)) return sleepers(drawn)
  return random.chance(0.15) ? alone(drawn, random.pick(ALONE)) : drawn
}

/** Several processes that are stopped for longer than others wait for them, and nothing else. */
export function sleepers(drawn: Swarm): Swarm {
  const only: readonly Feature[] = ['pauses', 'webhooks']
  return {
    ...drawn,
    processes: 2,
    engine: 'server',
    clients: 3,
    operations: 5,
    thinkMs: 300,
    products: 3,
    stock: 100,
    latencyMs: 20,
    pollMs: 250,
    leaseMs: 1_000,
    troubleMs: 400,
    features: onlyThese(only),
  }
}

/** What is seldom met where everything is done: some histories are of one of these alone. */
const ALONE: readonly (readonly Feature[])[] = [
  ['tills', 'busy clerks'],
  ['shelves', 'busy clerks'],
  ['orders in parts'],
]

/** Several processes whose people all do the same few things. */
function alone(drawn: Swarm, only: readonly Feature[]): Swarm {
  return {
    ...drawn,
    ...{ processes: 2, engine: 'server', clients: 3, operations: 10, stock: 100 },
    // Orders come as far as that.
    ...{ thinkMs: 300, sagaDeadlineMs: 60_000, reservationTtlMs: 10_000 },
    features: onlyThese(only),
  }
}
/** All at the same tills, at once. */
export const counters = (drawn: Swarm): Swarm => ({ ...alone(drawn, ALONE[0]!), thinkMs: 5 })

const onlyThese = (only: readonly Feature[]) =>
  Object.fromEntries(
    FEATURES.map((feature) => [feature, only.includes(feature)]),
  ) as Swarm['features']

function anyOf(seed: number, random: Random): Swarm {
  const level = () => random.pick([0, 0, LOW, LOW, HIGH])
  const base = Object.fromEntries(FAULTS.map((kind) => [kind, level()])) as Rates
  const isCalm = random.chance(0.1)
  const processes = random.pick([1, 1, 2, 2, 3])
  const engine = processes === 1 && random.chance(0.5) ? 'file' : 'server'
  const faults = Object.fromEntries(
    PORTS.map((port) => [port, isCalm ? {} : ratesOf(port, engine, base, random)]),
  ) as Swarm['faults']
  return {
    seed,
    processes,
    engine,
    clients: random.int(1, 3),
    operations: random.int(3, 10),
    thinkMs: random.pick([5, 50, 300]),
    products: random.int(1, 3),
    stock: random.pick([1, 3, 10, 100]),
    latencyMs: random.pick([0.5, 3, 20]),
    atOnce: random.pick([0.3, 0.7]),
    pollMs: random.pick([250, 1_000, 2_000]),
    leaseMs: random.pick([1_000, 4_000]),
    callTimeoutMs: random.pick([100, 1_000]),
    captureOn: random.pick(['confirm', 'confirm', 'ship', 'manual'] as const),
    reservationTtlMs: random.pick([200, 2_000, 10_000]),
    sagaDeadlineMs: random.pick([300, 5_000, 60_000]),
    snapshotEvery: random.pick([2, 5, 100]),
    troubleMs: 600,
    features: Object.fromEntries(
      FEATURES.map((feature) => [feature, random.chance(RARE.includes(feature) ? 0.25 : 0.5)]),
    ) as Swarm['features'],
    faults,
  }
}

type Rates = Readonly<Record<FaultKind, number>>

/** The run's own rates, with one or the other port spared. */
function ratesOf(port: PortName, engine: Swarm['engine'], base: Rates, random: Random): FaultRates {
  if (random.chance(0.25)) return {}
  // Called seldom, and the more often in vain.
  if (OUTSIDE.includes(port))
    return Object.fromEntries(FAULTS.map((kind) => [kind, random.pick([0, 0.05, 0.25])]))
  // There is no line to a file that could be cut.
  return { ...base, silent: 0, cut: engine === 'file' ? 0 : base.cut / 5 }
}

/** In a few words, for whoever looks at a failure. */
export function described(swarm: Swarm): string {
  const { features, faults, ...rest } = swarm
  const on = FEATURES.filter((feature) => features[feature])
  const rates = PORTS.flatMap((port) =>
    Object.entries(faults[port])
      .filter(([, rate]) => rate > 0)
      .map(([kind, rate]) => `${port} ${kind} ${rate}`),
  )
  const numbers = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
  return [
    numbers.join(', '),
    `on: ${on.join(', ') || 'nothing'}`,
    `faults: ${rates.join(', ')}`,
  ].join('\n  ')
}
