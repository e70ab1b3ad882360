// The log as JSON lines, out and back. One header, then events in order of position, then the
// command records, then a line that says how many there were, so that a torn file is noticed.

import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import type { Recorded } from '#kernel/message.ts'
import type { CommandRecord, EventLog } from '#storage/event-log.ts'

type Line =
  | { readonly daybook: 1; readonly kind: 'log' }
  | { readonly event: Recorded }
  | { readonly command: CommandRecord }
  | { readonly end: { readonly events: number; readonly commands: number } }

export type Counts = { readonly events: number; readonly commands: number }
const PAGE = 1_000

/**
 * Writes the log up to its head of now. Personal fields stay sealed; their keys are not in the
 * file.
 */
export async function exportLog(
  log: EventLog,
  path: string,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Counts> {
  const out = createWriteStream(path, { flags: 'wx', mode: 0o600 })
  await once(out, 'open')
  const write = async (line: Line) => {
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, 'drain')
  }
  const { position: end } = await log.head()
  let events = 0
  let commands = 0
  await write({ daybook: 1, kind: 'log' })
  for (let position = 0; position < end; ) {
    const page = await log.readAll(position, PAGE)
    for (const event of page) {
      if (event.position > end) break
      await write({ event })
      events++
    }
    position = page.at(-1)?.position ?? end
    onProgress(Math.min(position, end), end)
  }
  for (let after = ''; ; ) {
    const page = await log.commandRecords(after, PAGE)
    if (page.length === 0) break
    for (const command of page)
      if (command.position <= end) {
        await write({ command })
        commands++
      }
    after = page.at(-1)!.id
  }
  await write({ end: { events, commands } })
  out.end()
  await finished(out)
  return { events, commands }
}

/** Puts an exported log into an empty one. Throws, naming the line, when the file is not whole. */
export async function importLog(
  log: EventLog,
  path: string,
  onProgress: (done: number) => void = () => {},
): Promise<Counts> {
  if ((await log.head()).position !== 0)
    throw new Error('the log is not empty; an export goes into a fresh database only')
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  let number = 0
  let events: Recorded[] = []
  let commands: CommandRecord[] = []
  const counts = { events: 0, commands: 0 }
  let end: Counts | null = null
  const flush = async () => {
    await log.restore(events, commands)
    counts.events += events.length
    counts.commands += commands.length
    events = []
    commands = []
    onProgress(counts.events)
  }
  for await (const text of lines) {
    number++
    const line = parse(text, number)
    if (number === 1) {
      if (!('daybook' in line))
        throw new Error(`${path}: line 1 is not the header of an exported log`)
    } else if (end !== null) throw new Error(`${path}: line ${number} comes after the end`)
    else if ('event' in line) events.push(line.event)
    else if ('command' in line) commands.push(line.command)
    else if ('end' in line) end = line.end
    else throw new Error(`${path}: line ${number} is neither event, command nor end`)
    if (events.length + commands.length >= PAGE) await flush()
  }
  await flush()
  if (end?.events !== counts.events || end.commands !== counts.commands)
    throw new Error(
      `${path} is not whole: ${counts.events} events and ${counts.commands} commands were read, ` +
        `its end says ${end === null ? 'nothing (it is cut off)' : JSON.stringify(end)}`,
    )
  return counts
}

function parse(text: string, number: number): Line {
  try {
    return JSON.parse(text) as Line
  } catch (cause) {
    throw new Error(`line ${number} is not JSON`, { cause })
  }
}
