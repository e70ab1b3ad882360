// How this process is: asked by operators and, in one word, by load balancers. Every store is asked
// with a time limit, so that an answer comes also when one of them is away.
import type { Health, ProjectionStatus } from '#runtime/operations.ts'
import type { WaitingRunner } from '#runtime/run-waiting.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Notices } from './notices/notices.ts'
import type { ProjectionHost } from './projection-host.ts'
import type { Roles } from './roles.ts'

export type HealthParts = {
  readonly log: EventLog
  readonly reads: Pick<ReadModels, 'checkpoints'> | null
  readonly host: Pick<ProjectionHost, 'status'> | null
  readonly waiting: Pick<WaitingRunner, 'status'> | null
  readonly projections: readonly string[]
  readonly roles: Roles
  /** What this process does of the work that is shared out; null where nothing is. */
  readonly shares: () => Readonly<Record<string, readonly string[]>> | null
  /** The database server's version; null where there is no server. */
  readonly server: (() => Promise<string>) | null
  /** By dependency. */
  readonly circuits: () => Readonly<Record<string, string>>
  /** Telling others; null: not here. */
  readonly notices: Pick<Notices, 'status' | 'troubles'> | null
  /** Answers from the cache since the start; null where none are kept. */
  readonly cache: (() => Readonly<Record<string, number>>) | null
  readonly warnings: readonly string[]
  readonly version: string
  readonly startedAt: string
}
export type Verified = {
  readonly at: string
  readonly position: number
  readonly differences: number
}

/** Behind by more than this, a projection makes the whole degraded. */
const LAG_SECONDS_MAX = 10
/** A process that only answers queries is of no use with answers that are older. */
const LAG_SECONDS_HOPELESS = 300
const ANSWER_WITHIN_MS = 3_000

export async function healthOf(parts: HealthParts, verified: Verified | null): Promise<Health> {
  const { log, reads, host, roles } = parts
  const { durable, manyProcesses: many_processes } = log.capabilities
  const [head, projections, followed, server] = await Promise.all([
    asked('the event log', log.head()),
    host === null ? null : asked('the projections', host.status()),
    host !== null || reads === null ? null : asked('the read models', lagOf(log, reads, parts)),
    parts.server === null ? null : asked('the server', parts.server()),
  ])
  const failures = [head, projections, followed, server].flatMap((one) =>
    one !== null && !one.ok ? [one.error] : [],
  )
  const waiting = parts.waiting?.status() ?? null
  const status = answered(projections) ?? []
  const behind = answered(followed)
  const troubles = [
    ...failures,
    ...projectionTroubles(status),
    ...Object.entries(parts.circuits())
      .filter(([, state]) => state !== 'closed')
      .map(([name, state]) => `the circuit of ${name} is ${state.replace('_', ' ')}`),
    ...(behind !== null && behind.lag_seconds > LAG_SECONDS_MAX
      ? [`the read models are ${Math.round(behind.lag_seconds)} s behind`]
      : []),
    ...Object.entries(waiting ?? {})
      .filter(([, { failing }]) => failing > 0)
      .map(([name, { failing }]) => `${name}: ${failing} actions rest after a failure`),
    ...Object.entries(waiting ?? {})
      .filter(([, { stuck }]) => stuck.length > 0)
      .map(
        ([name, { stuck }]) =>
          `${name}: ${named(stuck.map(({ key }) => key))} cannot go on and need a person`,
      ),
    ...(parts.notices?.troubles() ?? []),
    ...(verified !== null && verified.differences > 0
      ? [`the last verification found ${verified.differences} differences`]
      : []),
  ]
  const onlyAnswers = roles.has('query') && !roles.has('command')
  const isUseless =
    failures.length > 0 || (onlyAnswers && lagSeconds(behind) > LAG_SECONDS_HOPELESS)
  return {
    status: isUseless ? 'failing' : troubles.length === 0 ? 'ok' : 'degraded',
    warnings: [...parts.warnings, ...troubles],
    components: {
      version: parts.version,
      node: process.version,
      started_at: parts.startedAt,
      roles: roles.text,
      event_log: { ...(answered(head) ?? {}), durable, many_processes },
      ...(server === null ? {} : { server: answered(server) }),
      ...(host === null ? {} : { projections: status }),
      ...(behind === null ? {} : { read_models: behind }),
      ...(waiting === null ? {} : { waiting }),
      circuits: parts.circuits(),
      ...(parts.notices === null ? {} : { notices: parts.notices.status() }),
      ...(parts.cache === null ? {} : { cache: parts.cache() }),
      ...(parts.shares() === null ? {} : { shares: parts.shares() }),
      last_verification: verified,
    },
  }
}

const NAMED_MAX = 3
const named = (all: readonly string[]) => {
  const rest = all.length - NAMED_MAX
  return [...all.slice(0, NAMED_MAX), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}

const lagSeconds = (behind: { readonly lag_seconds: number } | null) => behind?.lag_seconds ?? 0

const projectionTroubles = (status: readonly ProjectionStatus[]): readonly string[] => [
  ...status.filter(({ parked }) => parked > 0).map(({ name }) => `${name} has parked events`),
  ...lagging(status.filter(({ lag_seconds }) => lag_seconds > LAG_SECONDS_MAX)),
]

/** In one line: after a long rest all of them are. */
function lagging(late: readonly ProjectionStatus[]): readonly string[] {
  if (late.length === 0) return []
  const most = Math.round(Math.max(...late.map(({ lag_seconds }) => lag_seconds)))
  const names = named(late.map(({ name }) => name))
  return [late.length === 1 ? `${names} is ${most} s behind` : `${names} are ${most} s behind`]
}

/** How far the slowest table is behind, for a process that only reads them. */
async function lagOf(
  log: EventLog,
  reads: Pick<ReadModels, 'checkpoints'>,
  { projections }: Pick<HealthParts, 'projections'>,
) {
  const checkpoints = await reads.checkpoints()
  const checkpoint = Math.min(...projections.map((name) => checkpoints.get(name) ?? 0))
  const [{ position }, [next]] = await Promise.all([log.head(), log.readAll(checkpoint, 1)])
  const age = next === undefined ? 0 : (Date.now() - Date.parse(next.timestamp)) / 1000
  return {
    checkpoint,
    lag_events: Math.max(0, position - checkpoint),
    lag_seconds: Math.max(0, age),
  }
}

type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string }
const answered = <T>(one: Asked<T> | null): T | null => (one?.ok === true ? one.value : null)

async function asked<T>(what: string, answer: Promise<T>): Promise<Asked<T>> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<Asked<T>>((resolve) => {
    const error = `${what} did not answer within ${ANSWER_WITHIN_MS} ms`
    timer = setTimeout(() => resolve({ ok: false, error }), ANSWER_WITHIN_MS)
  })
  const told = answer.then(
    (value): Asked<T> => ({ ok: true, value }),
    (error): Asked<T> => ({ ok: false, error: `${what}: ${(error as Error).message}` }),
  )
  return await Promise.race([told, silence]).finally(() => clearTimeout(timer))
}
