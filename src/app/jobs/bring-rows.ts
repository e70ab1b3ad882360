// Brings a file's rows into the shop, many side by side, in batches: what a batch came to is told
// when all of it is done, so that whoever keeps that can go on behind it after any interruption.
import { hash } from 'node:crypto'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { eachInFlight } from '#app/import/in-flight.ts'
import type { Named, Rejection } from '#kernel/decider.ts'
import { partsOf } from '#kernel/message.ts'
import type { Outcome, Send } from '#kernel/waiting.ts'
import type { JobMode } from '#runtime/job-operations.ts'
import type { PersonalData } from '#runtime/personal.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Errors, FileRow } from './columns.ts'
import { type Brought, type Kind, RowRefused, type RowTools } from './kind.ts'

export type RowError = { readonly line: number; readonly field: string; readonly reason: string }
export type Counts = {
  /** Rows that are dealt with, from the file's beginning. */
  readonly rows: number
  readonly created: number
  readonly updated: number
  readonly failed: number
}
export const NONE: Counts = { rows: 0, created: 0, updated: 0, failed: 0 }

export type BringParts = {
  readonly kind: Kind
  readonly mode: JobMode
  readonly send: Send
  readonly log: Pick<EventLog, 'claimsOf' | 'commandRecord'>
  readonly blinder: PersonalData['blinder']
  /** Commands of the same run and line have one effect. */
  readonly run: string
  readonly user_id?: string | null
  /** Told where a row fails for a reason that is not its own. */
  readonly tell?: (line: string) => void
}
export type BringOptions = {
  /** Where an earlier run was interrupted. */
  readonly from?: Counts
  /** An earlier run may have got further than `from`. */
  readonly again?: boolean
  /** Aborted: the batch under way is finished, and counted. */
  readonly signal?: AbortSignal
  /** Awaited before the next batch. False: stop. */
  readonly onBatch: (counts: Counts, errors: readonly RowError[]) => Promise<boolean>
}

const BATCH_ROWS = 256
const AT_ONCE_MAX = 64
/** Beyond so many, a second row of the same key is brought in after the first. */
const KEYS_MAX = 1_000_000

/** The counts at the end, and whether it was the file's. Throws FileBroken. */
export async function bringRows(
  parts: BringParts,
  rows: AsyncIterable<FileRow>,
  { from = NONE, again = false, signal, onBatch }: BringOptions,
): Promise<{ readonly counts: Counts; readonly finished: boolean }> {
  const seen = seenKeys(parts.kind)
  let counts = from
  let skip = from.rows
  let batch: FileRow[] = []
  const finish = async () => {
    // Only what was under way when a run was interrupted may have been carried out already.
    const mayBeDone = again && counts.rows < from.rows + BATCH_ROWS
    const done = await brought(parts, batch, mayBeDone)
    counts = added(counts, batch.length, done)
    batch = []
    const goesOn = await onBatch(counts, done.errors)
    // Others have their turn, also where no store lets them.
    await turn()
    return goesOn
  }
  for await (const row of rows) {
    const judged = seen(row)
    // They are looked at all the same: a later row may have the same key.
    if (skip-- > 0) continue
    batch.push(judged)
    if (batch.length < BATCH_ROWS) continue
    if (!(await finish()) || signal?.aborted) return { counts, finished: false }
  }
  if (batch.length > 0) await finish()
  return { counts, finished: true }
}

type Done = { readonly created: number; readonly updated: number; readonly errors: RowError[] }

async function brought(
  parts: BringParts,
  batch: readonly FileRow[],
  mayBeDone: boolean,
): Promise<Done & { readonly failed: number }> {
  const outcomes = new Map<FileRow, Brought | Errors>()
  await eachInFlight(batch, AT_ONCE_MAX, async (row) => {
    outcomes.set(row, await outcomeOf(row, parts, mayBeDone))
  })
  const counted = (what: Brought) => [...outcomes.values()].filter((one) => one === what).length
  const errors = batch.flatMap((row) => {
    const outcome = outcomes.get(row)
    return outcome === undefined || typeof outcome === 'string' ? [] : errorsOf(row.line, outcome)
  })
  const created = counted('created')
  const updated = counted('updated')
  return { created, updated, failed: batch.length - created - updated, errors }
}

