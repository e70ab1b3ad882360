// The log as it grows: the same few questions to logs of ten thousand, a million and ten million
// events, on each engine. No figure may grow with the log; whether one does is judged here.
import { execFileSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog } from '#storage/event-log.ts'
import { seeded } from '#testing/random.ts'
import type { DaybookProcess } from './daybook-process.ts'
import { type GrowthEngine, type Site, withSite } from './growth-engines.ts'
import { BLOCK, historyPage } from './growth-history.ts'
import { appendTime, catchUpTime, type RowName, readTime, TAKEN } from './growth-rows.ts'
import { httpCaller } from './http-caller.ts'
import type { Tools } from './question.ts'
import { median } from './rounds.ts'

export const SIZES = [10_000, 1_000_000, 10_000_000]
/** Of each figure at each length. */
const REPETITIONS = 5
const PAGE = 10_000
/** Up to here a log is filled anew for each repetition: its own appends would lengthen it. */
const REFILLED_MAX = 100_000
/** The program seals each second; a log that rests for longer is sealed. */
const REST_MS = 3_000
const BEHIND = 10_000

/** Median, least and most of the repetitions. */
export type Cell = { readonly middle: number; readonly low: number; readonly high: number }
export type Grown = {
  readonly engine: GrowthEngine
  readonly sizes: readonly number[]
  /** A cell for each size. */
  readonly rows: Readonly<Record<RowName, readonly Cell[]>>
  /** Events each second while the largest was filled. */
  readonly filled: number
}

type Figures = Partial<Record<RowName, number[]>>

/** A test has no minutes: few repetitions, and the program is not started. */
export type GrowthChoice = {
  readonly sizes?: readonly number[]
  readonly repetitions?: number
  readonly program?: boolean
}

export async function grown(
  engine: GrowthEngine,
  tools: Tools,
  { sizes = SIZES, repetitions = REPETITIONS, program = true }: GrowthChoice = {},
): Promise<Grown> {
  refuseWithoutRoom(engine, tools.folder(), Math.max(...sizes))
  let filled = 0
  // Compiled before it counts.
  await withSite(engine, tools, async (site) => {
    await fill(site, BLOCK, () => {})
    await measured(site, BLOCK, tools.seconds, {})
  })
  const all: Figures[] = []
  for (const size of sizes) {
    const figures: Figures = {}
    const note = (told: string) => tools.tell(`${engine}, ${size.toLocaleString('en-US')}: ${told}`)
    const times = size <= REFILLED_MAX ? 1 : repetitions
    for (let done = 0; done < repetitions; done += times)
      await withSite(engine, tools, async (site) => {
        filled = await fill(site, size, note)
        keep(figures, 'bytes', (await site.bytes()) / size)
        for (let time = done + 1; time <= done + times; time++) {
          note(`measuring, ${time} of ${repetitions}`)
          await measured(site, size, tools.seconds, figures)
        }
        if (program && done + times >= repetitions) await started(site, figures, note)
      })
    all.push(figures)
  }
  const names = Object.keys(all[0]!) as RowName[]
  const rows = names.map((name) => [name, all.map((figures) => cellOf(figures[name]!))])
  return { engine, sizes, rows: Object.fromEntries(rows), filled }
}

function keep(figures: Figures, name: RowName, value: number): void {
  figures[name] = [...(figures[name] ?? []), value]
}

const cellOf = (values: readonly number[]): Cell => ({
  middle: median(values),
  low: Math.min(...values),
  high: Math.max(...values),
})

/** Through the engine's own bulk import; the next page is made while one is stored. */
async function fill(site: Site, size: number, note: (told: string) => void): Promise<number> {
  const log = await site.openLog()
  const begun = Date.now()
  // The last of them happened just now.
  const first = begun - size
  let under: Promise<void> = Promise.resolve()
  for (let position = 1; position <= size; position += PAGE) {
    const page = historyPage(position, Math.min(PAGE, size - position + 1), first)
    await under
    if (position > 1) note(fillingText(position - 1, size, begun))
    under = log.restore(page, [])
  }
  await under
  const rate = (1_000 * size) / (Date.now() - begun)
  await log.close()
  note('writing back')
  await site.settle()
  execFileSync('sync')
  return rate
}

function fillingText(done: number, size: number, begun: number): string {
  const rate = (1_000 * done) / (Date.now() - begun)
  const left = Math.ceil((size - done) / rate)
  return `filling, ${Math.floor((100 * done) / size)} %, ${rate.toFixed(0)}/s, ${left} s left`
}

/** Reads first, so that they find the history and nothing else. */
async function measured(
  site: Site,
  size: number,
  seconds: number,
  figures: Figures,
): Promise<void> {
  const log = await site.openLog()
  try {
    keep(figures, 'read', await readTime(log, size, seeded(size), seconds))
    keep(figures, 'catch-up', await caughtUp(site, log, size))
    keep(figures, 'append-1', await appendTime(log, 1, seconds))
    keep(figures, 'append-64', await appendTime(log, 64, seconds))
  } finally {
    await log.close()
  }
}

async function caughtUp(site: Site, log: EventLog, size: number): Promise<number> {
  const views = await site.openViews()
  try {
    return await catchUpTime(log, views, size, Math.min(BEHIND, size))
  } finally {
    await views.drop(TAKEN)
    await views.close()
  }
}

/** The program, once it has seen all of the log: it starts on a book that it knows. */
async function started(site: Site, figures: Figures, note: (told: string) => void): Promise<void> {
  note('the program takes in the log')
  const first = await site.start()
  await takenIn(site, first)
  await first.stop()
  for (let time = 1; time <= REPETITIONS; time++) {
    note(`starting the program, ${time} of ${REPETITIONS}`)
    const daybook = await site.start()
    keep(figures, 'start', daybook.startedInMs)
    // Only Linux tells what a process holds; elsewhere there is no such row.
    const held = daybook.residentMb()
    if (!Number.isNaN(held)) keep(figures, 'memory', held)
    await daybook.stop()
  }
}

/** Sealed to its end, which rests then, and projected: asked of the program itself. */
async function takenIn(site: Site, { origin }: DaybookProcess): Promise<void> {
  const log = await site.openBeside()
  const caller = httpCaller(origin)
  const position = async () => (await log.head()).position
  for (let head = -1; head !== (await position()); await sleep(REST_MS)) head = await position()
  const path = `/api/v1/products?min_position=${await position()}`
  while ((await caller.call('GET', path)).status !== 200) await sleep(REST_MS)
  caller.close()
  await log.close()
}

/** An event with all that belongs to it, rounded up; and what an engine writes ahead. */
const EVENT_BYTES = 1_000
const AHEAD_BYTES: Readonly<Record<GrowthEngine, number>> = { SQLite: 1e9, PostgreSQL: 10e9 }

function refuseWithoutRoom(engine: GrowthEngine, folder: string, events: number): void {
  const { bavail, bsize } = statfsSync(folder)
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
  const needed = events * EVENT_BYTES + AHEAD_BYTES[engine]
  if (bavail * bsize < needed)
    throw new RangeError(
      `${engine} with ${events.toLocaleString('en-US')} events needs ${gigabytes(needed)} free where ` +
        `${folder} lies, and there are ${gigabytes(bavail * bsize)}; make room or choose fewer (--sizes)`,
    )
}
