// Keeps all projections up to date: one page of the log and one commit for all that stand at the
// same checkpoint; one that is behind catches up by itself and then joins. Reading the log is the
// truth, `wake` only shortens the wait. A second runner is harmless: the checkpoint's
// compare-and-set decides.
import { setImmediate as turn } from 'node:timers/promises'
import type { EventTypes } from '#kernel/event-types.ts'
import type { Projection } from '#kernel/projection.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Commit, ReadModels } from '#storage/read-models.ts'
import type { Progress, ProjectionStatus, RebuildReport } from './operations.ts'
import {
  gather,
  type Herd,
  herdOf,
  type Member,
  readHeld,
  rebuildMember,
  renew,
  round,
} from './projection-herd.ts'
import { REBUILDING } from './rebuild.ts'
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
  /** Until `resume`, whoever moves it, from whichever process; also after starting again. */
  pause(name: string): Promise<void>
  resume(name: string): Promise<void>
  /**
   * From now on only these are moved by this runner, the others stand still here: somebody else
   * moves them. Without a call: all.
   */
  runs(names: readonly string[]): void
  status(): Promise<readonly ProjectionStatus[]>
  /**
   * After a commit: the position that all who are going on here have reached. Returns the way to
   * stop.
   */
  onCommitted(heard: (position: number) => void): () => void
  /**
   * After each commit of this runner to a live table, with what it wrote. Returns the way to stop.
   * A table that another has taken the place of shows by its `generation`.
   */
  onStored(heard: (commit: Commit) => void): () => void
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
/** How often to look whether a table of another version is ours to rebuild. */
const TAKEN_READ_MS = 1_000

export function projectionRunner(options: ProjectionRunnerOptions): ProjectionRunner {
  const { reads, now = Date.now } = options
  const listeners = new Set<(position: number) => void>()
  const stored = new Set<(commit: Commit) => void>()
  const herd = herdOver(options, listeners, stored)
  const member = (name: string): Member => {
    const found = herd.members.get(name)
    if (found === undefined) throw new Error(`no projection is named ${name}`)
    return found
  }
  const work = workOver(herd, options.onError, options.pollMs ?? POLL_MS)
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
    pause: async (name) => {
      member(name)
      await ready()
      await reads.hold(name)
      // In line with the rounds: when it answers, nothing of it is in flight.
      await herd.exclusive(() => readHeld(herd))
    },
    resume: async (name) => {
      member(name)
      await reads.letGo(name)
      await herd.exclusive(() => readHeld(herd))
      idle.wake()
    },
    runs: (names) => {
      for (const name of names) member(name)
      for (const [name, one] of herd.members) {
        const here = names.includes(name)
        // Somebody else has moved it meanwhile.
        one.stale ||= here && !one.here
        one.here = here
      }
      work.taken()
    },
    status: async () => {
      await ready()
      // Another process may have rebuilt it.
      for (const one of herd.members.values())
        if (one.outdated && !one.rebuilding) await herd.exclusive(() => renew(herd, one))
      return statusOf(herd, now)
    },
    onCommitted: (heard) => listening(listeners, heard),
    onStored: (heard) => listening(stored, heard),
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

function listening<Heard>(listeners: Set<Heard>, heard: Heard): () => void {
  listeners.add(heard)
  return () => listeners.delete(heard)
}

function herdOver(
  { log, reads, projections, types, open, onError, ...sizes }: ProjectionRunnerOptions,
  listeners: ReadonlySet<(position: number) => void>,
  stored: ReadonlySet<(commit: Commit) => void>,
): Herd {
  return herdOf({
    log,
    reads,
    projections,
    pageSize: sizes.pageSize ?? PAGE_MAX,
    cachedRows: sizes.cachedRows ?? CACHED_ROWS,
    readable: (events) => readable(events, types, open),
    hears: {
      onParked: ({ definition }, { event_type, position }, error) =>
        onError(error, `${definition.name} parked ${event_type} at ${position}`),
      onStored: (commit) => {
        for (const heard of stored) heard(commit)
      },
    },
    committed: (position) => {
      for (const heard of listeners) heard(position)
    },
  })
}

/** The loop and the rebuilds, and how they begin and end. */
function workOver(herd: Herd, onError: ProjectionRunnerOptions['onError'], pollMs: number) {
  const idle = sleeper()
  const taking = sleeper()
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
  const rebuild = async (one: Member, choice: RebuildOptions) => {
    const { dryRun = false, onProgress = () => {} } = choice
    const report = await rebuildMember(herd, one, { dryRun, onProgress, stopped: () => stopping })
    idle.wake()
    return report
  }
  const isOurs = (one: Member) =>
    one.here && one.outdated && !one.superseded && !one.rebuilding && !stopping
  const rebuildOutdated = async () => {
    for (const [name, one] of herd.members) {
      if (!isOurs(one)) continue
      // Another process may have done it, or be at it.
      await herd.exclusive(() => renew(herd, one))
      const { reads } = herd
      if (isOurs(one) && !(await reads.held()).has(name + REBUILDING)) await rebuild(one, {})
    }
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
    // Callers have their turn in between, also where a store answers at once.
    if ((await runOnce()) > 0) await turn()
    else if (!stopping) await idle.sleep(pollMs)
    return true
  }
  return {
    idle,
    ready,
    runOnce,
    rebuild,
    rebuildOutdated,
    /** Others than before are ours. */
    taken: () => {
      idle.wake()
      taking.wake()
    },
    start: async () => {
      stopping = false
      await ready()
      running = Promise.all([
        keepAt('projections', idle, oneRound),
        keepAt('rebuilding projections', taking, async () => {
          await rebuildOutdated()
          if (!stopping) await taking.sleep(TAKEN_READ_MS)
          return true
        }),
      ])
    },
    stop: async () => {
      stopping = true
      idle.wake()
      taking.wake()
      await running
      await herd.exclusive(async () => {
        await herd.ahead?.events.catch(() => {})
        herd.ahead = null
      })
    },
  }
}

async function statusOf(herd: Herd, now: () => number): Promise<readonly ProjectionStatus[]> {
  const { reads, log, members } = herd
  // All from the store: another runner may be the one that moves them.
  const [held, checkpoints, parked, head] = await Promise.all([
    reads.held(),
    reads.checkpoints(),
    reads.parked(),
    log.head(),
  ])
  const behind = async (checkpoint: number) => {
    const [next] = checkpoint < head.position ? await log.readAll(checkpoint, 1) : []
    return next === undefined ? 0 : Math.max(0, now() - Date.parse(next.timestamp)) / 1000
  }
  const status = (name: string, { rebuilding, outdated, superseded }: Member, waiting: number) => {
    if (held.get(name) === true) return 'paused'
    if (rebuilding || (outdated && !superseded) || held.has(name + REBUILDING)) return 'rebuilding'
    return waiting > 0 ? 'faulted' : 'running'
  }
  return Promise.all(
    [...members].map(async ([name, one]) => {
      const checkpoint = checkpoints.get(name) ?? 0
      const waiting = parked.filter(({ projection }) => projection === name).length
      return {
        name,
        version: one.track.definition.version,
        status: status(name, one, waiting),
        checkpoint,
        lag_events: Math.max(0, head.position - checkpoint),
        lag_seconds: await behind(checkpoint),
        parked: waiting,
      }
    }),
  )
}
