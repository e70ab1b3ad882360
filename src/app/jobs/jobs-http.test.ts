// Files over real sockets: how they are sent and fetched, and what is said of what cannot be taken.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import { type Doors, httpDoors } from '#edges/http/doors.ts'

let app: App
let doors: Doors
let base = ''
const lines: string[] = []

before(async () => {
  const sets = ['event_store.driver', 'read_store.driver'].map((key) => `${key}=memory`)
  const argv = [...sets, 'jobs.upload_max_bytes=200000'].flatMap((set) => ['--set', set])
  const read = readConfig({ argv, env: {}, file: null })
  ok(read.ok)
  app = await compose(read.config)
  doors = httpDoors({
    ...{ commands: [], queries: [], send: app.send, ask: app.ask, operations: app.operations },
    ...{ version: '1.2.3', log: (line) => void lines.push(line) },
  })
  const { port } = await doors.admin.listen('127.0.0.1', 0)
  base = `http://127.0.0.1:${port}`
})
after(async () => {
  await Promise.all(Object.values(doors).map((door) => door.close()))
  await app.close()
  deepEqual(lines, [], 'requests failed on our side')
})

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
type Answered = { readonly status: number; readonly body: any; readonly headers: Headers }

async function ask(path: string, init: RequestInit = {}): Promise<Answered> {
  const answer = await fetch(`${base}/api/v1/admin/${path}`, init)
  const text = await answer.text()
  const isJson = /json$/.test(answer.headers.get('content-type') ?? '')
  return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers }
}
const send = (query: string, body: string, headers: Record<string, string> = {}) =>
  ask(`imports?${query}`, {
    ...{ method: 'POST', body, headers: { 'content-type': 'text/csv', ...headers } },
  })
const post = (path: string, body: object = {}) =>
  ask(path, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify(body),
  })
async function ended(path: string): Promise<Answered> {
  for (;;) {
    const answer = await ask(path)
    if (answer.body.ended_at !== null) return answer
    await sleep(5)
  }
}
const GOODS = 'code,name,sell_price\nA,Cup,1\nB,Mug,\nC,,2\n'

