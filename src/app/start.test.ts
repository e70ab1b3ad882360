// The program as it is started, told to stop, killed, started twice and misconfigured.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEventLogReadOnly } from '#storage/sqlite/event-log.ts'

const MAIN = join(import.meta.dirname, 'main.ts')
const CUSTOMER = '0190a6ae-0000-7000-8000-000000000001'

describe('the program', () => {
  let folder: string
  const children = new Set<ChildProcess>()
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-start-'))
  })
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    rmSync(folder, { recursive: true })
  })

  const run = (args: readonly string[]) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder })
    children.add(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (said.out += chunk))
    child.stderr.on('data', (chunk) => (said.err += chunk))
    const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }))
    return { child, said, ended }
  }
  const ports = ['--port', '0', '--query-port', '0', '--admin-port', '0']
  /** What was sent before is waited for, however slow the machine is. */
  const patient = ['--set', 'consistency.wait_ms=60000']
  const start = async (...more: string[]) => {
    const running = run(['start', '--data', join(folder, 'shop.db'), ...ports, ...patient, ...more])
    while (!/ready: /.test(running.said.out) && running.child.exitCode === null) await sleep(10)
    const [, api = '', queries = '', admin = ''] =
      /ready: (\S+) .*queries (\S+) .*admin (\S+)/.exec(running.said.out) ?? []
    ok(api !== '', `it did not start: ${running.said.err}`)
    return { ...running, api, queries, admin }
  }
  const post = async (url: string, body: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    // Answers are read member by member below.
    return { status: answer.status, body: (await answer.json()) as Record<string, never> }
  }
  const stocked = async (api: string, quantity: number, code = 'CUP'): Promise<string> => {
    const { body } = await post(`${api}/api/v1/products`, {
      code,
      name: 'Cup',
      sell_price: 5,
    })
    await post(`${api}/api/v1/inventory/stock`, { product_id: body.id, quantity })
    return body.id!
  }
  const orderOf = (product_id: string) => ({
    customer_id: CUSTOMER,
    items: [{ product_id, quantity: 1 }],
    shipping_address: { name: 'Ada Lovelace', street: '12 St James', country: 'GB' },
  })

  test('says in one line where it is, and leaves with 0 when told to, having finished', async () => {
    const { child, ended, api } = await start()
    const product = await stocked(api, 500)
    const gone = { status: 0, body: {} as Record<string, never> }
    const accepted = Array.from({ length: 60 }, () =>
      post(`${api}/api/v1/orders`, orderOf(product)).catch(() => gone),
    )
    await accepted[0]
    child.kill('SIGTERM')
    const answers = await Promise.all(accepted)
    const statuses = answers.map(({ status }) => status)
    const { code, out } = await ended
    equal(code, 0)
    equal(out.split('\n').filter((line) => line.includes('ready')).length, 1)
    ok(
      statuses.every((status) => status === 201 || status === 0 || status === 503),
      String(statuses),
    )

    const again = await start()
    const last = Math.max(...answers.map(({ body }) => body.position ?? 0))
    const list = await fetch(`${again.api}/api/v1/orders?limit=1&min_position=${last}`)
    const { total } = (await list.json()) as { total: number }
    const told = statuses.filter((status) => status === 201).length
    ok(told > 0)
    ok(total >= told, `${told} orders were acknowledged, ${total} are there`)
  })

  /** Orders whose saga had not ended when the process died, as its log says. */
  const unfinished = async (): Promise<number> => {
    const log = await openEventLogReadOnly({ path: join(folder, 'shop.db') })
    const types = (await log.readAll(0, 100_000)).map(({ event_type }) => event_type)
    await log.close()
    const count = (type: string) => types.filter((each) => each === type).length
    return count('SagaStarted') - count('SagaCompleted')
  }

  test('killed in mid-order, it takes the order up again where it was', async () => {
    const orders: { body: Record<string, never> }[] = []
    let open = 0
    // A quick machine may have finished them all; a kill that met no open saga proves nothing.
    for (let round = 0; round < 5 && open === 0; round++) {
      const first = await start()
      const product = await stocked(first.api, 50, `CUP-${round}`)
      orders.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, () => post(`${first.api}/api/v1/orders`, orderOf(product))),
        )),
      )
      first.child.kill('SIGKILL')
      await first.ended
      open = await unfinished()
    }
    ok(open > 0, 'no kill met an order under way')

    const second = await start()
    for (const { body } of orders) {
      const url = `${second.api}/api/v1/orders/${body.order_id}`
      let status = ''
      while (status !== 'CONFIRMED') {
        const order = (await (await fetch(url)).json()) as { status: string }
        ok(status !== 'CANCELLED')
        status = order.status
        await sleep(10)
      }
    }
    const verified = await post(`${second.admin}/api/v1/admin/verify`, {})
    equal(verified.status, 200)
    equal(verified.body.differences, 0)
  })

  test('a retry with the same key after a crash gets the first answer', async () => {
    const first = await start()
    const product = await stocked(first.api, 50)
    const key = { 'idempotency-key': 'order-1' }
    const before = await post(`${first.api}/api/v1/orders`, orderOf(product), key)
    first.child.kill('SIGKILL')
    await first.ended
    const second = await start()
    const after = await post(`${second.api}/api/v1/orders`, orderOf(product), key)
    deepEqual(after, before)
  })

  test('read models may be deleted at any time: they are filled again', async () => {
    const first = await start()
    await stocked(first.api, 50)
    first.child.kill('SIGTERM')
    await first.ended
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(folder, `shop-views.db${end}`), { force: true })
    const second = await start()
    const head = await fetch(`${second.api}/api/v1/products?min_position=5`)
    const { items } = (await head.json()) as { items: { quantity_in_stock: number }[] }
    equal(items[0]?.quantity_in_stock, 50)
  })

  test('a start that fails on the way ends, says why and what to do', async () => {
    writeFileSync(
      join(folder, 'shop-views.db'),
      'this is not a database, but long enough for one'.repeat(50),
    )
    const { code, err } = await run(['start', '--data', join(folder, 'shop.db'), ...ports]).ended
    equal(code, 1)
    match(err, /shop-views\.db cannot be opened .* may be deleted/)
  })

  test('a port that is taken ends it as well', async () => {
    const { api } = await start()
    const { port } = new URL(api)
    const other = ['start', '--data', join(folder, 'other.db'), ...ports, '--port', port]
    const { code, err } = await run(other).ended
    equal(code, 1)
    match(err, new RegExp(`server\\.port: 127\\.0\\.0\\.1:${port} is taken: .* set another port`))
    const demo = ['--demo', '--set', 'database.driver=memory', ...ports, '--port', port]
    const filled = await run(['start', ...demo]).ended
    equal(filled.code, 1)
    match(filled.err, /is taken/)
    ok(!/month behind it|demonstration:/.test(filled.err), filled.err)
  })

  test('a second one on the same data is refused, and told who has it', async () => {
    const { child } = await start()
    const { code, err } = await run(['start', '--data', join(folder, 'shop.db'), ...ports]).ended
    equal(code, 1)
    match(err, new RegExp(`process ${child.pid}`))
  })

  test('verify and export run beside it', async () => {
    const { api } = await start()
    await stocked(api, 5)
    equal((await fetch(`${api}/api/v1/products?min_position=5`)).status, 200)
    const data = ['--data', join(folder, 'shop.db')]
    const verified = await run(['verify', ...data]).ended
    equal(verified.code, 0, verified.out + verified.err)
    match(verified.out, / 0 differences/)
    const exported = await run(['export', join(folder, 'log.jsonl'), ...data]).ended
    equal(exported.code, 0, exported.err)
    const copy = ['--data', join(folder, 'copy', 'shop.db')]
    const imported = await run(['import', 'log', join(folder, 'log.jsonl'), ...copy]).ended
    equal(imported.code, 0, imported.err)
    match(imported.out, /events and \d+ command records put back/)
    const again = await run(['export', join(folder, 'log.jsonl'), ...data]).ended
    equal(again.code, 1)
    match(again.err, /log\.jsonl is there already/)
    const early = await run(['verify', ...copy]).ended
    equal(early.code, 1)
    match(early.err, /there is no .*shop-views\.db to compare with; start once/)
  })

  test('all mistakes in the settings are told at once, and nothing is opened', async () => {
    const { code, err } = await run([
      'start',
      '--data',
      join(folder, 'new', 'shop.db'),
      '--port',
      'eighty',
      '--set',
      'payments.capture_on=never',
      '--set',
      'reservation.tll=5m',
    ]).ended
    equal(code, 1)
    for (const name of ['server.port', 'payments.capture_on', 'reservation.ttl'])
      match(err, new RegExp(name))
  })

  test('a part of the work is refused on a file, which one process owns', async () => {
    const part = ['start', '--data', join(folder, 'shop.db'), '--role', 'command,query', ...ports]
    const { code, err } = await run(part).ended
    equal(code, 1)
    match(err, /process\.roles is command, query .* several need PostgreSQL/)
    deepEqual(readdirSync(folder), [])
  })

  test('an address that others can reach is refused without saying so', async () => {
    const open = ['start', '--data', join(folder, 'shop.db'), '--host', '0.0.0.0', ...ports]
    const { code, err } = await run(open).ended
    equal(code, 1)
    match(err, /auth\.unsafe_allow_anonymous/)
  })
})
