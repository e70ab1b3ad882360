// Keeps all projections up to date: one page of the log and one commit for all that stand at the
// same checkpoint; one that is behind catches up by itself and then joins. Reading the log is the
// truth, `wake` only shortens the wait. A second runner is harmless: the checkpoint's
// compare-and-set decides.
import type { EventTypes } from '#kernel/event-types.ts'
import type { Projection } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Progress, ProjectionStatus, RebuildReport } from './operations.ts'
import { gather, type Herd, herdOf, type Member, rebuildMember, round } from './projection-herd.ts'
import { type OpenEvents, readable } from './recorded-events.ts'
import { needsRebuild, retryParked } from './retry-parked.ts'
import { type Sleeper, sleeper } from './turns.ts'

export type RunnerStatus = ProjectionStatus

export type ProjectionRunnerOptions = {
  readonly log: EventLog
  readonly reads: ReadModels
  readonly projections: readonly Projection[]
  readonly types: EventTypes
  readonly open: OpenEvents
  /** Hears of every event that is parked and of every failure of log or store. */
  readonly onError: (error: unknown, where: string) => void
  /** Events in one page when far behind. */
  readonly pageSize?: number
  /** Rows kept in memory, over all projections. */
  readonly cachedRows?: number
  readonly pollMs?: number
  readonly now?: () => number
}

export type ProjectionRunner = {
  /**
   * Makes the tables and begins; projections of another version are rebuilt while the rest goes on.
   */
  start(): Promise<void>
  /** Answers when nothing is in flight any more. */
  stop(): Promise<void>
  wake(): void
  /** One page for each checkpoint that projections stand at; the number of events taken. */
  runOnce(): Promise<number>
  /** Until nothing is left, or up to a position. Works with and without `start`. */
  catchUp(upTo?: number): Promise<void>
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  status(): Promise<readonly ProjectionStatus[]>
  /**
   * After a commit: the position that all who are going on have reached. Returns the way to stop.
   */
  onCommitted(heard: (position: number) => void): () => void
  retryParked(name: string): Promise<number>
  rebuild(name: string, options?: RebuildOptions): Promise<RebuildReport>
}
export type RebuildOptions = {
  readonly dryRun?: boolean
  readonly onProgress?: (progress: Progress) => void
}

const PAGE_MAX = 10_000
const CACHED_ROWS = 40_000
const POLL_MS = 50
const BACK_OFF_MAX_MS = 5_000

export function projectionRunner(options: ProjectionRunnerOptions): ProjectionRunner {
  const { reads, types, open, onError, now = Date.now } = options
  const listeners = new Set<(position: number) => void>()
  const herd = herdOf({
    log: options.log,
    reads,
    projections: options.projections,
    pageSize: options.pageSize ?? PAGE_MAX,
    cachedRows: options.cachedRows ?? CACHED_ROWS,
    readable: (events) => readable(events, types, open),
    onParked: ({ definition }, { event_type, position }, error) =>
      onError(error, `${definition.name} parked ${event_type} at ${position}`),
    committed: (position) => {
      for (const heard of listeners) heard(position)
    },
  })
  const member = (name: string): Member => {
    const found = herd.members.get(name)
    if (found === undefined) throw new Error(`no projection is named ${name}`)
    return found
  }
  const work = workOver(herd, onError, options.pollMs ?? POLL_MS)
  const { ready, runOnce, rebuild, idle } = work

  return {
    start: work.start,
    stop: work.stop,
    wake: idle.wake,
    runOnce,
    catchUp: async (upTo) => {
      await ready()
      await work.rebuildOutdated()
      while ((await runOnce(upTo)) > 0);
    },
    // In line with the rounds: when it answers, nothing of it is in flight.
    pause: (name) =>
      herd.exclusive(async () => {
        member(name).paused = true
      }),
    resume: async (name) => {
      member(name).paused = false
      idle.wake()
    },
    status: async () => {
      await ready()
      return Promise.all([...herd.members.values()].map((one) => statusOf(one, herd, now)))
    },
    onCommitted: (heard) => {
      listeners.add(heard)
      return () => listeners.delete(heard)
    },
    retryParked: async (name) => {
      const one = member(name)
      await ready()
      const parked = await reads.parked(name)
      if (!needsRebuild(parked)) return herd.exclusive(() => retryParked(herd, one.track))
      await rebuild(one, {})
      return Math.max(0, parked.length - (await reads.parked(name)).length)
    },
    rebuild: async (name, choice = {}) => {
      const one = member(name)
      await ready()
      return rebuild(one, choice)
    },
  }
}

/** The loop and the rebuilds, and how they begin and end. */
function workOver(herd: Herd, onError: ProjectionRunnerOptions['onError'], pollMs: number) {
  const idle = sleeper()
  const abandoned = sleeper()
  let stopping = false
  let begun: Promise<void> | undefined
  let running: Promise<unknown> = Promise.resolve()

  const ready = () => {
    begun ??= gather(herd).catch((error) => {
      begun = undefined
      throw error
    })
    return begun
  }
  const runOnce = async (upTo = Number.MAX_SAFE_INTEGER) => {
    await ready()
    return herd.exclusive(() => round(herd, upTo))
  }
  const rebuild = async (
    one: Member,
    { dryRun = false, onProgress = () => {} }: RebuildOptions,
  ) => {
    const report = await rebuildMember(herd, one, { dryRun, onProgress, stopped: () => stopping })
    idle.wake()
    return report
  }
  const rebuildOutdated = async () => {
    for (const one of herd.members.values())
      if (one.outdated && !one.rebuilding) await rebuild(one, {})
  }
  /** Again and again until told to stop: a store that is away for a while comes back. */
  const keepAt = async (where: string, rest: Sleeper, work: () => Promise<boolean>) => {
    for (let failures = 0; !stopping; ) {
      try {
        if (!(await work())) return
        failures = 0
      } catch (error) {
        if (stopping) return
        onError(error, where)
        await rest.sleep(Math.min(pollMs * 2 ** failures++, BACK_OFF_MAX_MS))
      }
    }
  }
  const oneRound = async () => {
    if ((await runOnce()) === 0 && !stopping) await idle.sleep(pollMs)
    return true
  }
  return {
    idle,
    ready,
    runOnce,
    rebuild,
    rebuildOutdated,
    start: async () => {
      stopping = false
      await ready()
      running = Promise.all([
        keepAt('projections', idle, oneRound),
        keepAt('rebuilding projections', abandoned, async () => {
          await rebuildOutdated()
          return false
        }),
      ])
    },
    stop: async () => {
      stopping = true
      idle.wake()
      abandoned.wake()
      await running
      await herd.exclusive(async () => {})
    },
  }
}

async function statusOf(
  { track: one, paused, rebuilding, outdated }: Member,
  { reads, log }: Herd,
  now: () => number,
): Promise<ProjectionStatus> {
  const { name, version } = one.definition
  // From the store: another runner may be the one that moves it.
  const checkpoint = (await reads.checkpoints()).get(name) ?? 0
  const [head, [next], parked] = await Promise.all([
    log.head(),
    log.readAll(checkpoint, 1),
    reads.parked(name),
  ])
  const behind = next === undefined ? 0 : Math.max(0, now() - Date.parse(next.timestamp)) / 1000
  const faulted = parked.length > 0 ? 'faulted' : 'running'
  const busy = rebuilding || outdated ? 'rebuilding' : faulted
  return {
    name,
    version,
    status: paused ? 'paused' : busy,
    checkpoint,
    lag_events: Math.max(0, head.position - checkpoint),
    lag_seconds: behind,
    parked: parked.length,
  }
}
