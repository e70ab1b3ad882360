// Opens what is left of a store, as a restart does, and says all that is wrong with it: an
// acknowledged append that is gone, half of one, a command twice, a seal that does not hold, a key
// that an event needs, rows that are not the fold of the log.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Recorded, streamOf } from '#kernel/message.ts'

import { verifyLog } from '#runtime/verify-log.ts'

import type { EventLog } from '#storage/event-log.ts'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { openKeyRing } from '#storage/sqlite/key-ring.ts'
import { openReadModels } from '#storage/sqlite/read-models.ts'
import { checkAppends } from './append-checker.ts'
import { checkCommands } from './command-checker.ts'
import { attemptsIn, type DiskLine, placesIn } from './disk-lines.ts'
import { wholeLog } from './racing-writers.ts'

const RECORDS = 1_000_000

export type Judgement = {
  readonly problems: readonly string[]
  readonly events: number
  /** Events that are there and nobody was told so. */
  readonly unacknowledged: number
}

export async function judgeStore(folder: string, lines: readonly DiskLine[]): Promise<Judgement> {
  const { log: path, views, keys } = placesIn(folder)
  const attempts = attemptsIn(lines)
  const log = await openEventLog({ path, mode: 'inline' })
  try {
    const events = await wholeLog(log)
    const records = await log.commandRecords('', RECORDS)
    const problems = [
      ...checkAppends(attempts, events),
      ...checkCommands(attempts, events, records),
    ].map(({ message }) => message)
    for (const { name, differences } of (await verifyLog(log)).checks)
      problems.push(...differences.map((found) => `verify ${name}: ${JSON.stringify(found)}`))
    problems.push(...(await keyProblems(keys, events)), ...(await viewProblems(views, log, events)))
    for (const file of [path, views, keys])
      if (existsSync(file))
        problems.push(...integrity(file).map((problem) => `${file}: ${problem}`))
    const acked = lines.reduce(
      (most, line) =>
        'told' in line && line.verdict.ok ? Math.max(most, line.verdict.position) : most,
      0,
    )
    return { problems, events: events.length, unacknowledged: Math.max(0, events.length - acked) }
  } finally {
    await log.close()
  }
}

/** What SQLite's own check has to say; nothing when all is well. */
function integrity(path: string): string[] {
  const db = new DatabaseSync(path)
  try {
    const rows = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[]
    return rows.map((row) => row.integrity_check).filter((text) => text !== 'ok')
  } finally {
    db.close()
  }
}

async function keyProblems(path: string, events: readonly Recorded[]): Promise<string[]> {
  const keys = await openKeyRing({ path, mode: 'inline' })
  try {
    const problems: string[] = []
    for (const { position, data } of events) {
      const { subject, digest } = data as { subject?: string; digest?: string }
      if (subject === undefined) continue
      const key = (await keys.find([subject])).get(subject)
      if (key === undefined) problems.push(`the key for the event at ${position} is gone`)
      else if (createHash('sha256').update(key).digest('hex') !== digest)
        problems.push(`the key for the event at ${position} is another one`)
    }
    return problems
  } finally {
    await keys.close()
  }
}

/** What is wrong with the rows, by the log as it is. */
export const judgeViews = async (path: string, log: EventLog) =>
  await viewProblems(path, log, await wholeLog(log))

/** The file may be behind, or not there at all; it never says what is not so. */
async function viewProblems(
  path: string,
  log: EventLog,
  events: readonly Recorded[],
): Promise<string[]> {
  const reads = await openReadModels({ path })
  try {
    const checkpoint = (await reads.checkpoints()).get('counts')
    if (checkpoint === undefined) return []
    const { position } = await log.head()
    if (checkpoint > position) return [`rows are ahead: ${checkpoint} of ${position}`]
    const rows = new Map<string, { stream: string; events: number; last: number }>()
    for (const { aggregate_type, aggregate_id, position: last } of events.slice(0, checkpoint)) {
      const stream = streamOf(aggregate_type, aggregate_id)
      rows.set(stream, { stream, events: (rows.get(stream)?.events ?? 0) + 1, last })
    }
    const table = {
      name: 'counts',
      key: 'stream',
      columns: { stream: 'text', events: 'int', last: 'int' },
    } as const
    const { items } = await reads.find(table, { limit: 10_000 })
    const found = new Map(items.map((row) => [String(row.stream), JSON.stringify(row)]))
    const problems = [...rows]
      .filter(([stream, row]) => found.get(stream) !== JSON.stringify(row))
      .map(([stream]) => `the row of ${stream} is not the fold up to ${checkpoint}`)
    if (found.size !== rows.size) problems.push(`${found.size} rows instead of ${rows.size}`)
    return problems
  } finally {
    await reads.close()
  }
}
