// Histories one after the other, each from a seed of its own, until enough were told, the time is
// over or a promise is broken; and what all of it came to, in words.
import { BREAKS, type Break } from './breaks.ts'
import { CHECKS } from './checks.ts'
import { FAULTS } from './faulty.ts'
import { type HistoryResult, runHistory } from './history.ts'
import { add, never, SOMETIMES, type Tally } from './sometimes.ts'
import { described } from './swarm.ts'
import type { Shop } from './world.ts'

export type SimulationOptions = {
  readonly shop: Shop
  /** Of the first history; the next has the next. */
  readonly seed: number
  /** As many as this, or for as long as `seconds`; whichever comes first. */
  readonly histories: number
  readonly seconds: number
  readonly brokenPart?: Break | null
  readonly traced?: boolean
  /** Stops at the first broken promise; true unless told otherwise. */
  readonly stopsAtOnce?: boolean
  readonly onHistory?: (soFar: Simulation) => void
}
export type Simulation = {
  histories: number
  operations: number
  events: number
  crashes: number
  steps: number
  virtualMs: number
  /** Really gone by, and spent on a processor. */
  tookMs: number
  cpuMs: number
  readonly faults: Tally
  readonly tally: Tally
  readonly failures: HistoryResult[]
  last: HistoryResult | null
}

export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const { shop, seed, histories, seconds, brokenPart = null, traced = false } = options
  const { stopsAtOnce = true, onHistory = () => {} } = options
  const all: Simulation = {
    histories: 0,
    operations: 0,
    events: 0,
    crashes: 0,
    steps: 0,
    virtualMs: 0,
    tookMs: 0,
    cpuMs: 0,
    faults: new Map(),
    tally: new Map(),
    failures: [],
    last: null,
  }
  const began = performance.now()
  const cpu = process.cpuUsage()
  while (all.histories < histories && all.tookMs < seconds * 1_000) {
    const history = { seed: seed + all.histories, shop, brokenPart }
    const one = await runHistory({ ...history, traced })
    take(
      all,
      one.findings.length === 0 ? one : again(one, await runHistory({ ...history, traced: true })),
    )
    all.tookMs = performance.now() - began
    const { user, system } = process.cpuUsage(cpu)
    all.cpuMs = (user + system) / 1_000
    onHistory(all)
    if (stopsAtOnce && all.failures.length > 0) break
  }
  return all
}

/** A failure is told once more, with everything that happened: it has to be the same. */
function again(one: HistoryResult, second: HistoryResult): HistoryResult {
  if (second.hash === one.hash) return second
  const message = 'told again, it was another history'
  return { ...one, findings: [...one.findings, { check: 'L0', message }] }
}

function take(all: Simulation, one: HistoryResult) {
  all.histories++
  all.last = one
  all.operations += one.operations
  all.events += one.events
  all.crashes += one.crashes
  all.steps += one.steps
  all.virtualMs += one.virtualMs
  for (const [what, times] of one.faults) add(all.faults, what, times)
  for (const [what, times] of one.tally) add(all.tally, what, times)
  if (one.findings.length > 0) all.failures.push(one)
}

/** From here on, what never happened is a failure of the simulation itself. */
export const HISTORIES_ENOUGH = 1_000

/** What should have happened at least once over so many histories, and did not. */
export const missed = ({ histories, tally }: Simulation): readonly string[] =>
  histories < HISTORIES_ENOUGH ? [] : never(tally)

// ── in words ──────────────────────────────────────────────────────────────────────────────────

export const progress = ({ histories, operations, crashes, tookMs }: Simulation): string =>
  `${histories} histories, ${operations} commands, ${crashes} crashes, ${Math.round(tookMs / 1_000)} s`

const KINDS = [
  ...FAULTS,
  'overtaken',
  ...['crashes', 'pauses', 'restarts', 'outages', 'clock jumps', 'poison', 'operators'],
]

export function summary(all: Simulation): string {
  const { histories, operations, events, crashes, steps, virtualMs, tookMs, cpuMs } = all
  const perMinute = (ms: number) => Math.round((histories / Math.max(ms, 1)) * 60_000)
  const faults = KINDS.map((kind) => [kind, sum(all.faults, kind)] as const)
  return [
    `${histories} histories, ${operations} commands of clients, ${events} events, ${crashes} crashes`,
    `${perMinute(tookMs)} histories a minute (${perMinute(cpuMs)} a minute of one processor), ` +
      `${steps} steps, ${hours(virtualMs)} of simulated time in ${Math.round(tookMs / 1_000)} s`,
    'faults:',
    ...faults.map(([kind, times]) => `  ${String(times).padStart(9)}  ${kind}`),
    'it happened that',
    ...SOMETIMES.map((what) => `  ${String(all.tally.get(what) ?? 0).padStart(9)}  ${what}`),
  ].join('\n')
}

/** Over all ports. */
const sum = (faults: ReadonlyMap<string, number>, kind: string): number =>
  [...faults].reduce(
    (total, [name, times]) => (name === kind || name.endsWith(` ${kind}`) ? total + times : total),
    0,
  )
const hours = (ms: number): string =>
  ms < 3_600_000 ? `${Math.round(ms / 60_000)} minutes` : `${(ms / 3_600_000).toFixed(1)} hours`

const TRACE_SHOWN = 20
const STORY = /was told|is dead|has started|is paused|jumps by|are away|peace/
const FINDINGS_SHOWN = 5

/** What broke in one history, and how to see it again. */
export function account(one: HistoryResult, brokenPart: Break | null = null): string {
  const { seed, findings, swarm, trace } = one
  const told = findings.slice(0, FINDINGS_SHOWN).map(({ check, message }) => {
    const promise = CHECKS[check as keyof typeof CHECKS]
    return `  ${check} (${promise})\n    ${message.replaceAll('\n', '\n    ')}`
  })
  const broken = brokenPart === null ? '' : ` --break ${brokenPart}`
  return [
    `seed ${seed}: ${findings.length} findings`,
    ...told,
    ...(brokenPart === null ? [] : [`planted: ${BREAKS[brokenPart][0]}`]),
    'drawn:',
    `  ${described(swarm)}`,
    'what clients were told, and what happened to processes and clocks, at last:',
    ...trace.filter((line) => STORY.test(line)).slice(-TRACE_SHOWN),
    'the end of its trace:',
    ...trace.slice(-TRACE_SHOWN),
    'again:',
    `  npm run daybook -- simulate --seed ${seed} --histories 1 --trace${broken}`,
  ].join('\n')
}
