// The real file, four months of a real shop, held against a truth that another program has counted.
// DAYBOOK_SAMPLE names the folder with both; the file itself is not part of the product. With
// SAMPLE_ON_POSTGRES=whole all of it is brought in there, too.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { answered, returnsBy, salesBy } from '#testing/retail-numbers.ts'
import { importInApp } from './retail-command.ts'
import { lineFrom } from './retail-invoice.ts'
import { retailRecords } from './retail-reader.ts'
import { assertSumsAgree, customerIdOf } from './truth-fixture.ts'

type Truth = {
  readonly kinds: readonly { kind: string; invoices: number; cents: number; units: number }[]
  readonly months: readonly {
    month: string
    orders: number
    sales_cents: number
    credit_cents: number
  }[]
  readonly days: readonly { day: string; orders: number; cents: number }[]
  readonly countries: readonly { country: string; orders: number; cents: number }[]
  readonly top_products: readonly { code: string; units: number; cents: number }[]
  readonly top_customers: readonly { cust: number; orders: number; cents: number }[]
}
const sample = process.env.DAYBOOK_SAMPLE
const required = process.env.REQUIRE_SAMPLE === '1'
const skip =
  sample === undefined && !required ? 'set DAYBOOK_SAMPLE to the folder with the sample' : false

const ROOT = new URL('../../../', import.meta.url).pathname

/** What `npm run daybook` runs, with its limits of memory. */
function imported(file: string, database: string): Promise<string> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: { daybook: string }
  }
  const [, ...daybook] = scripts.daybook.split(' ')
  const args = [...daybook, 'import', 'online-retail', file, '--data', database]
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let told = ''
  let mistakes = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    mistakes += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(told)
      else reject(new Error(`exit code ${code}: ${told}${mistakes}`))
    })
  })
}

async function compare({ ask, operations }: App, truth: Truth): Promise<void> {
  const of = (kind: string) => truth.kinds.find((one) => one.kind === kind)!
  const months = await salesBy(ask, 'month')
  const credited = await returnsBy(ask, 'month')
  const monthly = Object.entries(months).map(([month, { orders, pence }]) => {
    const credit_cents = credited[month]?.pence ?? 0
    return { month, orders, sales_cents: pence, credit_cents }
  })
  assert.deepEqual(monthly, truth.months)
  const days = Object.entries(await salesBy(ask, 'day'))
  assert.deepEqual(
    days.map(([day, { orders, pence }]) => ({ day, orders, cents: pence })),
    truth.days,
  )
  assert.deepEqual(byKey(await salesBy(ask, 'country')), byKey(named(truth.countries, 'country')))
  const products = await salesBy(ask, 'product')
  for (const { code, units, cents } of truth.top_products)
    assert.deepEqual([products[code]?.units, products[code]?.pence], [units, cents], code)
  const customers = await salesBy(ask, 'customer')
  for (const { cust, orders, cents } of truth.top_customers) {
    const sums = customers[customerIdOf(`${cust}`)]
    assert.deepEqual([sums?.orders, sums?.pence], [orders, cents], `${cust}`)
  }
  const sums = Object.values(products)
  assert.equal(
    sums.reduce((sum, { units }) => sum + units, 0),
    of('sale').units,
  )
  assert.equal(
    sums.reduce((sum, { pence }) => sum + pence, 0),
    of('sale').cents,
  )
  const back = Object.values(await returnsBy(ask, 'product'))
  assert.equal(
    back.reduce((sum, { units }) => sum + units, 0),
    of('credit').units,
  )
  assert.equal(
    back.reduce((sum, { pence }) => sum + pence, 0),
    of('credit').cents,
  )

  const { invoices, units } = of('correction')
  assert.deepEqual(await corrected(ask), { invoices, units })

  await assertSumsAgree(ask)

  const total = async (type: string, input: object) =>
    (await answered<{ total: number }>(ask, type, { ...input, limit: 1 })).total
  assert.equal(await total('ListReturns', {}), of('credit').invoices)
  assert.equal(await total('ListOrders', {}), of('sale').invoices)
  assert.equal(await total('ListOrders', { status: 'SHIPPED' }), of('sale').invoices)
  assert.equal(await total('ListSagas', { status: 'COMPLETED' }), of('sale').invoices)
  assert.equal(await total('ListReservations', { status: 'ACTIVE' }), 0)
  const { differences, checks } = await operations.verify()
  assert.equal(differences, 0, JSON.stringify(checks.filter(({ differing }) => differing > 0)))
}

