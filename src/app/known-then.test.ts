// What was known, at any moment: a shop does all that shops do, and whatever it answered at some
// moment it answers again when it is asked as of then, to the letter; its histories tell every
// event. Over HTTP, by the OpenAPI document: what it offers is asked, whoever added it.
import { deepEqual, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Recorded, streamOf } from '#kernel/message.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import {
  type Known,
  knownBy,
  lessForgotten,
  type Noted,
  namesIn,
  notedNow,
  type Question,
  takes,
  withMore,
} from './known-answers-fixture.ts'
import {
  type Json,
  type KnownShop,
  openKnownShop,
  rulesOf,
  type Trader,
  traderOf,
} from './known-shop-fixture.ts'
import { everythingOnce, forgetting, openGoods, randomDeeds } from './known-trade-fixture.ts'

const SEED = seedOfRun()
const STEPS = 60
const MOMENTS_EVERY = 20
/** Answers of each question that are noted at a moment. */
const SOME = 5
/** Versions of each thing that are looked at, from the first on. */
const VERSIONS = 5
/** So many of those that differ are told, each in so much text. */
const TOLD = 8
const TEXT_MAX = 1_500

/** Nothing is written down in the same millisecond as what is noted. */
async function momentOf({ log, parts }: KnownShop) {
  await parts.runner.catchUp()
  const { position, timestamp } = await log.head()
  const past = async (time: string) => {
    while (Date.now() <= Date.parse(time)) await sleep(1)
    return new Date().toISOString()
  }
  const moment = await past(timestamp)
  await past(moment)
  return { position, moment }
}

async function traded(shop: KnownShop) {
  const random = seeded(SEED)
  const trader = traderOf(shop.client, random)
  const known = knownBy(shop.client, await shop.documents())
  const noted: Noted[] = []
  const note = async () => {
    const at = await momentOf(shop)
    await known.look()
    noted.push(...(await notedNow(shop.client, known, { at, some: SOME, random })))
  }
  const settle = async () => {
    await shop.settle()
    await note()
    shop.advance(random.int(1, 3_000_000))
  }
  const goods = await openGoods(trader)
  await everythingOnce(trader, goods, { ...shop, settle })
  const deeds = randomDeeds(trader, goods, { random, ids: known.ids })
  for (let step = 1; step <= STEPS; step++) {
    await random.pick(deeds)()
    if (random.chance(0.5)) await shop.settle()
    if (step % MOMENTS_EVERY === 0) await note()
  }
  // Prices that were planned have come, what was held for a while is free.
  shop.advance(2 * 86_400_000)
  await settle()
  const erased = await forgetting(trader, goods)
  await settle()
  return { trader, known, noted, erased }
}

