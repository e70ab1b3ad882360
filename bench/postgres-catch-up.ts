// How fast a projection that starts from nothing catches up on PostgreSQL, log and rows on one
// server: with a row for each of many stock items, and with a few rows that change all the time.
import pg from 'pg'
import { openEventLog } from '#storage/postgres/event-log.ts'
import { openReadModels } from '#storage/postgres/read-models.ts'
import { HELD, heldCatchUp, writeHeld } from './held-projection.ts'
import type { Limits, Question, Result, Tools } from './question.ts'
import { inTurns, shareOf } from './rounds.ts'

const MANY_KEYS = 100_000
const FEW_KEYS = 10
const EVENTS = 200_000
const PAGE = 5_000
/** A test has no time for so many. */
const EVENTS_A_SECOND = 200_000

export const postgresCatchUp: Question = {
  name: 'postgres-catch-up',
  about: 'PostgreSQL, a projection of 100,000 and of 10 keys catching up, beside reading them',
  answer: async (tools) => [
    await row(tools, MANY_KEYS, { better: 'more', at_least: 20, aim: 40 }),
    await row(tools, FEW_KEYS),
  ],
}

async function row(tools: Tools, most: number, limits?: Limits): Promise<Result> {
  const events = Math.min(EVENTS, EVENTS_A_SECOND * tools.seconds)
  const keys = Math.min(most, events / 2)
  const { withDatabase } = await tools.postgres()
  return await withDatabase(async (url) => {
    tools.tell(`writing ${events} events`)
    const log = await openEventLog({ url })
    const reads = await openReadModels({ url })
    try {
      await writeHeld(log, keys, events)
      const rounds = await inTurns(
        () => readAndParse(url),
        async () => {
          await reads.drop(HELD)
          return await heldCatchUp(log, reads, events)
        },
      )
      const name = keys.toLocaleString('en-US')
      return {
        name: `postgres-catch-up-${most}`,
        measure: `PostgreSQL: catch-up, ${name} keys, ${events / 1_000}k events`,
        baseline: 'reading and parsing them',
        ...shareOf(rounds, '/s'),
        ...(limits === undefined ? {} : { limits }),
      }
    } finally {
      await reads.close()
      await log.close()
    }
  })
}

/** Events each second: all of the log, in pages; the driver parses both JSON texts by itself. */
async function readAndParse(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  const begun = performance.now()
  let read = 0
  for (let after = 0; ; ) {
    const { rows } = await client.query({
      name: 'bare_page',
      text: `SELECT position, event_id, stream, version, event_type, event_version, data, metadata,
        occurred_at, timestamp FROM event_store.log WHERE position > $1 ORDER BY position
        LIMIT ${PAGE}`,
      values: [after],
    })
    read += rows.length
    if (rows.length < PAGE) break
    after = Number(rows.at(-1).position)
  }
  const rate = (1_000 * read) / (performance.now() - begun)
  await client.end()
  return rate
}
