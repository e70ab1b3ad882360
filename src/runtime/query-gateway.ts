// The one door for questions: checks the input, waits for a position when asked to, answers.
import type { Rejection } from '#kernel/decider.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Projection, Row } from '#kernel/projection.ts'
import type { Query, Reader } from '#kernel/query.ts'
import { check, type FieldErrors } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'
import { InvalidQuery, type ReadModels, TableUnready } from '#storage/read-models.ts'
import { CircuitOpen, isAway } from './breaker.ts'
import type { Answered, CachedAnswers, Made } from './cached-answers.ts'
import type { ProjectionStatus } from './operations.ts'
import { eventsOfStreams, past } from './past.ts'
import type { OpenEvents } from './recorded-events.ts'

export type QueryGatewayOptions = {
  readonly queries: readonly Query[]
  /** May be a read-only view of a file that another thread fills. */
  readonly reads: ReadModels
  readonly log: EventLog
  readonly projections: readonly Projection[]
  readonly types: EventTypes
  readonly open: OpenEvents
  /** What the runner of a projection says, where one can be asked. */
  readonly runnerStatus?: (projection: string) => ProjectionStatus['status'] | undefined
  /** How long a query waits for its `minPosition`. */
  readonly waitMs?: number
  /** Absent: every question is read. */
  readonly cached?: CachedAnswers
}

export type Answer = Answered
export type QueryGateway = {
  ask(type: string, input: unknown, options?: AskOptions): Promise<Answer>
}
export type AskOptions = { readonly minPosition?: number }

const WAIT_MS = 2_000
const POLL_MS = 5
/** After a failure: so many of them would look like many callers that fail. */
const FAILED_POLL_MS = 250
const BEYOND = 'is beyond the end of the log'

export function queryGateway(options: QueryGatewayOptions): QueryGateway {
  const { reads, log, waitMs = WAIT_MS, cached } = options
  const queries = new Map(options.queries.map((query) => [query.type, query]))
  const names = options.projections.map(({ name }) => name)
  const reader = readerOver(options)
  const reached = positionWaiter(() => slowest(reads, names))

  async function lagging(minPosition: number): Promise<Rejection | null> {
    if ((await slowest(reads, names)) >= minPosition) return null
    if (minPosition > (await log.head()).position) return invalid({ min_position: BEYOND })
    if (await reached(minPosition, waitMs)) return null
    return notYet(`The read models have not reached position ${minPosition} yet.`)
  }

  async function read(query: Query, input: Moments): Promise<Made> {
    const { as_of_position: then = 0 } = input
    // What will be known there nobody can say yet.
    if (then > 0 && then > (await log.head()).position)
      return { ok: false, rejection: invalid({ as_of_position: BEYOND }) }
    let stale = false
    const watched: Reader = {
      ...reader,
      async get(projection, key) {
        const row = await reader.get(projection, key)
        stale ||= row?.stale === true
        return row
      },
    }
    const result = await query.run(input as never, watched)
    return { ok: true, result, keep: !stale && result !== null && result !== undefined }
  }

  return {
    ask: async (type, input, { minPosition } = {}) => {
      const query = queries.get(type)
      if (query === undefined)
        return refused({ code: 'unknown_type', message: `There is no query ${type}.` })
      const checked = check(query.input, input)
      if (!checked.ok) return refused(invalid(checked.errors))
      // Just checked against the query's own schema.
      const odd =
        backwards(checked.value as object) ??
        severalMoments(checked.value as Moments) ??
        query.refuses?.(checked.value as never) ??
        null
      if (odd !== null) return refused(invalid(odd))
      if (minPosition !== undefined && !(Number.isSafeInteger(minPosition) && minPosition >= 0))
        return refused(invalid({ min_position: 'must be a whole number that is not negative' }))
      const asked = {
        query,
        // Just checked against a schema of an object.
        input: checked.value as object,
        ...(minPosition === undefined ? {} : { minPosition }),
        wait: async () => (minPosition === undefined ? null : await lagging(minPosition)),
        read: () => read(query, checked.value as object),
      }
      try {
        if (cached !== undefined) return await cached.answer(asked)
        const rejection = await asked.wait()
        const made = rejection === null ? await asked.read() : refused(rejection)
        return made.ok ? { ok: true, result: made.result } : made
      } catch (error) {
        return refused(rejectionOf(error))
      }
    },
  }
}

