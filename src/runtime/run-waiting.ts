// Does what is due: sagas' next steps, payment operations, expiries. The rows are projected from the
// log, so a crash forgets nothing; a row that was acted on rests until its table has caught up.
import { v5 } from 'uuid'
import type { Instant } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import type { Send, Waiting, WaitingTools } from '#kernel/waiting.ts'
import type { ReadModels } from '#storage/read-models.ts'

export type WaitingParts = {
  readonly waitings: readonly Waiting[]
  /** Only read here; may be another handle on the same rows. */
  readonly reads: Pick<ReadModels, 'find' | 'checkpoints'>
  readonly send: Send
  readonly now: () => Instant
  readonly onError: (error: unknown, where: string) => void
  readonly atOnceMax?: number
  readonly pollMs?: number
}
export type WaitingRunner = {
  start(): void
  /** Something was projected: look now. */
  wake(): void
  /** Finishes the actions under way. */
  stop(): Promise<void>
  /** Rows under way and rows that rest after a failure, by waiting; for health. */
  status(): Readonly<Record<string, { readonly acting: number; readonly failing: number }>>
}

const NAMESPACE = '0b8f7c0e-5a53-5d0c-9d1b-6f1f2f6f6d5e'
/** The same parts give the same id, so that a command sent twice is one command. */
export const derivedId = (...parts: string[]): string => v5(parts.join('\n'), NAMESPACE)

const AT_ONCE_MAX = 64
const POLL_MS = 50
const PAUSE_FIRST_MS = 100
const PAUSE_MAX_MS = 30_000

export function waitingRunner(parts: WaitingParts): WaitingRunner {
  const runs = parts.waitings.map((waiting) => runOf(waiting, parts))
  return {
    start: () => runs.forEach((run) => void run.start()),
    wake: () => runs.forEach((run) => void run.wake()),
    stop: async () => {
      await Promise.all(runs.map((run) => run.stop()))
    },
    status: () => Object.fromEntries(runs.map((run) => [run.name, run.status()])),
  }
}

type Rest =
  /** Acted on: not again before the table has seen what came of it. */
  | { readonly until: 'seen'; readonly position: number }
  | { readonly until: 'time'; readonly at: number; readonly failures: number }

function runOf(waiting: Waiting, parts: WaitingParts) {
  const { reads, send, now, onError, atOnceMax = AT_ONCE_MAX, pollMs = POLL_MS } = parts
  const { projection, due, act, name } = waiting
  const acting = new Map<string, Promise<void>>()
  const resting = new Map<string, Rest>()
  let running = false
  let looking: Promise<void> | null = null
  let lookAgain = false
  let timer: NodeJS.Timeout | undefined

  const actOn = async (row: Row, key: string) => {
    let position = 0
    const tools: WaitingTools = {
      now,
      derivedId,
      async send(type, input, meta = {}) {
        const outcome = await send(type, input, { source: name, ...meta })
        if (outcome.ok) position = Math.max(position, outcome.position)
        return outcome
      },
    }
    try {
      await act(row, tools)
      // An action that recorded nothing would be due again at once: it rests like a failed one.
      if (position > 0) resting.set(key, { until: 'seen', position })
      else pause(key)
    } catch (error) {
      pause(key)
      onError(error, `${name} ${key}`)
    } finally {
      acting.delete(key)
    }
  }

  const pause = (key: string) => {
    const before = resting.get(key)
    const failures = before?.until === 'time' ? before.failures + 1 : 1
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1))
    resting.set(key, { until: 'time', at: performance.now() + pauseMs, failures })
  }

  const rests = (key: string, checkpoint: number): boolean => {
    const rest = resting.get(key)
    if (rest === undefined) return false
    if (rest.until === 'time') return rest.at > performance.now()
    if (rest.position > checkpoint) return true
    resting.delete(key)
    return false
  }

  const look = async () => {
    const room = atOnceMax - acting.size
    if (room <= 0) return
    // The checkpoint first: rows read after it are at least as new.
    const checkpoint = (await reads.checkpoints()).get(projection.name) ?? 0
    const { items } = await reads.find(projection.table, {
      where: { [due]: { lte: now() } },
      sort: [{ column: due }],
      // Rows under way or at rest are among those that come back.
      limit: Math.min(1_000, room + acting.size + resting.size),
    })
    for (const row of items) {
      const key = String(row[projection.table.key])
      if (acting.size >= atOnceMax) break
      if (acting.has(key) || rests(key, checkpoint)) continue
      acting.set(key, actOn(row, key).then(lookSoon))
    }
    if (items.length === 0 && acting.size === 0) forgetRested(checkpoint)
  }

  /** Nothing is due: what rests for nothing more is forgotten. */
  const forgetRested = (checkpoint: number) => {
    for (const [key, rest] of resting)
      if (
        rest.until === 'seen'
          ? rest.position <= checkpoint
          : rest.at + PAUSE_MAX_MS < performance.now()
      )
        resting.delete(key)
  }

  const lookSoon = () => {
    if (!running) return
    if (looking !== null) {
      lookAgain = true
      return
    }
    lookAgain = false
    looking = look()
      .catch((error) => onError(error, name))
      .finally(() => {
        looking = null
        if (lookAgain) lookSoon()
      })
  }

  return {
    name,
    start() {
      running = true
      timer = setInterval(lookSoon, pollMs)
      lookSoon()
    },
    wake: lookSoon,
    async stop() {
      running = false
      clearInterval(timer)
      await looking
      await Promise.all(acting.values())
    },
    status: () => ({
      acting: acting.size,
      failing: [...resting.values()].filter(({ until }) => until === 'time').length,
    }),
  }
}