const added = (counts: Counts, rows: number, done: Done & { failed: number }): Counts => ({
  rows: counts.rows + rows,
  created: counts.created + done.created,
  updated: counts.updated + done.updated,
  failed: counts.failed + done.failed,
})

const errorsOf = (line: number, errors: Errors): readonly RowError[] =>
  Object.entries(errors).map(([field, reason]) => ({ line, field, reason }))

async function outcomeOf(
  row: FileRow,
  parts: BringParts,
  mayBeDone: boolean,
): Promise<Brought | Errors> {
  if ('errors' in row) return row.errors
  try {
    return await parts.kind.bring(row.fields, toolsOf(row.line, parts, mayBeDone))
  } catch (error) {
    if (error instanceof RowRefused) return told(error.rejection)
    // The store's trouble is not the row's; everything else is a fault that this row brings out.
    if (isAway(error)) throw error
    parts.tell?.(`import, line ${row.line}: ${String(error)}`)
    return { '(row)': 'the program failed on it; its output says more' }
  }
}

const told = ({ code, message, errors }: Rejection): Errors =>
  errors !== undefined && Object.keys(errors).length > 0
    ? errors
    : { '(row)': `${code}: ${message}` }

function toolsOf(
  line: number,
  { mode, send, log, blinder, run, user_id, kind }: BringParts,
  mayBeDone: boolean,
): RowTools {
  const idOf = (name: string) => derivedId(kind.name, run, String(line), name)
  return {
    mode,
    blinder,
    async send(name, type, input) {
      const meta = {
        command_id: idOf(name),
        correlation_id: run,
        source: 'import',
        ...(user_id == null ? {} : { user_id }),
      }
      const outcome = await sent(() => send(type, input, meta))
      if (!outcome.ok) throw new RowRefused(outcome.rejection)
      return outcome.response
    },
    wasSent: async (name) => mayBeDone && (await log.commandRecord(idOf(name))) !== null,
    async owner(name: Named) {
      const [claim] = await log.claimsOf([name])
      return claim === undefined ? null : partsOf(claim.owner).aggregate_id
    },
  }
}

const TRIES_MAX = 5
const PAUSE_FIRST_MS = 100
/** The store cannot do it just now, whatever is asked of it; later it can. */
export const isAway = (error: unknown): boolean =>
  error instanceof Error && AWAY.includes(error.name)
const AWAY = [
  ...['Unavailable', 'CircuitOpen', 'NoAnswer', 'OutcomeUnknown', 'StorageFull', 'LogClosed'],
]
const isUnknown = (error: unknown) => error instanceof Error && error.name === 'OutcomeUnknown'

/** When nobody knows whether it happened, the same command is sent again: it has one effect. */
async function sent(send: () => Promise<Outcome>): Promise<Outcome> {
  for (let failures = 1; ; failures++)
    try {
      return await send()
    } catch (error) {
      if (!isUnknown(error) || failures === TRIES_MAX) throw error
      await sleep(PAUSE_FIRST_MS * 2 ** failures)
    }
}

/** Turns a row into a wrong one where an earlier row of the file had its key. */
function seenKeys({ keyOf }: Kind): (row: FileRow) => FileRow {
  const lines = new Map<number, number>()
  return (row) => {
    if ('errors' in row) return row
    const key = shortened(keyOf(row.fields))
    const first = lines.get(key)
    if (first !== undefined)
      return {
        line: row.line,
        errors: { '(row)': `says something else of what line ${first} is about` },
      }
    if (lines.size < KEYS_MAX) lines.set(key, row.line)
    return row
  }
}

/** 53 bits: of a million keys two are taken for one once in 18,000 files. */
const shortened = (key: string): number => {
  const bytes = hash('sha256', key, 'buffer')
  return bytes.readUIntBE(0, 6) * 32 + (bytes[6]! >> 3)
}
