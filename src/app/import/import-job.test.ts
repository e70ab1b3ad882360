// The made-up file through the whole product: what its own queries answer is what an independent
// count says; a second run changes nothing; killed anywhere, the same command again ends in the
// same numbers.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import type { Config } from '#app/settings.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { type RetailTruth, retailFile } from '#testing/retail-file.ts'
import { answered, returnsBy, salesBy } from '#testing/retail-numbers.ts'
import { importInApp } from './retail-command.ts'
import { idOf } from './retail-commands.ts'
import { assertSumsAgree, customerIdOf } from './truth-fixture.ts'

const SEED = seedOfRun()
const { csv, truth } = retailFile(SEED)
let folder: string
let file: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'))
  file = join(folder, 'retail.csv')
  writeFileSync(file, csv)
})
after(() => rmSync(folder, { recursive: true }))

function configWith(...sets: string[]) {
  const argv = sets.flatMap((set) => ['--set', set])
  const read = readConfig({ argv, env: {}, file: null })
  assert.ok(read.ok, JSON.stringify(read))
  return read.config
}
const inMemory = () => configWith('event_store.driver=memory', 'read_store.driver=memory')
const inFile = (name: string) => configWith(`database.sqlite.path=${join(folder, name)}`)

async function assertTruth({ ask }: App, truth: RetailTruth): Promise<void> {
  assert.deepEqual(await salesBy(ask, 'month'), truth.months)
  assert.deepEqual(await salesBy(ask, 'day'), truth.days)
  assert.deepEqual(await salesBy(ask, 'country'), truth.countries)
  assert.deepEqual(await salesBy(ask, 'product'), truth.products)
  const customers = Object.entries(truth.customers)
  assert.deepEqual(
    await salesBy(ask, 'customer'),
    Object.fromEntries(customers.map(([number, sums]) => [customerIdOf(number), sums])),
  )
  const credits = Object.entries(await returnsBy(ask, 'month')).map(([month, sums]) => [
    month,
    { count: sums.orders, pence: sums.pence },
  ])
  assert.deepEqual(Object.fromEntries(credits), truth.credit_months)
  const units = Object.values(await returnsBy(ask, 'day')).reduce((sum, day) => sum + day.units, 0)
  assert.equal(units, truth.credit_units)
  await assertSumsAgree(ask)
}

type Page = { readonly total: number; readonly items: readonly Record<string, unknown>[] }

/** Nothing is half done: every order shipped, every saga completed, no reservation open. */
async function assertAtRest(app: App, { sales }: RetailTruth): Promise<void> {
  const orders = (status?: string) =>
    answered<Page>(app.ask, 'ListOrders', status === undefined ? {} : { status })
  assert.equal((await orders()).total, sales)
  assert.equal((await orders('SHIPPED')).total, sales)
  const completed = await answered<Page>(app.ask, 'ListSagas', { status: 'COMPLETED' })
  assert.equal(completed.total, sales)
  const open = await answered<Page>(app.ask, 'ListReservations', { status: 'ACTIVE' })
  assert.equal(open.total, 0)
  const { differences, checks } = await app.operations.verify()
  assert.equal(differences, 0, JSON.stringify(checks.filter(({ differing }) => differing > 0)))
}

/** Stock is what was opened, less what was sold, and the corrections. */
async function assertStock({ ask }: App, truth: RetailTruth): Promise<void> {
  for (const [code, { units }] of Object.entries(truth.products)) {
    const stock = await answered<{ quantity: number; reserved_quantity: number }>(
      ask,
      'GetInventory',
      {
        product_id: idOf('product', code),
      },
    )
    assert.equal(stock.reserved_quantity, 0)
    assert.ok(stock.quantity >= 0, `${code} is at ${stock.quantity}`)
    const moved = await answered<Page>(ask, 'GetStockMovements', {
      product_id: idOf('product', code),
      limit: 1000,
    })
    const corrected = moved.items
      .filter(({ reference }) => /^[0-9]/.test(String(reference ?? '')))
      .reduce((sum, { quantity_change }) => sum + Number(quantity_change), 0)
    assert.equal(corrected, truth.corrected_units[code] ?? 0, `corrections of ${code}`)
    assert.ok(units > 0)
  }
}

