// Appends to PostgreSQL: a batch is one call. What becomes of a batch whose connection died is
// settled before anybody is told: its events carry ids, and the server is asked for them.
import { setTimeout as sleep } from 'node:timers/promises'
import { OutcomeUnknown, StorageFull, type Verdict } from '#storage/event-log.ts'
import type { Judged, Packed } from '#storage/log-packing.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { type Connections, Interrupted, type Statement } from './connections.ts'
import { APPEND, type BatchAnswer, documentOf, verdictsOf } from './log-batch.ts'

export type Patience = {
  /** How long an append that has not begun waits for a server that is away, or a held counter. */
  readonly beginWithinMs: number
  /** How long the outcome of an interrupted one is looked for, before it is told as unknown. */
  readonly settleWithinMs: number
}
export const PATIENCE: Patience = { beginWithinMs: 5_000, settleWithinMs: 15_000 }

const DISK_FULL = '53100'
const PAUSE_FIRST_MS = 20
const PAUSE_MAX_MS = 500

/**
 * Takes a batch to its verdicts. Throws Unavailable or StorageFull (nothing was done), or
 * OutcomeUnknown.
 */
export function batchWriter(
  connections: Connections,
  patience: Patience = PATIENCE,
): (batch: readonly Packed[]) => Promise<readonly Judged[]> {
  const call = async (batch: readonly Packed[]): Promise<readonly Judged[]> => {
    const [answer] = await connections.write<BatchAnswer>(APPEND, [documentOf(batch)])
    return verdictsOf(batch, answer!)
  }

  /** If the server refuses the batch as a whole, its members go one by one. */
  const apply = async (batch: readonly Packed[]): Promise<readonly Judged[]> => {
    try {
      return await patiently(() => call(batch), patience.beginWithinMs)
    } catch (error) {
      if (error instanceof Interrupted) return settle(batch, error)
      if (error instanceof Unavailable) throw error
      if ((error as { code?: string }).code === DISK_FULL)
        throw new StorageFull('the server has no room to write; nothing was stored', {
          cause: error,
        })
      if (batch.length === 1) return [{ error: (error as Error).message }]
      const judged: Judged[] = []
      for (const append of batch) judged.push(...(await apply([append])))
      return judged
    }
  }

  /**
   * The connection died on the way: the server's process is ended, so that it can no longer commit;
   * then what the log has is done, and the rest is asked for again.
   */
  const settle = async (
    batch: readonly Packed[],
    interrupted: Interrupted,
  ): Promise<readonly Judged[]> => {
    let done: readonly (Verdict | null)[]
    try {
      done = await patiently(async () => {
        await endProcess(connections, interrupted.pid)
        return Promise.all(batch.map((append) => found(connections, append)))
      }, patience.settleWithinMs)
    } catch (error) {
      throw new OutcomeUnknown(
        `whether it was recorded is not known, ask again with the same command id: ${String(error)}`,
        { cause: error },
      )
    }
    const open = batch.filter((_, i) => done[i] === null)
    const rest = open.length === 0 ? [] : [...(await apply(open))]
    return done.map((verdict) => verdict ?? rest.shift()!)
  }
  return apply
}

/** Again and again while nothing is done: the server is away, or somebody holds the counter. */
async function patiently<T>(work: () => Promise<T>, withinMs: number): Promise<T> {
  const until = performance.now() + withinMs
  for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(2 * pause, PAUSE_MAX_MS)) {
    try {
      return await work()
    } catch (error) {
      const held = isHeld(error)
      if (!held && !(error instanceof Unavailable)) throw error
      if (performance.now() + pause > until)
        throw held
          ? new Unavailable(`others hold the log's counter: ${(error as Error).message}`)
          : error
    }
    await sleep(pause)
  }
}

/** Lock time-out, statement time-out, deadlock, serialization: rolled back, may be asked again. */
const isHeld = (error: unknown): boolean =>
  ['55P03', '57014', '40P01', '40001'].includes((error as { code?: string }).code ?? '')

/** Throws Unavailable while it goes on: it could still commit. */
async function endProcess({ read }: Connections, pid: number): Promise<void> {
  const processes = await read<{ ended: boolean }>(END_PROCESS, [pid])
  if (processes.some(({ ended }) => !ended))
    throw new Unavailable('the server does not end the process that was at work')
}

const END_PROCESS: Statement = {
  name: 'log_end_process',
  text: `SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity
    WHERE pid = $1 AND usename = current_user
      AND application_name = current_setting('application_name')`,
}
const FIND_EVENT: Statement = {
  name: 'log_find_event',
  text: `SELECT position, version, timestamp FROM event_store.log
    WHERE stream = $1 AND event_id = $2`,
}
type FoundEvent = { position: number; version: number; timestamp: string }

/** The verdict of an append whose events are in the log; null when they are not. */
async function found({ read }: Connections, { writes }: Packed): Promise<Verdict | null> {
  let first = Number.POSITIVE_INFINITY
  let position = 0
  let timestamp = ''
  const versions: number[] = []
  for (const [stream, expected, events] of writes) {
    if (events.length === 0) {
      versions.push(typeof expected === 'number' ? expected : 0)
      continue
    }
    const [last] = await read<FoundEvent>(FIND_EVENT, [stream, events.at(-1)![0]])
    if (last === undefined) return null
    first = Math.min(first, last.position - events.length + 1)
    position = Math.max(position, last.position)
    timestamp = last.timestamp
    versions.push(last.version)
  }
  return position === 0 ? null : { ok: true, position, first, versions, timestamp }
}
