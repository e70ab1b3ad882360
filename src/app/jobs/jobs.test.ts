// Files through the whole shop: in, out, tried, stopped, taken up again; and interrupted wherever
// it hurts. The stores are those in memory, the rules are the real ones.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { JobKind, JobOperations, JobView, StartImport } from '#runtime/job-operations.ts'
import { type Counts, isAway } from './bring-rows.ts'

const apps: App[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

async function openShop(
  more: readonly string[] = [],
): Promise<App & { readonly jobs: JobOperations }> {
  const sets = ['event_store.driver=memory', 'read_store.driver=memory', ...more]
  const read = readConfig({ argv: sets.flatMap((set) => ['--set', set]), env: {}, file: null })
  ok(read.ok, JSON.stringify(read))
  const app = await compose(read.config)
  apps.push(app)
  const { jobs } = app.operations
  ok(jobs !== undefined)
  return { ...app, jobs }
}
type Shop = Awaited<ReturnType<typeof openShop>>

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
const ENDED = ['done', 'stopped', 'failed']

async function ended({ jobs }: Shop, { job_id, direction }: JobView): Promise<JobView> {
  for (;;) {
    const job = await jobs.get(direction, job_id)
    if (job !== null && ENDED.includes(job.status)) return job
    await sleep(5)
  }
}
const plain = { format: 'csv', mode: 'set', dry_run: false, user_id: 'ann', key: null } as const

async function bring(shop: Shop, kind: JobKind, text: string, more: Partial<StartImport> = {}) {
  const job = await ended(
    shop,
    await shop.jobs.startImport({ ...plain, kind, ...more }, bytes(text)),
  )
  const errors = await shop.jobs.errors(job.job_id, { after: null, limit: 100 })
  await shop.projected((await shop.log.head()).position)
  return { job, counts: countsOf(job), errors }
}
const countsOf = ({ rows, created, updated, failed }: JobView): Counts => ({
  ...{ rows, created, updated, failed },
})

async function take(shop: Shop, kind: JobKind, format: 'csv' | 'ndjson' = 'csv'): Promise<string> {
  await shop.projected((await shop.log.head()).position)
  const begun = await shop.jobs.startExport({ kind, format, user_id: null, key: null })
  const job = await ended(shop, begun)
  equal(job.status, 'done')
  const pieces: Uint8Array[] = []
  for await (const piece of shop.jobs.text(job.job_id)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}
async function ask(shop: Shop, type: string, input: object): Promise<Record<string, unknown>> {
  const answer = await shop.ask(type, input)
  ok(answer.ok, JSON.stringify(answer))
  return answer.result as Record<string, unknown>
}
async function productOf(shop: Shop, code: string) {
  const { items } = await ask(shop, 'ListProducts', { code, include_inactive: true })
  const [{ product_id } = {}] = items as { product_id?: string }[]
  return product_id === undefined ? null : await ask(shop, 'GetProduct', { product_id })
}

const HEAD =
  'code,name,sell_price,cost_price,department,unit,unit_symbol,unit_precision,tax_class,' +
  'min_stock,is_active'
const PRODUCTS = `${HEAD}
PEN,Pen,1.50,0.70,Office,,,,,3,true
TEA,"Tea, green",12.5,,Food,kilogram,kg,3,reduced,0.5,true
=SUM,=SUM(A1),3,,food,,,,,,false
`

describe('products', () => {
  test('are made and changed by their code; departments and units on the way', async () => {
    const shop = await openShop()
    const first = await bring(shop, 'products', PRODUCTS)
    deepEqual(first.counts, { rows: 3, created: 3, updated: 0, failed: 0 })
    deepEqual(first.errors, [])
    equal(first.job.started_by, 'ann')
    const tea = await productOf(shop, 'TEA')
    deepEqual(
      [tea?.sell_price_minor, tea?.department_name, tea?.unit_name, tea?.min_stock, tea?.tax_class],
      [1250, 'Food', 'kilogram', 500, 'reduced'],
    )
    equal((await productOf(shop, '=SUM'))?.is_active, false)
    const { items } = await ask(shop, 'ListDepartments', {})
    equal((items as unknown[]).length, 2)

    const change = 'sku;price;name;is_active\nTEA;11;;\nPEN;1.50;Pen;true\n=SUM;;;true\n'
    deepEqual((await bring(shop, 'products', change)).counts, {
      ...{ rows: 3, created: 0, updated: 3, failed: 0 },
    })
    const after = await productOf(shop, 'TEA')
    deepEqual([after?.sell_price_minor, after?.name], [1100, 'Tea, green'])
    const pen = await productOf(shop, 'PEN')
    equal(pen?.version, 1, 'what is as the file says is not written again')
    equal((await productOf(shop, '=SUM'))?.is_active, true)
  })

  test('a bad row stops nothing, and tells line, field and reason', async () => {
    const shop = await openShop()
    const text = [
      'code,name,sell_price,currency,tax_class',
      'A,Good,1,,',
      'B,Bad,-1,,',
      ',None,1,,',
      'A,Twice,2,,',
      'C,Bad,1.999,ZZZ,Not so',
      'D,,1,,',
      'E,Good,2,,',
    ].join('\n')
    const { counts, errors } = await bring(shop, 'products', text)
    deepEqual(counts, { rows: 7, created: 2, updated: 0, failed: 5 })
    deepEqual(
      errors.map(({ line, field }) => `${line} ${field}`),
      [
        ...[
          '3 sell_price',
          '4 code',
          '5 (row)',
          '6 currency',
          '6 sell_price',
          '6 tax_class',
          '7 name',
        ],
      ],
    )
    match(errors[2]!.reason, /line 2/)
    equal((await productOf(shop, 'A'))?.name, 'Good')
  })

  test('say what they said before, again: a later file counts, and the first once more', async () => {
    const shop = await openShop()
    for (const price of ['5', '6', '5']) {
      await bring(shop, 'products', `code,name,sell_price\nA,Cup,${price}\n`)
      equal((await productOf(shop, 'A'))?.sell_price_minor, Number(price) * 100)
    }
  })

  test('that are tried leave nothing behind, and hear what they will hear', async () => {
    const shop = await openShop()
    await bring(shop, 'products', 'code,name,sell_price\nOLD,Old,1\n')
    const before = await shop.log.head()
    const text =
      'code,name,sell_price,department,unit,unit_precision,min_stock\n' +
      'A,Cup,1,New,box,2,0.25\nB,Cup,1,new,BOX,,0.255\nOLD,Old,2,new,,,\nC,,,,,,\n'
    const tried = await bring(shop, 'products', text, { dry_run: true })
    deepEqual(await shop.log.head(), before)
    equal(await productOf(shop, 'A'), null)
    const real = await bring(shop, 'products', text)
    deepEqual([tried.counts, tried.errors], [real.counts, real.errors])
    deepEqual(tried.counts, { rows: 4, created: 1, updated: 1, failed: 2 })
  })
})

describe('stock', () => {
  test('is set or added, by product and store', async () => {
    const shop = await openShop()
    await bring(shop, 'products', PRODUCTS)
    const set = 'code,quantity,location,min_stock,backorder_limit\nPEN,10,A-1,2,4\nTEA,1.250,,,\n'
    deepEqual((await bring(shop, 'stock', set)).counts, {
      ...{ rows: 2, created: 2, updated: 0, failed: 0 },
    })
    const more = await bring(
      shop,
      'stock',
      'code,quantity,unit_cost\nPEN,5,0.70\nNO,1,\nTEA,0.0001,\n',
      {
        mode: 'add',
      },
    )
    deepEqual(more.counts, { rows: 3, created: 0, updated: 1, failed: 2 })
    deepEqual(
      more.errors.map(({ line, field }) => [line, field]),
      [
        [3, 'code'],
        [4, 'quantity'],
      ],
    )
    const again = await bring(shop, 'stock', 'code,store,quantity,location\nPEN,main,7,B-2\n')
    deepEqual(again.counts, { rows: 1, created: 0, updated: 1, failed: 0 })
    equal(
      await take(shop, 'stock').then((text) => text.split('\n').slice(1).sort().join('|')),
      `|PEN,${MAIN_STORE_ID},7,B-2,2,4|TEA,${MAIN_STORE_ID},1.250,,,0.000`,
    )
  })
})

describe('customers', () => {
  test('are registered and changed by id or e-mail', async () => {
    const shop = await openShop()
    const text =
      'customer_id,name,email,credit_limit,is_active\n' +
      'c-1,Ann,ann@example.com,50,\n,Bob,Bob@example.com,,\nc-2,Cy,,,false\n,Nobody,,,\n,,x@example.com,,\n'
    const first = await bring(shop, 'customers', text)
    deepEqual(first.counts, { rows: 5, created: 3, updated: 0, failed: 2 })
    deepEqual(
      first.errors.map(({ line, field }) => `${line} ${field}`),
      ['5 customer_id', '6 name'],
    )
    const change = 'name,email,phone\nRobert,bob@example.com,123\nAnn,ann@example.com,\n'
    deepEqual((await bring(shop, 'customers', change)).counts, {
      ...{ rows: 2, created: 0, updated: 2, failed: 0 },
    })
    const taken = 'customer_id,name,email,currency\nc-3,Eve,ann@example.com,\nc-1,,,EUR\n'
    deepEqual(
      (await bring(shop, 'customers', taken)).errors.map(({ line, field }) => `${line} ${field}`),
      ['2 (row)', '3 currency'],
    )
    const rows = (await take(shop, 'customers', 'ndjson')).trim().split('\n')
    const known = rows.map((row) => JSON.parse(row) as Record<string, unknown>)
    deepEqual(known.map(({ name, phone, is_active }) => [name, phone, is_active]).sort(), [
      ...[
        ['Ann', null, true],
        ['Cy', null, false],
        ['Robert', '123', true],
      ],
    ])
    const cy = 'customer_id,name,is_active\nc-2,Cyril,false\n'
    deepEqual((await bring(shop, 'customers', cy)).counts, {
      ...first.counts,
      rows: 1,
      created: 0,
      updated: 1,
      failed: 0,
    })
  })
  test('that are tried get no keys', async () => {
    const shop = await openShop()
    const { counts } = await bring(
      shop,
      'customers',
      'name,email\nAnn,a@example.com\nBob,a@example.com\n',
      {
        dry_run: true,
      },
    )
    deepEqual(counts, { rows: 2, created: 1, updated: 0, failed: 1 })
    equal((await shop.log.head()).position, 0)
  })
})

test('what one shop gives out makes another one like it', async () => {
  const one = await openShop()
  await bring(one, 'products', PRODUCTS)
  await bring(one, 'stock', 'code,quantity,location\nPEN,10,"A\n1"\nTEA,1.250,\n')
  await bring(
    one,
    'customers',
    'customer_id,name,email,addresses\nc-1,=Ann,a@example.com,"[{""city"":""Basel""}]"\n',
  )
  for (const format of ['csv', 'ndjson'] as const) {
    const other = await openShop()
    for (const kind of ['products', 'stock', 'customers'] as const) {
      const text = await take(one, kind, format)
      const { counts, errors } = await bring(other, kind, text, { format })
      deepEqual(errors, [])
      equal(counts.created, counts.rows)
      // Stock goes by its ids, which are new ones there.
      const rows = async (shop: Shop) => (await take(shop, kind, 'ndjson')).split('\n').sort()
      deepEqual(await rows(other), await rows(one))
    }
  }
})

describe('a job', () => {
  const many = (rows: number) =>
    `code,name,sell_price\n${Array.from({ length: rows }, (_, i) => `P${i},Cup,1\n`).join('')}`

  test('is stopped behind its batch, and goes on where it was', async () => {
    const shop = await openShop()
    const wanted = { ...plain, kind: 'products' } as const
    const begun = await shop.jobs.startImport(wanted, bytes(many(2_000)))
    const { job_id } = begun
    while (((await shop.jobs.get('import', job_id))?.rows ?? 0) === 0) await sleep(1)
    equal((await shop.jobs.stop(job_id))?.done, true)
    const stopped = await ended(shop, begun)
    equal(stopped.status, 'stopped')
    ok(stopped.rows > 0 && stopped.rows < 2_000, `${stopped.rows} rows`)
    equal((await shop.jobs.stop(job_id))?.done, false)
    equal((await shop.jobs.resume(job_id))?.done, true)
    const done = await ended(shop, begun)
    deepEqual(countsOf(done), { rows: 2_000, created: 2_000, updated: 0, failed: 0 })
    await shop.projected((await shop.log.head()).position)
    equal((await ask(shop, 'ListProducts', { limit: 1 })).total, 2_000)
    equal((await shop.jobs.resume(job_id))?.done, false)
    equal(await shop.jobs.resume('none'), null)
  })

  test('of the same key is the same job', async () => {
    const shop = await openShop()
    const wanted = { ...plain, kind: 'products', key: 'monday' } as const
    const first = await shop.jobs.startImport(wanted, bytes(many(1)))
    await ended(shop, first)
    const second = await shop.jobs.startImport(wanted, bytes(many(1)))
    deepEqual([second.job_id, second.status], [first.job_id, 'done'])
    equal((await shop.jobs.list('import', { limit: 10 })).length, 1)
  })

  test('is not another one under the same key: another file is told so, not passed over', async () => {
    const shop = await openShop()
    const wanted = { ...plain, kind: 'products', key: 'monday' } as const
    await ended(shop, await shop.jobs.startImport(wanted, bytes(many(1))))
    const { position } = await shop.log.head()
    const reused = { name: 'KeyReused' }
    await rejects(shop.jobs.startImport(wanted, bytes(many(2))), reused)
    await rejects(shop.jobs.startImport({ ...wanted, dry_run: true }, bytes(many(1))), reused)
    await rejects(shop.jobs.startImport({ ...wanted, kind: 'stock' }, bytes(many(1))), reused)
    equal((await shop.log.head()).position, position)
  })

  test('whose file was refused leaves its key to the file that is right', async () => {
    const shop = await openShop()
    const wanted = { ...plain, kind: 'products', key: 'monday' } as const
    for (let i = 0; i < 2; i++)
      await rejects(shop.jobs.startImport(wanted, bytes('kode\n1\n')), { name: 'TextRefused' })
    const [refused] = await shop.jobs.list('import', { limit: 1 })
    equal((await shop.jobs.resume(refused!.job_id))?.done, false, 'there is no file to go on with')
    const job = await ended(shop, await shop.jobs.startImport(wanted, bytes(many(1))))
    deepEqual([job.status, job.note, job.created], ['done', null, 1])
    equal((await shop.jobs.list('import', { limit: 10 })).length, 1)
  })

  test('with a file that is none, or too large, fails at once and keeps nothing of it', async () => {
    const shop = await openShop(['jobs.upload_max_bytes=1000'])
    const wanted = { ...plain, kind: 'products' } as const
    await rejects(shop.jobs.startImport(wanted, bytes('kode\n1\n')), { name: 'TextRefused' })
    await rejects(shop.jobs.startImport(wanted, bytes(many(100))), { name: 'TextTooLarge' })
    const all = await shop.jobs.list('import', { limit: 10 })
    deepEqual(
      all.map(({ status }) => status),
      ['failed', 'failed'],
    )
    const left: Uint8Array[] = []
    for await (const piece of shop.jobs.text(all[0]!.job_id)) left.push(piece)
    deepEqual(left, [])
    equal((await shop.log.head()).position, 0)
  })

  test('pages of jobs and of errors follow each other', async () => {
    const shop = await openShop()
    for (let i = 0; i < 3; i++) await bring(shop, 'products', many(1))
    const [newest, ...older] = await shop.jobs.list('import', { limit: 10 })
    const next = await shop.jobs.list('import', { limit: 10, before: newest!.job_id })
    deepEqual(next, older)
    deepEqual(await shop.jobs.list('export', { limit: 10 }), [])
    equal(await shop.jobs.get('export', newest!.job_id), null)
  })
})

test('what is away for a while is known from what is wrong with a row', () => {
  equal(isAway(Object.assign(new Error('x'), { name: 'Unavailable' })), true)
  equal(isAway(new Error('x')), false)
})
