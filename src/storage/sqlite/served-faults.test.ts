// The real program over HTTP while a disk fails under one of its files: what callers are told, what
// the operator is told, and that every command has one effect in the end.
import { equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { absent } from '#testing/absent.ts'
import { straceCommand, straceMissing } from '#testing/strace.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'app', 'main.ts')
const PORTS = ['--port', '0', '--query-port', '0', '--admin-port', '0']
const CUSTOMER = '0190a6ae-0000-7000-8000-000000000001'
/** To start, to fail, to come back: on a busy machine too. */
const PATIENCE = { timeout: 600_000 }

if (straceMissing !== null) absent('strace', straceMissing, 'a program whose disk fails')
else describe('the program, its disk failing', PATIENCE, tests)

type Answer = { readonly status: number; readonly retryAfter: string | null; readonly body: never }

function tests(): void {
  let folder: string
  const children = new Set<ChildProcess>()
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-served-'))
  })
  afterEach(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      // Or it makes a file in the folder while that is removed.
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    children.clear()
    rmSync(folder, { recursive: true })
  })

  /** `fault`: on this file's write-ahead log, as strace takes it. */
  const start = async (file?: string, fault?: string) => {
    const program = [process.execPath, MAIN, 'start', '--data', join(folder, 'shop.db'), ...PORTS]
    const [command, ...args] =
      fault === undefined
        ? program
        : straceCommand(
            {
              trace: fault.split(':')[0]!,
              inject: [fault],
              only: join(folder, `${file}-wal`),
              beside: true,
            },
            program,
          )
    const child = spawn(command!, args, { cwd: folder })
    children.add(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (said.out += chunk))
    child.stderr.on('data', (chunk) => (said.err += chunk))
    const ended = once(child, 'close').then(([code]) => code as number | null)
    while (!/ready: /.test(said.out) && child.exitCode === null) await sleep(10)
    const [, api = '', admin = ''] = /ready: (\S+) .*admin (\S+)/.exec(said.out) ?? []
    ok(api !== '', `it did not start: ${said.err}`)
    return { child, said, ended, api, admin }
  }
  const post = async (url: string, body: object, key = ''): Promise<Answer> => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === '' ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    })
    const retryAfter = answer.headers.get('retry-after')
    // Read member by member below.
    return { status: answer.status, retryAfter, body: (await answer.json()) as never }
  }
  const product = (api: string, n: number) =>
    post(`${api}/api/v1/products`, { code: `CUP-${n}`, name: 'Cup', sell_price: 5 }, `cup-${n}`)
  const products = async (api: string): Promise<number> => {
    const answer = await fetch(`${api}/api/v1/products?limit=1`)
    equal(answer.status, 200, 'reading did not go on')
    return ((await answer.json()) as { total: number }).total
  }
  /** Products one by one, until one fails. */
  const untilItFails = async (api: string) => {
    for (let n = 1; n < 400; n++) {
      const answer = await product(api, n)
      if (answer.status !== 201) return { n, answer }
    }
    throw new Error('no fault happened')
  }
  const code = ({ body }: Answer) => (body as { code: string }).code
  /** Every product asked for is there once, and all adds up. */
  const sound = async ({ api, admin }: { api: string; admin: string }, count: number) => {
    let seen = 0
    for (let tries = 0; tries < 4_000 && seen !== count; tries++) {
      seen = await products(api)
      await sleep(25)
    }
    equal(seen, count)
    const { status, body } = await post(`${admin}/api/v1/admin/verify`, {})
    equal(status, 200)
    equal((body as { differences: number }).differences, 0, JSON.stringify(body))
  }

  it('a full disk: 503 storage_full, reading goes on, writing too when there is room', async () => {
    const server = await start('shop.db', 'pwrite64:error=ENOSPC:when=60..66')
    const { n, answer } = await untilItFails(server.api)
    equal(answer.status, 503)
    equal(code(answer), 'storage_full')
    ok(Number(answer.retryAfter) > 0)
    await products(server.api)
    let again = answer
    for (let tries = 0; tries < 20 && again.status !== 201; tries++) {
      equal(code(again), 'storage_full')
      again = await product(server.api, n)
    }
    equal(again.status, 201, 'room came back, and it did not go on')
    equal((await product(server.api, n + 1)).status, 201)
    await sound(server, n + 1)
    match(server.said.err, /"code":"storage_full".*no room to write .*shop\.db/)
    server.child.kill('SIGTERM')
    equal(await server.ended, 0)
  })

  for (const times of ['once', 'from then on'])
    it(`a disk that fails ${times}: 503 outcome_unknown, it leaves, a fresh start settles it`, async () => {
      const when = times === 'once' ? '40' : '40+'
      const first = await start('shop.db', `fsync:error=EIO:when=${when}`)
      const { n, answer } = await untilItFails(first.api)
      equal(answer.status, 503)
      equal(code(answer), 'outcome_unknown')
      ok(Number(answer.retryAfter) > 0)
      equal(await first.ended, 1)
      match(first.said.err, /the disk failed at commit to .*shop\.db .*Stopping: it takes a fresh/)
      const second = await start()
      equal((await product(second.api, n)).status, 201)
      await sound(second, n)
    })

  it('no room for the read models: commands are taken, rows follow when there is room', async () => {
    // The tables are there by then.
    const server = await start('shop-views.db', 'pwrite64:error=ENOSPC:when=700..702')
    let n = 0
    while (!/no room|full/.test(server.said.err) && n < 2_000)
      equal((await product(server.api, ++n)).status, 201)
    match(server.said.err, /no room to write .*shop-views\.db .*rows follow/)
    await sound(server, n)
  })

  it('no room for the keys of persons: the order is refused whole, then taken', async () => {
    // The key that commands are known again by is there by then.
    const server = await start('shop-keys.db', 'pwrite64:error=ENOSPC:when=11..13')
    const made = await product(server.api, 1)
    const { id: product_id } = made.body as { id: string }
    await post(`${server.api}/api/v1/inventory/stock`, { product_id, quantity: 90 })
    const order = (key: string) =>
      post(
        `${server.api}/api/v1/orders`,
        {
          customer_id: CUSTOMER,
          items: [{ product_id, quantity: 1 }],
          shipping_address: { name: 'Ada Lovelace', street: '12 St James', country: 'GB' },
        },
        key,
      )
    const answers: Answer[] = []
    for (let i = 0; i < 30 && answers.at(-1)?.status !== 201; i++) answers.push(await order('one'))
    const refused = answers.slice(0, -1)
    ok(refused.length > 0, 'no fault happened')
    for (const answer of refused) {
      equal(answer.status, 503)
      equal(code(answer), 'storage_full')
    }
    equal(answers.at(-1)?.status, 201)
  })
}
