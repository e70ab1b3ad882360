// The log as it grows: the same few questions to logs of ten thousand, a million and ten million
// events, on each engine. No figure may grow with the log; whether one does is judged here.
import { execFileSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog } from '#storage/event-log.ts'
import { seeded } from '#testing/random.ts'
import type { DaybookProcess } from './daybook-process.ts'
import { type GrowthEngine, openSite, type Site } from './growth-engines.ts'
import { historyPage } from './growth-history.ts'
import { appendTime, catchUpTime, type RowName, readTime, TAKEN } from './growth-rows.ts'
import { httpCaller } from './http-caller.ts'
import type { Tools } from './question.ts'

export const SIZES = [10_000, 1_000_000, 10_000_000]
/** Of each figure at each length; in turns, so that a machine that slows down slows all lengths. */
const ROUNDS = 5
const PAGE = 10_000
/** Up to here a log is filled anew for each round: its own appends would lengthen it. */
const REFILLED_MAX = 100_000
/** The program seals each second; a log that rests for longer is sealed. */
const REST_MS = 3_000
const BEHIND = 10_000

export type Grown = {
  readonly engine: GrowthEngine
  readonly sizes: readonly number[]
  /** For each round the figures at each length. */
  readonly rows: Readonly<Partial<Record<RowName, readonly (readonly number[])[]>>>
  /** Events each second while the longest was filled. */
  readonly filled: number
}

/** A test has no minutes: few rounds, and the program is not started. */
export type GrowthChoice = {
  readonly sizes?: readonly number[]
  readonly rounds?: number
  readonly program?: boolean
}

type Length = { readonly size: number; site: Site; filled: number }
type Note = (told: string) => void
type Figures = Partial<Record<RowName, number>>

export async function grown(
  engine: GrowthEngine,
  tools: Tools,
  { sizes = SIZES, rounds = ROUNDS, program = true }: GrowthChoice = {},
): Promise<Grown> {
  refuseWithoutRoom(engine, tools.folder(), sizes)
  const noted = (size: number) => (told: string) =>
    tools.tell(`${engine}, ${size.toLocaleString('en-US')}: ${told}`)
  const filled = async (size: number): Promise<Length> => {
    const site = await openSite(engine, tools)
    return { size, site, filled: await fill(site, size, noted(size)) }
  }
  // Compiled before it counts.
  const first = await filled(Math.min(...sizes))
  await measured(first.site, first.size, tools.seconds)
  await first.site.remove()

  const lengths: Length[] = []
  for (const size of sizes) lengths.push(await filled(size))
  const found: Figures[][] = []
  for (let round = 1; round <= rounds; round++)
    found.push(
      await inOrder(lengths, async (length) => {
        const { size } = length
        if (round > 1 && size <= REFILLED_MAX) {
          await length.site.remove()
          length.site = (await filled(size)).site
        }
        noted(size)(`round ${round} of ${rounds}`)
        const bytes = round === 1 ? { bytes: (await length.site.bytes()) / size } : {}
        return { ...bytes, ...(await measured(length.site, size, tools.seconds)) }
      }),
    )
  if (program) found.push(...(await startUps(lengths, rounds, noted)))
  await inOrder(lengths, ({ site }) => site.remove())
  return { engine, sizes, rows: rowsOf(found), filled: lengths.at(-1)!.filled }
}

/** For each round the figures at each length; to the same by the figures' names. */
function rowsOf(found: readonly (readonly Figures[])[]): Grown['rows'] {
  const rows: Partial<Record<RowName, number[][]>> = {}
  for (const figures of found)
    for (const name of Object.keys(figures[0]!) as RowName[])
      rows[name] = [...(rows[name] ?? []), figures.map((figure) => figure[name]!)]
  return rows
}

async function inOrder<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = []
  for (const item of items) done.push(await work(item))
  return done
}

/** Through the engine's own bulk import; the next page is made while one is stored. */
async function fill(site: Site, size: number, note: Note): Promise<number> {
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
async function measured(site: Site, size: number, seconds: number): Promise<Figures> {
  const log = await site.openLog()
  try {
    return {
      read: await readTime(log, size, seeded(size), seconds),
      'catch-up': await caughtUp(site, log, size),
      'append-1': await appendTime(log, 1, seconds),
      'append-64': await appendTime(log, 64, seconds),
    }
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

/** The program, once it has seen all of each log: it starts on a book that it knows. */
async function startUps(
  lengths: readonly Length[],
  rounds: number,
  noted: (size: number) => Note,
): Promise<Figures[][]> {
  for (const { site, size } of lengths) {
    noted(size)('the program takes in the log')
    const daybook = await site.start()
    await takenIn(site, daybook)
    await daybook.stop()
  }
  const found: Figures[][] = []
  for (let round = 1; round <= rounds; round++)
    found.push(
      await inOrder(lengths, async ({ site, size }) => {
        noted(size)(`starting the program, ${round} of ${rounds}`)
        const daybook = await site.start()
        const [start, memory] = [daybook.startedInMs, daybook.residentMb()]
        await daybook.stop()
        // Only Linux tells what a process holds; elsewhere there is no such row.
        return { start, ...(Number.isNaN(memory) ? {} : { memory }) }
      }),
    )
  return found
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

function refuseWithoutRoom(engine: GrowthEngine, folder: string, sizes: readonly number[]): void {
  const events = sizes.reduce((sum, size) => sum + size, 0)
  const needed = events * EVENT_BYTES + AHEAD_BYTES[engine]
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
  if (free < needed)
    throw new RangeError(
      `${engine} with ${events.toLocaleString('en-US')} events needs ${gigabytes(needed)} free ` +
        `where ${folder} lies, and there are ${gigabytes(free)}; make room or choose fewer (--sizes)`,
    )
}
