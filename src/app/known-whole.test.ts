// What a whole program answers of a shop, now and then: the same from its cache, after a restart
// without one, and when all its tables have been folded anew.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { httpDoors } from '#edges/http/doors.ts'
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
/**
 * Sagas go on by themselves here: an order that names no payment waits for it, or its label is
 * asked for before a test on a slow machine has changed its notes.
 */
const RULES = [
  'pos.refund_without_original=allow',
  'orders.client_price=accept',
  'payments.default_method=',
  'cache.ttl.stock=1h',
]
const HITS_MIN = 20
const NEAR_MS = 5_000
const WAIT_MAX_MS = 600_000
/** So many of those that differ are told, each in so much text. */
const TOLD = 8
const TEXT_MAX = 1_500

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
  const wrong: string[] = []
  for (const [path, answer] of expected)
    try {
      deepEqual(found.get(path), answer)
    } catch (error) {
      wrong.push(`${path}: ${String(error).slice(0, TEXT_MAX)}`)
    }
  ok(wrong.length === 0, `${why}, ${wrong.length} differ:\n${wrong.slice(0, TOLD).join('\n')}`)
  equal(found.size, expected.size, why)
}

/** As `alike` for what was noted, asked as of then. */
async function alikeThen(client: Client, noted: readonly Noted[]): Promise<void> {
  const found = new Map<string, Json>()
  const expected = new Map<string, Json>()
  for (const { operation, path, position, moment, status, json } of noted) {
    const isByPosition = takes(operation, 'as_of_position')
    const way = isByPosition ? `as_of_position=${position}` : `as_of=${moment}`
    const then = withMore(path, way)
    const again = await client.call('GET', then)
    found.set(then, again.status === 200 ? again.json : again.status)
    expected.set(then, status === 200 ? json : status)
  }
  alike(found, expected, 'as of then')
}

/** What an answer would rightly differ by. */
async function nothingSince({ log }: App, position: number): Promise<void> {
  const types = (await log.readAll(position, 10)).map(({ event_type }) => event_type)
  deepEqual(types, [], 'was written while the shop was asked')
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
    await nothingSince(app, position)
  }
  const goods = await openGoods(trader)
  await everythingOnce(trader, goods, { settle, advance() {}, now: () => new Date().toISOString() })
  await settle()
  return noted
}

/** A shop that has done everything, what it answers now, and what it answered on the way. */
async function answered(sets: readonly string[], day: string) {
  const whole = await opened(sets, false)
  const { client, app } = whole
  try {
    const known = knownBy(client, await whole.documents())
    const noted = await traded(whole, known, seeded(SEED))
    const { position } = await app.log.head()
    const { answers } = await answersOf(client, known, day)
    ok(answers.size > 200, `${answers.size} answers`)
    const until = Date.now() + WAIT_MAX_MS
    // Of tables that it lost sight of for a moment the cache has nothing.
    for (let hits = 0; hits < HITS_MIN; ) {
      ok(Date.now() < until, `${hits} were kept`)
      const again = await answersOf(client, known, day)
      await nothingSince(app, position)
      alike(again.answers, answers, 'asked again')
      hits += again.hits
    }
    return { known, noted, answers }
  } finally {
    await whole.close()
  }
}

test(`a shop answers alike from its cache, after a restart and anew (SEED=${SEED})`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-known-'))
  const sets = [`database.sqlite.path=${join(folder, 'shop.db')}`]
  const day = new Date().toISOString().slice(0, 10)
  try {
    const { known, noted, answers } = await answered(sets, day)
    const second = await opened([...sets, 'cache.driver=none'], true)
    try {
      const { client, app } = second
      const fresh = await answersOf(client, known, day)
      alike(fresh.answers, answers, 'after a restart')
      equal(fresh.hits, 0)
      for (const { name } of await app.operations.projections())
        await app.operations.rebuild(name, { dryRun: false })
      alike((await answersOf(client, known, day)).answers, answers, 'folded anew')
      await alikeThen(client, noted)
    } finally {
      await second.close()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