/** What a caller can do something about; anything else goes on as it is. */
function rejectionOf(error: unknown): Rejection {
  if (error instanceof InvalidQuery) return invalid({ [error.field]: error.reason })
  if (error instanceof TableUnready) return notYet('The read model is being rebuilt.')
  if (error instanceof CircuitOpen)
    return {
      code: 'circuit_open',
      message: 'The store cannot be reached, and is left alone for a while.',
      details: { retry_after_s: Math.max(1, Math.ceil(error.retryAfterMs / 1_000)) },
    }
  if (isAway(error))
    return { code: 'unavailable', message: 'The store cannot be reached just now.' }
  throw error
}

/** Nothing lies between them: an empty answer would hide that they were mixed up. */
function backwards({ from, to }: { readonly from?: unknown; readonly to?: unknown }) {
  if (typeof from !== 'string' || typeof to !== 'string') return null
  return Date.parse(to) < Date.parse(from) ? { to: 'is before `from`' } : null
}

/** Of a query that offers a past. */
type Moments = {
  readonly as_of?: string
  readonly as_of_position?: number
  readonly as_of_version?: number
}
/** Only one of them could count, and the sender would not know which. */
function severalMoments({ as_of, as_of_position, as_of_version }: Moments): FieldErrors | null {
  const told = Object.entries({ as_of, as_of_position, as_of_version })
  const [first, ...others] = told.filter(([, value]) => value !== undefined)
  if (first === undefined || others.length === 0) return null
  return Object.fromEntries(others.map(([name]) => [name, `cannot be told beside ${first[0]}`]))
}

const refused = (rejection: Rejection): Answer => ({ ok: false, rejection })
const notYet = (message: string): Rejection => ({ code: 'projection_lagging', message })
const invalid = (errors: FieldErrors): Rejection => ({
  code: 'validation_failed',
  message: 'Some fields are not acceptable.',
  errors,
})

async function slowest(reads: ReadModels, names: readonly string[]): Promise<number> {
  const checkpoints = await reads.checkpoints()
  return names.reduce((least, name) => Math.min(least, checkpoints.get(name) ?? 0), Infinity)
}

/** Resolves true once the position is reached; one poll for all who wait, none when nobody does. */
function positionWaiter(current: () => Promise<number>) {
  type Waiter = { readonly position: number; readonly end: (reached: boolean) => void }
  const waiters = new Set<Waiter>()
  let polling = false

  async function poll(): Promise<void> {
    polling = true
    try {
      while (waiters.size > 0) {
        // A store that cannot be asked just now is one that is behind; the time limit still holds.
        const position = await current().catch(() => null)
        for (const waiter of waiters) if (waiter.position <= (position ?? 0)) waiter.end(true)
        const pauseMs = position === null ? FAILED_POLL_MS : POLL_MS
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    } finally {
      polling = false
    }
  }
  return (position: number, forMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => waiter.end(false), forMs)
      const waiter: Waiter = {
        position,
        end: (reached) => {
          clearTimeout(timer)
          waiters.delete(waiter)
          resolve(reached)
        },
      }
      waiters.add(waiter)
      if (!polling) void poll()
    })
}

// ── what queries read with ────────────────────────────────────────────────────────────────────

function readerOver({ reads, log, types, open, runnerStatus }: QueryGatewayOptions): Reader {
  const history = { log, types, open }
  return {
    get: async (projection, key) => {
      const [row] = await reads.load(projection.table, [key])
      if (row === undefined) return null
      return (await isStale(reads, projection, key, row, runnerStatus))
        ? { ...row, stale: true }
        : row
    },
    find: (projection, query) => reads.find(projection.table, query),
    group: (projection, query) => reads.group(projection.table, query),
    past: (projection, key, asOf) => past(history, projection, key, asOf),
    events: (streams, limit, after) => eventsOfStreams(history, streams, limit, after),
  }
}

/** Events wait for this row, or some wait that do not know their rows and may mean this one. */
async function isStale(
  reads: ReadModels,
  { name, sources }: Projection,
  key: string,
  row: Row,
  runnerStatus: QueryGatewayOptions['runnerStatus'],
): Promise<boolean> {
  const streams = sources?.(key, row) ?? ['*']
  if (await reads.isParked(name, [key, ...streams.map((stream) => `stream:${stream}`)])) return true
  return runnerStatus?.(name) === 'paused' && (await reads.isParked(name, ['*']))
}
