// Takes up what the book has to do: one job after the other, the oldest first. Of several processes
// one has a job, by a lease; should two have it, the book's revisions keep them apart, and commands
// that are sent twice have one effect.
import { randomUUID } from 'node:crypto'
import type { Job } from '#storage/job-book.ts'
import type { Leases } from '#storage/leases.ts'
import { isAway } from './bring-rows.ts'
import { FileBroken } from './columns.ts'
import { ended, exportJob, importJob, type JobParts } from './job-work.ts'

export type RunnerParts = JobParts & {
  /** null: this process is alone. */
  readonly leases: Leases | null
  /** What ended longer ago is forgotten. */
  readonly keepMs: number
}
export type JobRunner = {
  start(): void
  /** There is something new to do. */
  wake(): void
  /** Ends the batch under way; the rest is for later. */
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 1_000
const PRUNE_EVERY_MS = 600_000
const LEASE_MS = 30_000
const BACK_OFF_MAX_MS = 30_000
const LOOK_AT_MAX = 1_000

export function jobRunner(parts: RunnerParts): JobRunner {
  const stopping = new AbortController()
  const member = randomUUID()
  let running: Promise<void> = Promise.resolve()
  let wakeUp = () => {}
  let failures = 0
  let prunedAt = Number.NEGATIVE_INFINITY

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const loop = async () => {
    while (!stopping.signal.aborted)
      try {
        const found = await lookOnce()
        failures = 0
        if (!found) await pause(LOOK_EVERY_MS)
      } catch (error) {
        parts.tell(`jobs: ${String(error)}`)
        await pause(Math.min(BACK_OFF_MAX_MS, LOOK_EVERY_MS * 2 ** failures++))
      }
  }
  /** Whether there was something to do. */
  const lookOnce = async (): Promise<boolean> => {
    await pruneOld()
    const open = ['waiting', 'running', 'stopping'] as const
    const jobs = await parts.book.list({ statuses: open, limit: LOOK_AT_MAX })
    for (const job of jobs.toReversed()) if (await tryJob(job)) return true
    return false
  }
  const pruneOld = async () => {
    if (performance.now() - prunedAt < PRUNE_EVERY_MS) return
    prunedAt = performance.now()
    await parts.book.prune(new Date(Date.parse(parts.now()) - parts.keepMs).toISOString())
  }
  const tryJob = async ({ job_id }: Job): Promise<boolean> => {
    const held = await leased(parts.leases, `job-${job_id}`, member, stopping.signal)
    if (held === null) return false
    try {
      // What was read before the lease may be another's work of a moment ago.
      const job = await parts.book.get(job_id)
      return job !== null && (await runJob(job, parts, held.signal))
    } finally {
      await held.release()
    }
  }
  return {
    start() {
      running = loop()
    },
    wake: () => wakeUp(),
    async stop() {
      stopping.abort()
      wakeUp()
      await running
    },
  }
}

/** False: there was nothing to do, or it has to wait. */
async function runJob(job: Job, parts: RunnerParts, signal: AbortSignal): Promise<boolean> {
  const { book, now, tell } = parts
  const { job_id, revision } = job
  if (job.status === 'stopping') {
    await book.change(job_id, revision, { ...ended(now()), status: 'stopped' })
    return true
  }
  if (job.status !== 'waiting' && job.status !== 'running') return false
  const taken = await book.change(job_id, revision, {
    ...{ status: 'running', note: null, updated_at: now() },
  })
  if (taken === null) return false
  try {
    await (job.direction === 'import' ? importJob : exportJob)(taken, parts, signal)
  } catch (error) {
    const reason = await failed(job_id, error, parts)
    if (reason !== null) tell(`job ${job_id}: ${reason}`)
  }
  return !signal.aborted
}

/** What is told to the operator; null: the file's own fault. */
async function failed(
  jobId: string,
  error: unknown,
  { book, now }: RunnerParts,
): Promise<string | null> {
  // A store that is away is waited for; perhaps it is this one.
  if (isAway(error)) {
    const job = await book.get(jobId)
    const waits = { updated_at: now(), note: `It waits: ${String(error)}` }
    if (job !== null && job.ended_at === null) await book.change(jobId, job.revision, waits)
    throw error
  }
  const job = await book.get(jobId)
  if (job === null) return String(error)
  const isBroken = error instanceof FileBroken
  const note = isBroken ? error.message : 'The program failed on it; its output says more.'
  await book.change(jobId, job.revision, { ...ended(now()), status: 'failed', note })
  return isBroken ? null : String(error)
}

type Held = { readonly signal: AbortSignal; release(): Promise<void> }

/** Prolongs the lease until it is released; `signal` tells that it is lost, or that all stops. */
async function leased(
  leases: Leases | null,
  name: string,
  member: string,
  stopping: AbortSignal,
): Promise<Held | null> {
  if (leases === null) return { signal: stopping, release: async () => {} }
  if ((await leases.acquire(name, member, LEASE_MS)) === null) return null
  const lost = new AbortController()
  const prolong = async () => {
    if ((await leases.acquire(name, member, LEASE_MS)) === null) lost.abort()
  }
  const timer = setInterval(() => void prolong().catch(() => lost.abort()), LEASE_MS / 3)
  return {
    signal: AbortSignal.any([stopping, lost.signal]),
    async release() {
      clearInterval(timer)
      // Ends by itself where the store is away.
      await leases.release(name, member).catch(() => {})
    },
  }
}
