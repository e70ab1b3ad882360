// Each row as it was, folded from the few streams that its projection names, beside the whole
// table folded from the whole log up to that position: no stream that tells of a row is forgotten.
import { deepEqual, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Projection, Row } from '#kernel/projection.ts'
import { past } from '#runtime/past.ts'
import { personalData } from '#runtime/personal.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { type Random, seeded, seedOfRun } from '#testing/random.ts'
import { type App, compose } from './compose.ts'
import { configFor } from './config-for.ts'
import { contextsOf, typesOf } from './contexts.ts'
import { demoArgv } from './demo/demo.ts'
import { fillDemo } from './demo/fill.ts'
import { noProviders } from './no-providers.ts'
import { openStores, placesOf } from './stores.ts'

const SEED = seedOfRun()
const DAYS = 2
const CHANGES = 250
/** In the days of trade, and among the changes after them. */
const MOMENTS = [1, 2] as const
/** Rows of each table that are looked at, of those that were there and of those that came later. */
const ROWS = 40
const ALL = 1_000_000

const folder = mkdtempSync(join(tmpdir(), 'daybook-past-'))
const argv = demoArgv(['--data', join(folder, 'daybook.db')])
let traded = 0
before(async () => {
  const app = await compose(configFor(argv))
  await fillDemo(app, new Date().toISOString(), () => {}, DAYS)
  traded = (await app.log.head()).position
  await changeThings(app, seeded(SEED))
  await app.close()
})
after(() => rmSync(folder, { recursive: true }))

/** What the demonstration leaves alone: names, places and thresholds that rows elsewhere show. */
async function changeThings({ send, ask, log, projected }: App, random: Random) {
  const listed = async (type: string): Promise<readonly Row[]> => {
    const answer = await ask(type, { limit: 100 })
    return answer.ok ? (answer.result as { items: readonly Row[] }).items : []
  }
  await projected((await log.head()).position)
  const [products, departments, units, stores, customers] = await Promise.all(
    ['ListProducts', 'ListDepartments', 'ListUnits', 'ListStores', 'FindCustomers'].map(listed),
  )
  const pick = (rows: readonly Row[] | undefined, id: string) => random.pick(rows!)[id]
  const word = () => `Word ${random.int(1, 1_000)}`
  const product = () => ({ product_id: pick(products, 'product_id') })
  const changes: Readonly<Record<string, () => object>> = {
    UpdateProductDetails: () => ({
      ...product(),
      ...random.pick([
        { min_stock: String(random.int(0, 200)) },
        { department_id: pick(departments, 'department_id') },
        { unit_id: null },
        { unit_id: pick(units, 'unit_id') },
        { name: word() },
      ]),
    }),
    UpdateProduct: () => ({ ...product(), code: word() }),
    UpdateProductPrice: () => ({
      ...product(),
      ...{ sell_price: `${random.int(1, 90)}.00`, cost_price: `${random.int(1, 9)}.50` },
    }),
    DeleteProduct: () => ({ ...product(), force: true }),
    RestoreProduct: product,
    RenameDepartment: () => ({ department_id: pick(departments, 'department_id'), name: word() }),
    UpdateUnit: () => ({ unit_id: pick(units, 'unit_id'), name: word() }),
    UpdateStore: () => ({ store_id: pick(stores, 'store_id'), name: word() }),
    UpdateCustomer: () => ({ customer_id: pick(customers, 'customer_id'), name: word() }),
    AdjustInventory: () => ({
      ...{ ...product(), store_id: pick(stores, 'store_id') },
      ...{ adjustment: `${random.int(-60, 60)}`, reason: 'recount' },
    }),
    UpdateInventory: () => ({
      ...{ ...product(), store_id: pick(stores, 'store_id') },
      min_stock: random.pick([null, String(random.int(1, 150))]),
    }),
  }
  const taken = new Set<string>()
  for (let change = 0; change < CHANGES; change++) {
    const type = random.pick(Object.keys(changes))
    if ((await send(type, changes[type]!())).ok) taken.add(type)
  }
  deepEqual([...taken].sort(), Object.keys(changes).sort())
}

const byKey = ({ table }: Projection, rows: readonly Row[]) =>
  new Map(rows.map((row) => [String(row[table.key]), row]))

test(`a row as it was is the one that stood in the table then (SEED=${SEED})`, async () => {
  const random = seeded(SEED)
  await using opening = new AsyncDisposableStack()
  const { log, keys } = await openStores(placesOf(configFor(argv)), fail, opening)
  const contexts = contextsOf(noProviders)
  const types = typesOf(contexts)
  const { open } = personalData(types, keys)
  const projections = contexts
    .flatMap((context) => context.projections)
    .filter(({ sources }) => sources !== undefined)
  const reads = await openReadModels()
  opening.defer(() => reads.close())
  const runner = projectionRunner({ log, reads, projections, types, open, onError: fail })
  const rowsOf = async (one: Projection) =>
    byKey(one, (await reads.find(one.table, { limit: ALL })).items)
  const { position: head } = await log.head()
  const between = (first: number, last: number, count: number) =>
    Array.from({ length: count }, () => random.int(first, last))
  const moments = [
    ...between(traded >> 3, traded, MOMENTS[0]),
    ...between(traded, head, MOMENTS[1]).sort((a, b) => a - b),
  ]
  const seen: [position: number, one: Projection, rows: Map<string, Row>][] = []
  for (const position of moments) {
    await runner.catchUp(position)
    for (const one of projections) seen.push([position, one, await rowsOf(one)])
  }
  await runner.catchUp()
  let compared = 0
  for (const [position, one, rows] of seen) {
    const all = [...new Set([...rows.keys(), ...(await rowsOf(one)).keys()])]
    for (const key of random.shuffled(all).slice(0, ROWS)) {
      const told = await past({ log, types, open }, one, key, { position })
      deepEqual(told, rows.get(key) ?? null, `${one.name} ${key} at ${position}`)
      compared++
    }
  }
  ok(compared > projections.length * moments.length * 3, `only ${compared} rows were compared`)
})

function fail(error: unknown): never {
  throw error
}
