// What one call a batch makes of 64 callers on PostgreSQL: appends beside the server's own one-row
// transactions, events beside the fastest bulk insert that we know of.
import { randomUUIDv7 } from 'node:crypto'
import { openEventLog } from '#storage/postgres/event-log.ts'
import { callsEachSecond } from './closed-loop.ts'
import { pgbenchRows } from './pgbench.ts'
import { BULKS, type Bulk, bulkRows, bulkText, smallInserts } from './postgres-raw.ts'
import type { PostgresServer } from './postgres-server.ts'
import type { Question, Result, Tools } from './question.ts'
import { inTurns, shareOf } from './rounds.ts'
import { sampleEvents } from './sample-event.ts'

const CALLERS = 64
/** Each way of inserting is tried for this part of a measurement. */
const TRIAL = 0.25

export const postgresAppends: Question = {
  name: 'postgres-appends',
  about: 'PostgreSQL, 64 callers: 1 event beside one-row transactions, 10 beside bulk inserts',
  async answer(tools) {
    const server = await tools.postgres()
    return [await single(tools, server), await tens(tools, server)]
  },
}

async function single(tools: Tools, server: PostgresServer): Promise<Result> {
  const parts: string[] = []
  const rounds = await inTurns(
    async () => {
      const { best, text } = await oneRowTransactions(tools, server, CALLERS, 1, tools.seconds)
      parts.push(text)
      return best
    },
    () => appends(tools, server, 1),
  )
  return {
    name: 'postgres-appends-1',
    measure: `PostgreSQL: appends of 1 event, ${CALLERS} callers`,
    baseline: `one-row transactions, ${CALLERS} clients`,
    ...shareOf(rounds, '/s'),
    limits: { better: 'more', at_least: 150, aim: 220 },
    notes: [`one-row transactions a second, each round: ${parts.join(' · ')}`],
  }
}

/** The better of pgbench and Node, whose clients cost more than the server's part. */
export async function oneRowTransactions(
  { folder }: Pick<Tools, 'folder'>,
  { pgbench, withDatabase }: PostgresServer,
  clients: number,
  rows: number,
  seconds: number,
): Promise<{ readonly best: number; readonly text: string }> {
  const node = await withDatabase((url) => smallInserts(url, clients, rows, seconds))
  if (pgbench === null) return { best: node, text: `Node ${rounded(node)}` }
  const own = await withDatabase((url) =>
    pgbenchRows({ program: pgbench, url, folder: folder() }, clients, rows, seconds),
  )
  return {
    best: Math.max(node, own),
    text: `pgbench ${rounded(own)}, Node ${rounded(node)}`,
  }
}

async function tens(tools: Tools, server: PostgresServer): Promise<Result> {
  const tried: { readonly bulk: Bulk; readonly rate: number }[] = []
  for (const bulk of BULKS) {
    tools.tell(bulkText(bulk))
    const rate = await server.withDatabase((url) => bulkRows(url, bulk, tools.seconds * TRIAL))
    tried.push({ bulk, rate })
  }
  const fastest = tried.sort((a, b) => b.rate - a.rate)[0]!.bulk
  const rounds = await inTurns(
    () => server.withDatabase((url) => bulkRows(url, fastest, tools.seconds)),
    async () => 10 * (await appends(tools, server, 10)),
  )
  return {
    name: 'postgres-appends-10',
    measure: `PostgreSQL: events of 10-event appends, ${CALLERS} callers`,
    baseline: `rows, ${bulkText(fastest)}`,
    ...shareOf(rounds, '/s'),
    limits: { better: 'more', at_least: 35, aim: 45 },
    notes: [
      `tried briefly, rows a second: ${tried
        .map(({ bulk, rate }) => `${bulkText(bulk)} ${rounded(rate)}`)
        .join(' · ')}`,
    ],
  }
}

const rounded = (rate: number) => Math.round(rate).toLocaleString('en-US')

function appends({ seconds }: Tools, { withDatabase }: PostgresServer, count: number) {
  return withDatabase(async (url) => {
    const log = await openEventLog({ url })
    try {
      return await callsEachSecond(CALLERS, seconds, () =>
        log.append({
          writes: [
            { stream: `stock-${randomUUIDv7()}`, expected: 'none', events: sampleEvents(count) },
          ],
        }),
      )
    } finally {
      await log.close()
    }
  })
}
