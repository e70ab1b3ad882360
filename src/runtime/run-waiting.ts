// Does what is due: sagas' next steps, payment operations, expiries. The rows are projected from
// the log, so a crash forgets nothing; a row that was acted on rests until its table has caught up.
// Which of them are done here may change while it runs: several processes share them out.
import { setImmediate as turn } from 'node:timers/promises'
import { v5 } from 'uuid'
import type { Instant } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import type { Send, SendMeta, Waiting, WaitingTools } from '#kernel/waiting.ts'
import { type ReadModels, TableUnready } from '#storage/read-models.ts'
import { quietTable } from './quiet-table.ts'
import { caught } from './recorded-events.ts'
import { type RestingRows, restingRows, type Stuck } from './resting-rows.ts'

export type WaitingParts = {
  readonly waitings: readonly Waiting[]
  /** Only read here; may be another handle on the same rows. */
  readonly reads: Pick<ReadModels, 'find' | 'checkpoints'>
  readonly send: Send
  readonly now: () => Instant
  /**
   * Where the log ends now; asked when a waiting begins here. A table that is behind it shows what
   * was due before: long ago if it is being filled anew, a moment ago if another process did it
   * until now. Nobody outside may be called for that a second time.
   */
  readonly logEnd?: () => Promise<number>
  /** Without it, an action that has to read the log fails and says so. */
  readonly events?: WaitingTools['events']
  /** Without it, an action that has to destroy a key fails and says so. */
  readonly forget?: WaitingTools['forget']
  readonly onError: (error: unknown, where: string) => void
  readonly atOnceMax?: number
  /** An action that takes longer is given up and tried again later; it can send nothing more. */
  readonly actMaxMs?: number
  readonly pollMs?: number
}
export type WaitingRunner = {
  /** All of them. */
  start(): void
  /**
   * From now on only these are acted on here. Resolves when nothing of the others is under way any
   * more.
   */
  runs(names: readonly string[]): Promise<void>
  /** Something was projected: look now. */
  wake(): void
  /** Finishes the actions under way. */
  stop(): Promise<void>
  /** By waiting; for health. */
  status(): Readonly<Record<string, WaitingStatus>>
}
export type WaitingStatus = {
  /** Rows under way. */
  readonly acting: number
  /** Rows that rest after a failure. */
  readonly failing: number
  /** Some of those that have failed so often that a person has to look. */
  readonly stuck: readonly Stuck[]
}

const NAMESPACE = '0b8f7c0e-5a53-5d0c-9d1b-6f1f2f6f6d5e'
/** The same parts give the same id, so that a command sent twice is one command. */
export const derivedId = (...parts: string[]): string => v5(parts.join('\n'), NAMESPACE)

const AT_ONCE_MAX = 64
const ACT_MAX_MS = 180_000
const POLL_MS = 50
/** A store that is away is asked less and less often. */
const BACK_OFF_MAX_MS = 5_000
const LOOK_MAX = 256
/** From here on, what rests is looked through at every look. */
const RESTING_MAX = 10_000

const noEvents: WaitingTools['events'] = () =>
  Promise.reject(new Error('nothing was given to read events with'))
const noForget: WaitingTools['forget'] = () =>
  Promise.reject(new Error('no keys were given to destroy one of'))

export function waitingRunner(parts: WaitingParts): WaitingRunner {
  const shared = sharedCheckpoints(parts.reads)
  const reads = { ...parts.reads, checkpoints: shared.checkpoints }
  const loops = parts.waitings.map((waiting) => loopOf(waiting, { ...parts, reads }))
  const runs = async (names: readonly string[]) => {
    for (const loop of loops) if (names.includes(loop.name)) loop.begin()
    await Promise.all(loops.filter(({ name }) => !names.includes(name)).map((loop) => loop.end()))
  }
  return {
    start: () => loops.forEach((loop) => void loop.begin()),
    wake() {
      shared.renew()
      for (const loop of loops) loop.wake()
    },
    runs,
    stop: () => runs([]),
    status: () => Object.fromEntries(loops.map((loop) => [loop.name, loop.status()])),
  }
}

/** All who look at the same time ask once; whoever was told that they moved asks anew. */
function sharedCheckpoints(reads: WaitingParts['reads']) {
  let underWay: ReturnType<typeof reads.checkpoints> | null = null
  const renew = () => {
    underWay = null
  }
  return {
    renew,
    checkpoints() {
      if (underWay !== null) return underWay
      const asked = reads.checkpoints().finally(() => {
        if (underWay === asked) renew()
      })
      underWay = asked
      return asked
    },
  }
}

/** One waiting: looks when told and every now and then, never twice at once. */
function loopOf(waiting: Waiting, parts: WaitingParts) {
  const { onError, pollMs = POLL_MS } = parts
  const { name } = waiting
  const desk = deskOf(waiting, parts, () => lookSoon())
  let running = false
  let looking: Promise<void> | null = null
  let again = false
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let restUntil = 0

  const failed = (error: unknown) => {
    restUntil = performance.now() + Math.min(pollMs * 2 ** failures++, BACK_OFF_MAX_MS)
    // No failure: nobody has filled it yet.
    if (!(error instanceof TableUnready)) onError(error, name)
  }
  const lookSoon = () => {
    if (!running || performance.now() < restUntil) return
    if (looking !== null) {
      again = true
      return
    }
    again = false
    // Callers have their turn in between, also where a store answers at once.
    looking = turn()
      .then(() => (running ? desk.look() : undefined))
      .then(() => {
        failures = 0
      }, failed)
      .finally(() => {
        looking = null
        if (again) lookSoon()
      })
  }
  return {
    name,
    begin() {
      if (running) return
      running = true
      desk.begin()
      timer = setInterval(lookSoon, pollMs)
      lookSoon()
    },
    wake: lookSoon,
    async end() {
      running = false
      desk.end()
      clearInterval(timer)
      await looking
      await desk.finished()
    },
    status: desk.status,
  }
}