describe(`what was known (SEED=${SEED})`, () => {
  let shop: KnownShop
  let known: Known
  let trader: Trader
  let noted: readonly Noted[]
  let erased: Awaited<ReturnType<typeof forgetting>>
  before(async () => {
    shop = await openKnownShop('memory', rulesOf(seeded(SEED)))
    ;({ known, trader, noted, erased } = await traded(shop))
  })
  after(() => shop[Symbol.asyncDispose]())

  const get = (path: string) => shop.client.call('GET', path)
  /** What each question about one thing was answered, erased persons left out. */
  const differing = (found: unknown, expected: unknown): string | null => {
    try {
      deepEqual(found, expected)
      return null
    } catch (error) {
      return String(error).slice(0, TEXT_MAX)
    }
  }
  const none = (wrong: readonly string[]) =>
    ok(wrong.length === 0, `${wrong.length} are wrong:\n${wrong.slice(0, TOLD).join('\n')}`)
  /** Everything that has a history, with the question for what it is itself. */
  const things = () =>
    known.questions
      .filter(({ path }) => known.questions.some((one) => one.path === `${path}/history`))
      .filter((one) => takes(one, 'as_of'))
      .flatMap(known.asked)
  /** The events of its own stream. */
  const ownEvents = async ({ operation, path, id }: Question): Promise<readonly Entry[]> => {
    const [plain, place = ''] = path.split('?')
    const { json } = await get(withMore(`${plain}/history`, place, 'limit=1000'))
    const [name] = namesIn(operation)
    const own = OWN[name!] ?? name!.replace(/_id$/, '')
    const items: readonly Entry[] = json.items ?? []
    return items.filter((one) => one.of === own && one.of_id === id)
  }

  test('is answered again, asked as of its position, and as of its time', async () => {
    const wrong: string[] = []
    const { position: head } = await shop.log.head()
    for (const { operation, path, position, moment, status, json } of noted) {
      const then = lessForgotten(json, erased.ids)
      const ways = [`as_of=${moment}`]
      if (takes(operation, 'as_of_position'))
        ways.push(`as_of_position=${position}&min_position=${head}`)
      for (const way of ways) {
        const again = await get(withMore(path, way))
        const isThere = status === 200
        const difference = differing(
          [again.status, isThere && again.json],
          [status, isThere && then],
        )
        if (difference !== null) wrong.push(`${path} ${way}: ${difference}`)
      }
    }
    none(wrong)
    ok(noted.length > 400 && trader.deeds.size > 60, `${noted.length}, ${trader.deeds.size}`)
  })

  test('of whom was forgotten is told nowhere, now or then', async () => {
    const paths = known.questions.flatMap((one) => known.asked(one).map(({ path }) => path))
    const then = noted
      .filter(({ operation }) => takes(operation, 'as_of_position'))
      .map(({ path, position }) => withMore(path, `as_of_position=${position}`))
    const told: string[] = []
    for (const path of [...new Set([...paths, ...then])]) {
      const text = JSON.stringify((await get(path)).json)
      for (const word of erased.words) if (text.includes(word)) told.push(`${path}: ${word}`)
    }
    none(told)
    const before = JSON.stringify(noted)
    for (const word of erased.words) ok(before.includes(word), word)
  })

  test('of what was not there yet is nothing, and the answer says so', async () => {
    const wrong: string[] = []
    let looked = 0
    for (const thing of things()) {
      const { operation, path } = thing
      const own = await ownEvents(thing)
      const [first] = own
      const at = (more: string) => get(withMore(path, more))
      // The main store was there before all events; of a guest there is an erasure and no more.
      const isAlways = (await at('as_of_position=0')).status !== 404
      if (first === undefined || isAlways || (await get(path)).status === 404) continue
      looked++
      const before = await at(`as_of_position=${first.position - 1}`)
      const told = differing([before.status, before.json.detail], [404, NOT_YET])
      if (told !== null) wrong.push(`${path} before its first event: ${told}`)
      const begun = (await at(`as_of_position=${first.position}`)).status
      if (begun !== 200) wrong.push(`${path} at its first event: ${begun}`)
      if (!takes(operation, 'as_of_version')) continue
      for (const { position, version } of [...own.slice(0, VERSIONS), own.at(-1)!]) {
        const { json } = await at(`as_of_version=${version}`)
        const difference = differing(json, (await at(`as_of_position=${position}`)).json)
        if (difference !== null) wrong.push(`${path} version ${version}: ${difference}`)
        if (json.version !== undefined && json.version !== version)
          wrong.push(`${path} has the version ${json.version}, not ${version}`)
      }
      const beyond = await at(`as_of_version=${own.at(-1)!.version + 1}`)
      if (beyond.status !== 404) wrong.push(`${path} at a version to come: ${beyond.status}`)
    }
    none(wrong)
    ok(looked > 40, `${looked} were looked at`)
  })

  test('is told by histories: each event once, in order, as it was recorded', async () => {
    const told = new Set<number>()
    const wrong: string[] = []
    const sent = new Map(trader.taken.map((one) => [one.command_id, one.who]))
    const named = new Set(CALLED.flatMap(known.ids))
    const histories = known.questions.filter(({ path }) => path.endsWith('/history'))
    for (const { path } of histories.flatMap(known.asked)) {
      const { json, status } = await get(withMore(path, 'limit=1000'))
      if (status === 404) continue
      const items: readonly Entry[] = json.items
      const positions = items.map(({ position }) => position)
      for (const position of positions) told.add(position)
      if (positions.some((one, i) => i > 0 && one <= positions[i - 1]!))
        wrong.push(`${path} is out of order`)
      for (const [stream, entries] of Map.groupBy(items, (one) => streamOf(one.of, one.of_id))) {
        const events = await shop.log.readStream(stream)
        const difference = differing(entries.map(enveloped), events.map(envelopeOf))
        if (difference !== null) wrong.push(`${path} ${stream}: ${difference}`)
      }
      for (const { words, command_id, who } of items) {
        const ids = words.replaceAll(NUMBERS, '').match(IDS) ?? []
        if (ODD.test(words) || ids.some((one) => named.has(one))) wrong.push(`${path}: ${words}`)
        const by = sent.get(command_id ?? '')
        if (by !== undefined && who !== by) wrong.push(`${path}: by ${who}, not by ${by}`)
      }
      const difference = differing(await paged(path, 1 + (positions.length % 4)), items)
      if (difference !== null) wrong.push(`${path} page by page: ${difference}`)
    }
    none(wrong)
    const all = await shop.log.readAll(0, 100_000)
    const untold = all.filter(({ position }) => !told.has(position))
    deepEqual([...new Set(untold.map(({ aggregate_type }) => aggregate_type))].sort(), UNTOLD)
    const by = new Set(all.map(({ metadata }) => metadata.command_id))
    ok(trader.taken.filter(({ command_id }) => by.has(command_id)).length > 60)
  })
  async function paged(path: string, limit: number): Promise<readonly Entry[]> {
    const items: Entry[] = []
    for (let after: number | null = 0; after !== null; ) {
      const page: Json = (await get(withMore(path, `limit=${limit}`, `after=${after}`))).json
      items.push(...page.items)
      after = page.next_after
    }
    return items
  }

  test('before and after a change is as its history has it', async () => {
    const wrong: string[] = []
    let compared = 0
    for (const thing of things())
      for (const { position, data, what } of await ownEvents(thing)) {
        const shows = Object.entries(SHOWN[what] ?? {}).filter(
          ([field]) => data[field] !== undefined,
        )
        for (const [field, [shown, isBefore]] of shows) {
          const at = isBefore ? position - 1 : position
          const { json } = await get(withMore(thing.path, `as_of_position=${at}`))
          const value = field.endsWith('_minor') ? minor(json[shown]) : json[shown]
          compared++
          if (value !== data[field])
            wrong.push(
              `${thing.path} at ${at}: ${shown} is ${json[shown]}, ${what} says ${data[field]}`,
            )
        }
      }
    none(wrong)
    ok(compared > 25, `${compared} were compared`)
  })

  test('is refused where nobody can say it, with the field named', async () => {
    const { position } = await shop.log.head()
    const [product_id] = known.ids('product_id')
    const refused = async (more: string) => {
      const { status, json } = await get(`/api/v1/products/${product_id}?${more}`)
      return [status, ...Object.keys(json.errors ?? {})]
    }
    for (const odd of ['yesterday', '2026-02-30T00:00:00Z', '2026-01-01'])
      deepEqual(await refused(`as_of=${odd}`), [400, 'as_of'], odd)
    for (const odd of ['-1', '1.5', 'x', '1e99', '9'.repeat(30)])
      deepEqual(await refused(`as_of_position=${odd}`), [400, 'as_of_position'], odd)
    for (const odd of ['0', '-1', 'x'])
      deepEqual(await refused(`as_of_version=${odd}`), [400, 'as_of_version'], odd)
    deepEqual(await refused(`min_position=${position + 1}&as_of_position=1`), [400, 'min_position'])
    deepEqual(await refused(`as_of_position=${position + 1}`), [400, 'as_of_position'])
    deepEqual(await refused('as_of_position=1&as_of_version=1'), [400, 'as_of_version'])
    deepEqual(await refused(`as_of=2026-01-01T00:00:00Z&as_of_position=1`), [400, 'as_of_position'])
    const now = (await get(`/api/v1/products/${product_id}`)).json
    const to_come = `/api/v1/products/${product_id}?as_of=2999-01-01T00:00:00Z`
    deepEqual((await get(to_come)).json, now, 'all that is known')
  })

  test('can be asked of everything that has an id, or it is said here why not', () => {
    const present = known.questions
      .filter((one) => namesIn(one).length > 0 && !one.path.endsWith('/history'))
      .filter((one) => !takes(one, 'as_of'))
    deepEqual(present.map(({ operationId }) => operationId).sort(), Object.keys(PRESENT).sort())
  })

  test('stays what it is when all tables are folded anew', async () => {
    const paths = known.questions.flatMap((one) => known.asked(one).map(({ path }) => path))
    const answers = async () => {
      const found: Json[] = []
      for (const path of paths) found.push([path, (await get(path)).json])
      return found
    }
    const stood = await answers()
    const { runner, projections } = shop.parts
    for (const { name } of projections) await runner.rebuild(name)
    await runner.catchUp()
    const again = await answers()
    const same = (one: Json) => differing(withoutIds(again[one]), withoutIds(stood[one]))
    none(paths.flatMap((path, i) => (same(i) === null ? [] : [`${path}: ${same(i)}`])))
  })
})