function dirtyInvoices(open: () => Promise<{ config: Config; close?: () => Promise<void> }>) {
  let app: App
  let close: (() => Promise<void>) | undefined
  before(async () => {
    const opened = await open()
    close = opened.close
    app = await compose(opened.config)
  })
  after(async () => {
    await app.close()
    await close?.()
  })

  test('come out of the queries as an independent count says', async () => {
    const report = await importInApp(app, { file })
    assert.deepEqual(report.failures, [])
    assert.ok(report.finished)
    assert.equal(report.kinds.sale.new, truth.sales)
    assert.equal(report.kinds.credit.new, truth.credits)
    assert.equal(report.kinds.correction.new, truth.corrections)
    const lines = report.row_errors.map(({ line }) => line).sort((a, b) => a - b)
    assert.deepEqual(lines, truth.refused)
    await assertTruth(app, truth)
    await assertStock(app, truth)
    await assertAtRest(app, truth)
  })

  test('a second run finds everything there and writes nothing', async () => {
    const { position } = await app.log.head()
    const report = await importInApp(app, { file })
    assert.deepEqual(report.failures, [])
    assert.equal(report.kinds.sale.before, truth.sales)
    assert.equal(report.kinds.sale.new + report.kinds.credit.new, 0)
    const since = await app.log.readAll(position, 1000)
    const types = new Set(since.map(({ event_type }) => event_type))
    // Seals come by themselves and say nothing of the shop.
    assert.deepEqual(
      [...types].filter((type) => !type.includes('Seal')),
      [],
    )
    await assertTruth(app, truth)
  })
}

const title = `300 dirty invoices (SEED=${SEED})`
describe(`${title}, in memory`, () => dirtyInvoices(async () => ({ config: inMemory() })))
describe(`${title}, on SQLite`, () => dirtyInvoices(async () => ({ config: inFile('whole.db') })))
await onPostgres(`${title}, on PostgreSQL`, (fresh) =>
  dirtyInvoices(async () => {
    const { url, remove } = await fresh()
    return {
      config: configWith('database.driver=postgres', `database.postgres.url=${url}`),
      close: remove,
    }
  }),
)

test('stopped half way, it finishes what is under way; the next run does the rest', async () => {
  const app = await compose(inMemory())
  try {
    const stop = new AbortController()
    const first = await importInApp(app, {
      file,
      signal: stop.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'Invoices' && done === 60) stop.abort()
      },
    })
    assert.equal(first.finished, false)
    assert.ok(first.kinds.sale.new > 0 && first.kinds.sale.new < truth.sales)
    const sagas = await answered<Page>(app.ask, 'ListSagas', { status: 'RUNNING' })
    assert.equal(sagas.total, 0)
    const second = await importInApp(app, { file })
    assert.ok(second.finished)
    assert.equal(second.kinds.sale.before, first.kinds.sale.new)
    await assertTruth(app, truth)
    await assertAtRest(app, truth)
  } finally {
    await app.close()
  }
})

test('a limit takes the first invoices, and the whole file can follow', async () => {
  const app = await compose(inMemory())
  try {
    const first = await importInApp(app, { file, limit: 40 })
    assert.ok(first.finished)
    const { sale, credit, correction } = first.kinds
    assert.ok(sale.new + credit.new + correction.new <= 40)
    assert.deepEqual((await importInApp(app, { file })).failures, [])
    await assertTruth(app, truth)
  } finally {
    await app.close()
  }
})

test('a product that the shop has already under a code is the one that is sold', async () => {
  const app = await compose(inMemory())
  try {
    const made = await app.send('CreateProduct', {
      code: '22423',
      name: 'ours',
      sell_price: '1.00',
      currency: 'GBP',
    })
    assert.ok(made.ok)
    const report = await importInApp(app, { file })
    assert.deepEqual(report.failures, [])
    await assertTruth(app, truth)
    const orders = await answered<Page>(app.ask, 'ListProducts', { code: '22423' })
    assert.equal(orders.items[0]?.product_id, made.response.product_id)
    assert.equal(orders.items[0]?.name, 'ours')
  } finally {
    await app.close()
  }
})

// ── killed ────────────────────────────────────────────────────────────────────────────────────

const MAIN = new URL('../main.ts', import.meta.url).pathname

/** Runs the command until its progress reaches `when`, then kills it; null: it came to its end. */
function importing(
  database: string,
  when: RegExp | null,
  laterMs = 0,
): Promise<NodeJS.Signals | null> {
  const args = [MAIN, 'import', 'online-retail', file, '--data', database, '--progress']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let told = ''
  let killing = false
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    told += text
    if (killing || when === null || !when.test(told)) return
    killing = true
    void sleep(laterMs).then(() => child.kill('SIGKILL'))
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (signal === null && code !== 0) reject(new Error(`exit code ${code}: ${told}`))
      else resolve(signal)
    })
  })
}

test(`killed in the middle again and again, it ends in the same numbers (SEED=${SEED})`, async () => {
  const database = join(folder, 'killed.db')
  const random = seeded(SEED)
  let hits = 0
  for (const when of [
    /Products: \d/,
    /Invoices: [1-9]/,
    /Invoices: [89]\d of/,
    /Invoices: 1[5-9]\d of/,
    /Invoices: 2[1-9]\d of/,
  ])
    if ((await importing(database, when, random.int(0, 60))) === 'SIGKILL') hits++
  assert.ok(hits >= 3, `only ${hits} kills hit a running import`)
  assert.equal(await importing(database, null), null)
  const app = await compose(inFile('killed.db'))
  try {
    await app.projected((await app.log.head()).position)
    await assertTruth(app, truth)
    await assertStock(app, truth)
    await assertAtRest(app, truth)
  } finally {
    await app.close()
  }
})