type Moves = {
  readonly items: readonly { quantity_change: number }[]
  readonly next_cursor: string | null
}

/** Stock that was put right: nothing else in the file does that, and each time of one product. */
async function corrected(ask: App['ask']): Promise<{ invoices: number; units: number }> {
  const sum = { invoices: 0, units: 0 }
  let cursor: string | null = null
  do {
    const page: Moves = await answered<Moves>(ask, 'GetStockMovements', {
      event_type: ['InventoryAdjusted'],
      limit: 1_000,
      ...(cursor === null ? {} : { cursor }),
    })
    for (const { quantity_change } of page.items) {
      sum.invoices++
      sum.units += quantity_change
    }
    cursor = page.next_cursor
  } while (cursor !== null)
  return sum
}

type Named = { readonly orders: number; readonly cents: number }
const named = <T extends Named>(rows: readonly T[], name: keyof T) =>
  Object.fromEntries(rows.map((row) => [row[name], { orders: row.orders, pence: row.cents }]))
const byKey = (sums: Readonly<Record<string, { orders: number; pence: number }>>) =>
  Object.entries(sums)
    .map(([key, { orders, pence }]) => ({ key, orders, pence }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))

const sampleIn = (folder: string) => ({
  file: join(folder, 'online-retail-sample.csv.gz'),
  truth: JSON.parse(readFileSync(join(folder, 'online-retail-sample.truth.json'), 'utf8')) as Truth,
})

/** How many invoices the file has up to the end of this day: it is in order of time. */
async function invoicesUntil(file: string, day: string): Promise<number> {
  const invoices = new Set<string>()
  for await (const records of retailRecords(file))
    for (const record of records) {
      const line = lineFrom(record)
      if ('time' in line && line.time.slice(0, 10) > day) return invoices.size
      invoices.add(line.invoice)
    }
  return invoices.size
}

// It takes many minutes there, so it has to be asked for.
const WHOLE_ON_POSTGRES = process.env.SAMPLE_ON_POSTGRES === 'whole'
const DAYS_ON_POSTGRES = 1

await onPostgres('a real shop, on PostgreSQL', (fresh) =>
  test(`${WHOLE_ON_POSTGRES ? 'four months come' : 'the first day comes'} out to the penny`, {
    skip,
  }, async () => {
    assert.ok(sample !== undefined, 'DAYBOOK_SAMPLE must name the folder with the sample')
    const { file, truth } = sampleIn(sample)
    const days = truth.days.slice(0, WHOLE_ON_POSTGRES ? undefined : DAYS_ON_POSTGRES)
    const { url, remove } = await fresh()
    const argv = ['--set', 'database.driver=postgres', '--set', `database.postgres.url=${url}`]
    const read = readConfig({ argv, env: {}, file: null })
    assert.ok(read.ok)
    const app = await compose(read.config)
    try {
      const limit = WHOLE_ON_POSTGRES ? {} : { limit: await invoicesUntil(file, days.at(-1)!.day) }
      assert.deepEqual((await importInApp(app, { file, ...limit })).failures, [])
      await app.projected((await app.log.head()).position)
      const sums = Object.entries(await salesBy(app.ask, 'day'))
      assert.deepEqual(
        sums.map(([day, { orders, pence }]) => ({ day, orders, cents: pence })),
        days,
      )
      await (WHOLE_ON_POSTGRES ? compare(app, truth) : assertSumsAgree(app.ask))
    } finally {
      await app.close()
      await remove()
    }
  }),
)

describe('four months of a real shop', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sample-'))
  after(() => rmSync(folder, { recursive: true }))

  test('come out of the queries to the penny, and a second run writes nothing', async (t) => {
    assert.ok(sample !== undefined, 'DAYBOOK_SAMPLE must name the folder with the sample')
    const { file, truth } = sampleIn(sample)
    const database = join(folder, 'sample.db')
    t.diagnostic(await imported(file, database))
    const again = await imported(file, database)
    t.diagnostic(again)
    assert.match(again, /orders +0 new, 5,199 were there/)

    const read = readConfig({ argv: ['--data', database], env: {}, file: null })
    assert.ok(read.ok)
    const app = await compose(read.config)
    try {
      await app.projected((await app.log.head()).position)
      await compare(app, truth)
    } finally {
      await app.close()
    }
  })
})