/** The rows under way and at rest, and which of those that are due have their turn. */
function deskOf(waiting: Waiting, parts: WaitingParts, onFree: () => void) {
  const { reads, now, atOnceMax = AT_ONCE_MAX, logEnd = async () => 0 } = parts
  const { projection, due } = waiting
  const acting = new Map<string, Promise<void>>()
  const resting = restingRows()
  const keyOf = (row: Row) => String(row[projection.table.key])
  /** Where it began here; null until that is known. */
  let from: number | null = null
  /** Grows whenever it ends here. */
  let term = 0
  /** Behind a page of which nothing can be acted on just now; null: at the beginning. */
  let place: { readonly cursor: string; readonly until: Instant } | null = null
  const table = quietTable()

  const nextAfter = async (moment: Instant): Promise<Instant | null> => {
    const where = { [due]: { gt: moment } }
    const sort = [{ column: due }]
    const { items } = await reads.find(projection.table, { where, sort, limit: 1 })
    return items.length === 0 ? null : String(items[0]![due])
  }

  const actOn = async (row: Row, key: string, seen: number) => {
    await actedOn(waiting, parts, { row, key, seen, resting })
    acting.delete(key)
    // A look for every single row that ends would read the same page again and again.
    if (acting.size <= atOnceMax / 2) onFree()
  }

  return {
    begin() {
      from = null
      place = null
      table.forget()
    },
    end() {
      term++
    },
    async look() {
      const lookedIn = term
      const begun = from ?? (await logEnd())
      if (lookedIn !== term) return
      from = begun
      const room = atOnceMax - acting.size
      if (room <= 0) return
      // The checkpoint first: rows read after it are at least as new.
      const checkpoint = (await reads.checkpoints()).get(projection.name) ?? 0
      if (checkpoint < begun) return
      if (resting.size > RESTING_MAX) resting.tidy(checkpoint)
      // The table is far behind what was done: nothing is won by doing still more.
      if (resting.size - resting.failing() > RESTING_MAX) return
      const until = place?.until ?? now()
      const isFirst = place === null
      if (isFirst && table.isQuiet(checkpoint, until)) return
      const { items, next_cursor } = await reads.find(projection.table, {
        where: { [due]: { lte: until } },
        sort: [{ column: due }],
        // Rows under way or at rest are among those that come back.
        limit: Math.min(LOOK_MAX, room + acting.size + resting.size),
        ...(place === null ? {} : { cursor: place.cursor }),
      })
      // Given away meanwhile, and perhaps taken back: these rows are of before.
      if (lookedIn !== term) return
      const isFree = (key: string) => !acting.has(key) && !resting.rests(key, checkpoint)
      const free = items.filter((row) => isFree(keyOf(row)))
      for (const row of free.slice(0, room))
        acting.set(keyOf(row), actOn(row, keyOf(row), checkpoint))
      // However many rest, those behind them have their turn.
      if (free.length === 0) place = next_cursor === null ? null : { cursor: next_cursor, until }
      if (items.length > 0) return
      resting.tidy(checkpoint)
      if (isFirst) await table.nothingDue(checkpoint, () => nextAfter(until))
    },
    async finished() {
      await Promise.all(acting.values())
    },
    status: () => ({ acting: acting.size, failing: resting.failing(), stuck: resting.stuck() }),
  }
}

type Acting = {
  readonly row: Row
  readonly key: string
  /** How far its table had come. */
  readonly seen: number
  readonly resting: RestingRows
}

async function actedOn(
  { act, name }: Waiting,
  parts: WaitingParts,
  { row, key, seen, resting }: Acting,
): Promise<void> {
  const { send, now, events = noEvents, forget = noForget, onError } = parts
  const { actMaxMs = ACT_MAX_MS } = parts
  let position = 0
  let isGivenUp = false
  const tools: WaitingTools = {
    now,
    derivedId,
    events,
    forget,
    async send(type, input, meta = {}) {
      if (isGivenUp) throw new Error(`${name} ${key} took too long and was given up`)
      const outcome = await send(type, input, { source: name, ...causeIn(row), ...meta })
      if (outcome.ok) position = Math.max(position, outcome.position)
      return outcome
    },
  }
  try {
    await within(actMaxMs, act(row, tools))
    // What recorded nothing that its table has not seen would be due again at once (a row whose
    // events are parked, say): it rests like a failed one.
    if (position > seen) resting.untilSeen(key, position)
    else resting.pause(key, 'recorded nothing')
  } catch (thrown) {
    isGivenUp = true
    const error = caught(thrown)
    resting.pause(key, String(error))
    onError(error, `${name} ${key}`)
  }
}

/** Nothing for a table that keeps no cause, and for a row of events that had none. */
function causeIn({ correlation_id, causation_id }: Row): SendMeta {
  return {
    ...(typeof correlation_id === 'string' ? { correlation_id } : {}),
    ...(typeof causation_id === 'string' ? { causation_id } : {}),
  }
}

async function within(ms: number, action: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${ms / 1000} s`)), ms)
  })
  await Promise.race([action, late]).finally(() => clearTimeout(timer))
}