describe('a file over the admin port', () => {
  test('is taken, carried out, and told of row by row', async () => {
    const begun = await send('kind=products&user_id=ann', GOODS)
    equal(begun.status, 202)
    deepEqual(
      [begun.body.status, begun.body.format, begun.body.started_by],
      ['waiting', 'csv', 'ann'],
    )
    const { body } = await ended(`imports/${begun.body.job_id}`)
    deepEqual([body.status, body.rows, body.created, body.failed], ['done', 3, 1, 2])
    const path = `imports/${begun.body.job_id}/errors`
    const first = await ask(`${path}?limit=1`)
    deepEqual(first.body.items[0].line, 3)
    const { after_line, after_field } = first.body.next
    const rest = await ask(`${path}?after_line=${after_line}&after_field=${after_field}`)
    deepEqual(rest.body.items, [
      { line: 4, field: 'name', reason: 'is required, unless there is a description' },
    ])
    equal(rest.body.next, null)
    deepEqual((await ask(`${path}?after_line=4`)).body.items, [])
  })

  test('may be JSON lines, with a character set told, and tried only', async () => {
    const headers = { 'content-type': 'application/x-ndjson; charset=utf-8' }
    const begun = await send(
      'kind=products&dry_run=true',
      '{"code":"Z","name":"é","sell_price":1}',
      headers,
    )
    deepEqual([begun.status, begun.body.format, begun.body.dry_run], [202, 'ndjson', true])
    const { body } = await ended(`imports/${begun.body.job_id}`)
    deepEqual([body.created, body.failed], [1, 0])
  })

  test('is refused with the field that is wrong, and nothing is begun', async () => {
    const before = (await ask('imports?limit=1000')).body.items.length
    const wrong: readonly (readonly [string, string])[] = [
      ['', 'kind'],
      ['kind=cars', 'kind'],
      ['kind=products&mode=add', 'mode'],
      ['kind=stock&mode=more', 'mode'],
      ['kind=products&dry_run=perhaps', 'dry_run'],
      ['kind=products&color=red', 'color'],
    ]
    for (const [query, field] of wrong) {
      const { status, body } = await send(query, GOODS)
      equal(status, 400, query)
      ok(field in body.errors, `${query}: ${JSON.stringify(body.errors)}`)
    }
    equal((await send('kind=stock&kind=stock', GOODS)).status, 400)
    equal((await send('kind=products', GOODS, { 'idempotency-key': 'é' })).status, 400)
    for (const headers of [
      { 'content-type': 'application/json' },
      { 'content-type': 'text/csv', 'content-encoding': 'gzip' },
    ])
      equal((await send('kind=products', GOODS, headers)).status, 415)
    equal((await ask('imports?limit=1000')).body.items.length, before)
  })

  test('that is no such file, or too large, is refused with the reason', async () => {
    const { status, body } = await send('kind=products', 'code,name,sell_prize\n')
    equal(status, 400)
    match(body.errors['(body)'], /"sell_prize" is not a column; did you mean sell_price\?/)
    const large = await send('kind=products', `code\n${'x\n'.repeat(150_000)}`)
    equal(large.status, 413)
    match(large.body.detail, /larger than 200000 bytes/)
    equal((await send('kind=products', '')).status, 400)
    const none = await ask('imports?kind=products', { method: 'POST' })
    equal(none.status, 415)
  })

  test('that breaks off is never carried out', async () => {
    const headers = { 'content-type': 'text/csv', 'transfer-encoding': 'chunked' }
    const path = '/api/v1/admin/imports?kind=products'
    const broken = request(`${base}${path}`, { method: 'POST', headers })
    broken.on('error', () => {})
    broken.write('code,name,sell_price\nHALF,Cup,1\nHA')
    while ((await ask('imports?limit=1')).body.items[0].status !== 'receiving') await sleep(5)
    const [job] = (await ask('imports?limit=1')).body.items
    broken.destroy()
    await sleep(50)
    equal((await ask(`imports/${job.job_id}`)).body.status, 'receiving')
    equal((await post(`imports/${job.job_id}/resume`)).status, 409)
  })

  test('sent twice with one key is one job', async () => {
    const headers = { 'idempotency-key': 'monday' }
    const first = await send('kind=products', GOODS, headers)
    await ended(`imports/${first.body.job_id}`)
    const second = await send('kind=products', GOODS, headers)
    deepEqual([second.body.job_id, second.body.status], [first.body.job_id, 'done'])
    const other = await send('kind=products', `${GOODS}D,Pot,1\n`, headers)
    deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused'])
  })
})

describe('an export over the admin port', () => {
  test('is written, and fetched as the file that it is', async () => {
    await ended(`imports/${(await send('kind=products', GOODS)).body.job_id}`)
    await app.projected((await app.log.head()).position)
    const begun = await post('exports', { kind: 'products' })
    equal(begun.status, 202)
    await ended(`exports/${begun.body.job_id}`)
    const file = await ask(`exports/${begun.body.job_id}/file`)
    equal(file.status, 200)
    equal(file.headers.get('content-type'), 'text/csv; charset=utf-8')
    match(file.headers.get('content-disposition') ?? '', /filename="products\.csv"/)
    const [head, first] = String(file.body).split('\n')
    match(head ?? '', /^code,name,/)
    match(first ?? '', /^A,Cup,Cup,1\.00,/)
    equal((await ask(`imports/${begun.body.job_id}`)).status, 404)
    equal((await ask(`exports?limit=1`)).body.next_before, begun.body.job_id)
  })
  test('that is not there, or not done, has no file', async () => {
    equal((await ask('exports/none/file')).status, 404)
    const { status, body } = await post('exports', { kind: 'products', format: 'xls' })
    deepEqual([status, Object.keys(body.errors)], [400, ['format']])
    equal((await post(`exports/none/stop`)).status, 404)
  })
})

test('the API’s description tells of the file and of its fields', async () => {
  const { paths } = (await (await fetch(`${base}/openapi.json`)).json()) as {
    // As OpenAPI has it.
    paths: Record<string, Record<string, { parameters: { name: string }[]; requestBody?: object }>>
  }
  const { parameters, requestBody } = paths['/api/v1/admin/imports']!.post!
  deepEqual(parameters.map(({ name }) => name).sort(), ['dry_run', 'kind', 'mode', 'user_id'])
  ok(JSON.stringify(requestBody).includes('text/csv'))
  ok(JSON.stringify(paths['/api/v1/admin/exports/{job_id}/file']).includes('application/x-ndjson'))
})
