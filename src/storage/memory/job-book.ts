// Jobs in memory: the reference implementation of storage/job-book.ts.
import { bytewise } from '#kernel/bytewise.ts'
import { begun, type Job, type JobBook, type JobError } from '#storage/job-book.ts'

type Kept = {
  job: Job
  readonly errors: Map<string, JobError>
  readonly pieces: Map<number, Uint8Array>
}

export async function openJobBook(): Promise<JobBook> {
  const all = new Map<string, Kept>()
  const copied = <T>(value: T): T => structuredClone(value)
  const newest = (a: Job, b: Job) =>
    bytewise(b.created_at, a.created_at) || bytewise(b.job_id, a.job_id)
  return {
    async create(job) {
      if (all.has(job.job_id)) return false
      all.set(job.job_id, { job: begun(copied(job)), errors: new Map(), pieces: new Map() })
      return true
    },
    async get(jobId) {
      return copied(all.get(jobId)?.job ?? null)
    },
    async list({ direction, statuses, before, limit }) {
      const isBefore = ({ created_at, job_id }: Job) =>
        before === undefined ||
        created_at < before.created_at ||
        (created_at === before.created_at && bytewise(job_id, before.job_id) < 0)
      const found = [...all.values()]
        .map(({ job }) => job)
        .filter((job) => direction === undefined || job.direction === direction)
        .filter((job) => statuses === undefined || statuses.includes(job.status))
        .filter(isBefore)
        .sort(newest)
      return copied(found.slice(0, limit))
    },
    async change(jobId, revision, change, errors = []) {
      const kept = all.get(jobId)
      if (kept === undefined || kept.job.revision !== revision) return null
      kept.job = { ...kept.job, ...copied(change), revision: revision + 1 }
      for (const error of errors) kept.errors.set(`${error.line}\n${error.field}`, { ...error })
      return copied(kept.job)
    },
    async errors(jobId, after, limit) {
      const isBehind = ({ line, field }: JobError) =>
        after === null ||
        line > after.line ||
        (line === after.line && bytewise(field, after.field) > 0)
      return [...(all.get(jobId)?.errors.values() ?? [])]
        .filter(isBehind)
        .sort((a, b) => a.line - b.line || bytewise(a.field, b.field))
        .slice(0, limit)
        .map((error) => ({ ...error }))
    },
    async write(jobId, piece, bytes) {
      all.get(jobId)?.pieces.set(piece, Uint8Array.from(bytes))
    },
    async read(jobId, piece) {
      return all.get(jobId)?.pieces.get(piece) ?? null
    },
    async dropText(jobId) {
      all.get(jobId)?.pieces.clear()
    },
    async prune(before) {
      const old = [...all.values()].filter(({ job: { status, ended_at, updated_at } }) =>
        status === 'receiving' ? updated_at < before : ended_at !== null && ended_at < before,
      )
      for (const { job } of old) all.delete(job.job_id)
      return old.length
    },
    async close() {},
  }
}
