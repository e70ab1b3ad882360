// Readers that follow the log while the shop trades: pages of odd sizes, from where the last one
// ended. What each saw is kept as a digest per position and compared with the log as it is in the
// end.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorded } from '#kernel/message.ts'
import type { EventLog } from '#storage/event-log.ts'
import type { Random } from '#testing/random.ts'

export type Reader = {
  readonly name: string
  /** By position, from 1. */
  readonly seen: readonly number[]
  readonly pages: number
  /** Reads that failed because the store was away. */
  readonly failures: number
  /** What was wrong with a page at once: a gap, a repetition. */
  readonly wrong: readonly string[]
}
export type Readers = {
  readonly all: readonly Reader[]
  /** Resolves when all of them have come to this position. */
  finish(position: number): Promise<void>
  /** Wherever they are. */
  stop(): void
}

const PAGE_MAX = 200
const WRONG_MAX = 10
/** For what a slow machine has not read by then. */
const FINISH_WITHIN_MS = 120_000

export function startReaders(
  count: number,
  open: () => Promise<EventLog>,
  randomOf: (name: string) => Random,
  onEvent: (event: Recorded) => void = () => {},
): Readers {
  let end = Number.POSITIVE_INFINITY
  let giveUpAt = Number.POSITIVE_INFINITY
  const readers = Array.from({ length: count }, (_, at) => {
    const name = `reader ${at + 1}`
    const random = randomOf(name)
    const reader = { name, seen: [] as number[], pages: 0, failures: 0, wrong: [] as string[] }
    const isDone = () => reader.seen.length >= end || performance.now() > giveUpAt
    const follow = async () => {
      while (!isDone()) {
        try {
          await using opened = await closing(open)
          while (!isDone()) {
            const page = await opened.log.readAll(reader.seen.length, random.int(1, PAGE_MAX))
            note(reader, page)
            if (at === 0) page.forEach(onEvent)
            await sleep(page.length === 0 ? random.int(5, 60) : 0)
          }
        } catch {
          // A store that is away is part of the plan; where the reader stands it knows itself.
          reader.failures++
          await sleep(100)
        }
      }
    }
    return { reader, done: follow() }
  })
  return {
    all: readers.map(({ reader }) => reader),
    async finish(position) {
      end = position
      giveUpAt = performance.now() + FINISH_WITHIN_MS
      await Promise.all(readers.map(({ done }) => done))
    },
    stop: () => {
      giveUpAt = 0
    },
  }
}

type Noted = { seen: number[]; pages: number; wrong: string[] }

function note(reader: Noted, page: readonly Recorded[]): void {
  if (page.length > 0) reader.pages++
  for (const event of page) {
    const expected = reader.seen.length + 1
    if (event.position !== expected && reader.wrong.length < WRONG_MAX)
      reader.wrong.push(`was given position ${event.position} where ${expected} follows`)
    reader.seen.push(digestOf(event))
  }
}

async function closing(open: () => Promise<EventLog>) {
  const log = await open()
  return {
    log,
    [Symbol.asyncDispose]: () => log.close().catch(() => {}),
  }
}

/** 32 bits of everything that an event says. */
export const digestOf = (event: Recorded): number =>
  createHash('sha256').update(JSON.stringify(event)).digest().readUInt32BE(0)
