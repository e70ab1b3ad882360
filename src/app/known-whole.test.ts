// What a whole program answers of a shop, now and then: the same from its cache, after a restart
// without one, and when all its tables have been folded anew; on a server after a restart.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { httpDoors } from '#edges/http/doors.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { type App, compose } from './compose.ts'
import { configFor } from './config-for.ts'
import {
  type Known,
  knownBy,
  type Noted,
  notedNow,
  takes,
  withMore,
} from './known-answers-fixture.ts'
import { type Client, clientOf, type Json, traderOf } from './known-shop-fixture.ts'
import { everythingOnce, openGoods } from './known-trade-fixture.ts'

const SEED = seedOfRun()
const RULES = ['pos.refund_without_original=allow', 'orders.client_price=accept']
const NEAR_MS = 5_000
const WAIT_MAX_MS = 120_000

type Whole = {
  readonly app: App
  readonly client: Client
  readonly documents: () => Promise<readonly object[]>
  readonly close: () => Promise<void>
}

async function opened(sets: readonly string[], passive: boolean): Promise<Whole> {
  const argv = [...RULES, 'consistency.wait_ms=60000', ...sets].flatMap((one) => ['--set', one])
  const app = await compose(configFor(argv), { passive })
  const commands = app.contexts.flatMap((context) => context.commands)
  const queries = app.contexts.flatMap((context) => context.queries)
  const doors = httpDoors({ ...app, commands, queries, version: '1.2.3', log: () => {} })
  const { port } = await doors.public.listen('127.0.0.1', 0)
  const admin = (await doors.admin.listen('127.0.0.1', 0)).port
  const client = clientOf((path) => (path.startsWith('/api/v1/admin/') ? admin : port))
  const operator = clientOf(() => admin)
  return {
    app,
    client,
    async documents() {
      const asked = [client, operator].map((one) => one.call('GET', '/openapi.json'))
      return (await Promise.all(asked)).map(({ json }) => json)
    },
    async close() {
      client.close()
      operator.close()
      await Promise.all(Object.values(doors).map((door) => door.close()))
      await app.close()
    },
  }
}

/** Until nothing is due and nothing is written any more. */
async function quiet({ log, reads, contexts, projected }: App): Promise<void> {
  const waitings = contexts.flatMap((context) => context.waiting ?? [])
  const until = Date.now() + WAIT_MAX_MS
  for (;;) {
    const { position } = await log.head()
    await projected(position)
    const near = new Date(Date.now() + NEAR_MS).toISOString()
    const due = await Promise.all(
      waitings.map(({ projection, due }) =>
        reads.find(projection.table, { where: { [due]: { lte: near } }, limit: 1 }),
      ),
    )
    const isBusy = due.some(({ items }) => items.length > 0)
    if (!isBusy && (await log.head()).position === position) return
    ok(Date.now() < until, 'something is due for ever')
    await sleep(10)
  }
}

type Answers = ReadonlyMap<string, Json>

/** Every question about all that is known; an answer that there is nothing has an id of its own. */
async function answersOf(client: Client, known: Known, day: string) {
  const answers = new Map<string, Json>()
  let hits = 0
  for (const operation of known.questions)
    for (const question of known.asked(operation)) {
      const path = withMore(question.path, takes(operation, 'date') ? `date=${day}` : '')
      const { json, headers, status } = await client.call('GET', path)
      if (headers['x-cache'] === 'hit') hits++
      answers.set(path, status === 200 ? json : status)
    }
  return { answers, hits }
}

function alike(found: Answers, expected: Answers, why: string): void {
  for (const [path, answer] of expected) deepEqual(found.get(path), answer, `${path} ${why}`)
  equal(found.size, expected.size)
}

async function traded({ app, client }: Whole, known: Known, random: Random) {
  const trader = traderOf(client, random)
  const noted: Noted[] = []
  const settle = async () => {
    await quiet(app)
    await known.look()
    const { position, timestamp } = await app.log.head()
    while (Date.now() <= Date.parse(timestamp)) await sleep(1)
    const at = { position, moment: new Date().toISOString() }
    while (Date.now() <= Date.parse(at.moment)) await sleep(1)
    noted.push(...(await notedNow(client, known, { at, some: 1, random })))
  }
  const goods = await openGoods(trader)
  await everythingOnce(trader, goods, { settle, advance() {}, now: () => new Date().toISOString() })
  await settle()
  return noted
}

/** `isKept`: answers are kept in this process; there everything is folded anew, too. */
async function staysTheSame(sets: readonly string[], isKept: boolean): Promise<void> {
  const random = seeded(SEED)
  const day = new Date().toISOString().slice(0, 10)
  const first = await opened(sets, false)
  let known: Known
  let noted: readonly Noted[]
  let answers: Answers
  try {
    known = knownBy(first.client, await first.documents())
    noted = await traded(first, known, random)
    answers = (await answersOf(first.client, known, day)).answers
    ok(answers.size > 200, `${answers.size} answers`)
    if (isKept) {
      const kept = await answersOf(first.client, known, day)
      alike(kept.answers, answers, 'asked twice')
      ok(kept.hits > 20, `${kept.hits} were kept`)
    }
  } finally {
    await first.close()
  }
  const second = await opened([...sets, 'cache.driver=none'], true)
  try {
    const { client, app } = second
    const fresh = await answersOf(client, known, day)
    alike(fresh.answers, answers, 'after a restart')
    equal(fresh.hits, 0)
    if (isKept) {
      for (const { name } of await app.operations.projections())
        await app.operations.rebuild(name, { dryRun: false })
      alike((await answersOf(client, known, day)).answers, answers, 'folded anew')
    }
    for (const { operation, path, position, moment, status, json } of noted) {
      const isByPosition = takes(operation, 'as_of_position')
      const way = isByPosition ? `as_of_position=${position}` : `as_of=${moment}`
      const again = await client.call('GET', withMore(path, way))
      equal(again.status, status, `${path} ${way}`)
      if (status === 200) deepEqual(again.json, json, `${path} ${way}`)
    }
  } finally {
    await second.close()
  }
}

test(`a shop in files answers alike from its cache, after a restart and anew (SEED=${SEED})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-known-'))
  try {
    await staysTheSame([`database.sqlite.path=${join(folder, 'shop.db')}`], true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

await onPostgres('on a server', (fresh) => {
  test(`a shop answers alike after a restart (SEED=${SEED})`, async () => {
    const { url, remove } = await fresh()
    try {
      const server = ['database.driver=postgres', `database.postgres.url=${url}`]
      await staysTheSame(server, false)
    } finally {
      await remove()
    }
  })
})