/** An answer that there is nothing has an id of its own. */
const withoutIds = ([path, { correlation_id, ...json }]: Json) => [path, json]

type Entry = {
  readonly position: number
  readonly of: string
  readonly of_id: string
  readonly version: number
  readonly what: string
  readonly words: string
  readonly when: string
  readonly recorded_at: string
  readonly who: string | null
  readonly source: string | null
  readonly command_id: string | null
  readonly data: Json
}
const NOT_YET = 'There was nothing under this id then.'
/** Where a thing's stream has another name than the field. */
const OWN: Readonly<Record<string, string>> = { count_id: 'stock_count', refund_id: 'sale_refund' }
const ODD = /undefined|null|NaN|\[object|Invalid|: $/
const IDS = /[0-9a-f]{8}-[0-9a-f-]{27}/g
/** Of receipts and parcels, as they are printed: a store or an order is in them. */
const NUMBERS = /\S+-till\d-\d{8}-\d{4}|SIM-\S+/g
/** What people call by a name or a number. */
const CALLED = ['store_id', 'order_id', 'product_id', 'customer_id', 'user_id']
/** Streams that belong to no one thing. */
const UNTOLD = ['numbers', 'product_stock']

/** Fields of events that the thing itself shows, under this name: after it, or before. */
const SHOWN: Readonly<Record<string, Readonly<Record<string, readonly [string, boolean]>>>> = {
  ProductPriceChanged: {
    previous_sell_price_minor: ['sell_price', true],
    sell_price_minor: ['sell_price', false],
    previous_cost_price_minor: ['cost_price', true],
    cost_price_minor: ['cost_price', false],
  },
  ProductUpdated: { name: ['name', false], code: ['code', false] },
  CustomerBalanceChanged: { balance_minor: ['balance', false] },
  CreditLimitChanged: {
    previous_limit_minor: ['credit_limit', true],
    credit_limit_minor: ['credit_limit', false],
  },
  StoreUpdated: { name: ['name', false], timezone: ['timezone', false] },
  OrderCreated: { total_amount_minor: ['total_amount', false] },
  SaleCompleted: { sale_number: ['sale_number', false] },
}
const minor = (amount: number | null) => (amount === null ? null : Math.round(amount * 100))

/** What is asked for now alone, and why. */
const PRESENT: Readonly<Record<string, string>> = {
  GetErasure: 'it is asked to learn whether it has been done',
  GetWebhook: 'how others are reached now',
  GetOrdersByStatus: 'a list',
  GetOrdersByCustomer: 'a list',
  GetUserOrders: 'a list',
  ListStockCountLines: 'a list',
  GetCustomerPurchaseHistory: 'a list',
  GetCustomerOrderSummary: 'of a list: sums over all orders of somebody',
  GetProductSalesStats: 'of a list: sums over all sales of something',
  GetPriceHistory: 'it tells of all times itself',
  GetLowestPrice: 'it takes the time itself: `to`',
  GetOrderPayments: 'a list: each payment can be asked for as it was',
  GetOpenCashSession: 'which one is open; the session itself can be asked for as it was',
}

const enveloped = ({ position, version, what, when, recorded_at, ...by }: Entry) => ({
  ...{ position, version, what, when, recorded_at },
  ...{ who: by.who, source: by.source, command_id: by.command_id },
})
const envelopeOf = ({ position, version, event_type, metadata, ...at }: Recorded) => ({
  ...{ position, version, what: event_type, when: at.occurred_at, recorded_at: at.timestamp },
  ...{ who: metadata.user_id ?? null, source: metadata.source ?? null },
  command_id: metadata.command_id ?? null,
})
