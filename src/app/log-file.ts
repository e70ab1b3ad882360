// The log as JSON lines, out and back. One header, then events in order of position, then the
// command records, then a line that says how many there were and which seal they come to.
import { isDeepStrictEqual } from 'node:util'
import type { Recorded } from '#kernel/message.ts'
import { type KeptSeal, keptText, sealChain } from '#runtime/seals.ts'
import { type CommandRecord, type EventLog, InvalidAppend } from '#storage/event-log.ts'
import { Damaged, readLines, type Written, writeLines } from './checked-lines.ts'

const FORMAT = 2
export type Counts = { readonly events: number; readonly commands: number }
export type Exported = Counts & {
  readonly seal: KeptSeal
  /** Of the last event. */
  readonly timestamp: string | null
  readonly file: Written
}
type End = Counts & { readonly seal: string }
const PAGE = 1_000

/**
 * Writes the log up to its head of now. Personal fields stay sealed; their keys are not in the
 * file.
 */
export async function exportLog(
  log: EventLog,
  path: string,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Exported> {
  const { position: end } = await log.head()
  const out = await writeLines(path)
  const chain = sealChain()
  let timestamp: string | null = null
  let commands = 0
  await out.write({ daybook: FORMAT, kind: 'log' })
  for (let position = 0; position < end; ) {
    const page = await log.readAll(position, Math.min(PAGE, end - position))
    for (const event of page) {
      if (event.position !== ++position) throw holed(position, event.position)
      await out.write({ event })
      chain.add(event)
      timestamp = event.timestamp
    }
    if (page.length === 0) throw holed(position + 1, end)
    onProgress(position, end)
  }
  for (let after = ''; ; ) {
    const page = await log.commandRecords(after, PAGE)
    for (const command of page)
      if (command.position <= end) {
        await out.write({ command })
        commands++
      }
    if (page.length === 0) break
    after = page.at(-1)!.id
  }
  const seal = chain.seal()
  await out.write({ end: { events: end, commands, seal: keptText(seal) } satisfies End })
  return { events: end, commands, seal, timestamp, file: await out.end() }
}

const holed = (due: number, found: number) =>
  new Error(`the log has no event ${due} (the next is ${found}); daybook verify tells more`)

export type ImportOptions = {
  readonly onProgress?: (done: number) => void
  /** More than the log is put back: whoever does it ends it with a last `restore`. */
  readonly isPart?: boolean
}

/**
 * Puts an exported log into an empty one, or goes on where that was interrupted: until the end the
 * log says that it is unfinished, and nobody works on it. Throws, naming the line, when the file is
 * not what was written.
 */
export async function importLog(
  log: EventLog,
  path: string,
  { onProgress = () => {}, isPart = false }: ImportOptions = {},
): Promise<Counts & { readonly seal: KeptSeal }> {
  const { position: head } = await log.head()
  if (head !== 0 && !(await log.isUnfinished()))
    throw new Error('the log is not empty; an export goes into a fresh database only')
  const chain = sealChain()
  const counts = { events: 0, commands: 0 }
  let batch: Item[] = []
  let end: End | null = null
  let isSealed = true
  const flush = async () => {
    await store(log, path, batch, head)
    batch = []
    onProgress(counts.events)
  }
  for await (const { number, value } of readLines(path)) {
    const where = `${path}: line ${number}`
    if (number === 1) {
      if (value.kind !== 'log' || (value.daybook !== FORMAT && value.daybook !== 1))
        throw new Damaged(`${where} is not the header of an exported log (format ${FORMAT})`)
      // Of an older one only counts are known.
      isSealed = value.daybook === FORMAT
    } else if (end !== null) throw new Damaged(`${where} comes after the end`)
    else if ('event' in value) {
      const event = value.event as Recorded
      if (event.position !== ++counts.events || counts.commands > 0)
        throw new Damaged(`${where}: position ${event.position} is not ${counts.events}`)
      chain.add(event)
      batch.push({ number, event })
    } else if ('command' in value) {
      counts.commands++
      batch.push({ number, command: value.command as CommandRecord })
    } else if ('end' in value) end = value.end as End
    else throw new Damaged(`${where} is neither event, command nor end`)
    if (batch.length >= PAGE) await flush()
  }
  await flush()
  const seal = chain.seal()
  const told = isSealed ? { ...counts, seal: keptText(seal) } : counts
  if (!isDeepStrictEqual(end, told))
    throw new Damaged(
      `${path} is not whole: ${counts.events} events and ${counts.commands} commands were read, ` +
        `its end says ${end === null ? 'nothing (it is cut off)' : JSON.stringify(end)}`,
    )
  if (!isPart) await log.restore([], [])
  return { ...counts, seal }
}

type Item = { readonly number: number } & (
  | { readonly event: Recorded; readonly command?: never }
  | { readonly command: CommandRecord; readonly event?: never }
)

/** What an interrupted import has stored is compared, the rest is stored. */
async function store(
  log: EventLog,
  path: string,
  batch: readonly Item[],
  head: number,
): Promise<void> {
  const fresh = await notThere(log, path, batch, head)
  const put = (items: readonly Item[]) =>
    log.restore(
      items.flatMap(({ event }) => event ?? []),
      items.flatMap(({ command }) => command ?? []),
      true,
    )
  try {
    await put(fresh)
  } catch (error) {
    if (!(error instanceof InvalidAppend)) throw error
    // Nothing was stored; one by one, so that the line is named.
    for (const item of fresh)
      await put([item]).catch((cause) => {
        throw new Damaged(`${placeOf(path, item)}: ${(cause as Error).message}`, { cause })
      })
  }
}

async function notThere(
  log: EventLog,
  path: string,
  batch: readonly Item[],
  head: number,
): Promise<readonly Item[]> {
  const first = batch[0]?.event?.position
  const events =
    first !== undefined && first <= head ? await log.readAll(first - 1, batch.length) : []
  const ids = batch.flatMap(({ command }) => command?.id ?? [])
  const stored = ids.length === 0 || head === 0 ? [] : await log.commandRecordsOf(ids)
  const known = new Map<string | number, unknown>([
    ...events
      .filter(({ position }) => position <= head)
      .map((event) => [event.position, event] as const),
    ...stored.map((command) => [command.id, command] as const),
  ])
  return batch.filter((item) => {
    const there = known.get(item.event?.position ?? item.command!.id)
    if (there !== undefined && !isDeepStrictEqual(there, item.event ?? item.command))
      throw new Damaged(
        `${placeOf(path, item)}: an import that was interrupted has stored something else there; ` +
          'take an empty place',
      )
    return there === undefined
  })
}

const placeOf = (path: string, { number, event }: Item) =>
  `${path}: line ${number}${event === undefined ? '' : ` (position ${event.position})`}`
