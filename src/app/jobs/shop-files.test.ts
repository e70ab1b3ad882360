// The program itself with files: from the command line, over its admin port, killed in the middle,
// and with a file that is larger than its memory.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inherited } from '#testing/inherited.ts'

const MAIN = join(import.meta.dirname, '..', 'main.ts')

describe('the program with files', () => {
  let folder: string
  const children = new Set<ChildProcess>()
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-files-'))
  })
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL')
    children.clear()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (args: readonly string[]) => {
    const all = [MAIN, ...args, '--data', join(folder, 'shop.db')]
    const child = spawn(process.execPath, all, { cwd: folder, env: inherited() })
    children.add(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', (chunk) => (said.out += chunk))
    child.stderr.on('data', (chunk) => (said.err += chunk))
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
    return { child, said, ended }
  }
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return name
  }
  const start = async () => {
    const ports = ['--port', '0', '--query-port', '0', '--admin-port', '0']
    const running = run(['start', ...ports, '--set', 'consistency.wait_ms=60000'])
    while (!/ready: /.test(running.said.out) && running.child.exitCode === null) await sleep(10)
    const [, api = '', admin = ''] = /ready: (\S+) .*admin (\S+)/.exec(running.said.out) ?? []
    ok(api !== '', `it did not start: ${running.said.err}`)
    return { ...running, api, admin: `${admin}/api/v1/admin` }
  }
  // Answers are read member by member.
  const json = async (answer: Promise<Response>) =>
    (await (await answer).json()) as Record<string, never>

  test('names a file that is not there, or is none', async () => {
    const missing = await run(['import', 'products', 'nosuch.csv']).ended
    deepEqual([missing.code, missing.err], [1, 'daybook: there is no file nosuch.csv\n'])
    const aFolder = await run(['import', 'products', '.', '--format', 'csv']).ended
    deepEqual([aFolder.code, /is a folder; a file is wanted/.test(aFolder.err)], [1, true])
  })

  test('brings them in and takes them out from the command line', async () => {
    const file = put('goods.csv', 'code;name;sell_price\nA;Cup;1.50\nB;Mug;1,50\n')
    const first = await run(['import', 'products', file]).ended
    equal(first.out, '2 rows: 1 created, 0 updated, 1 refused.\n')
    match(first.err, /^line 3: sell_price has a comma/)
    equal(first.code, 1)
    const tried = await run(['import', 'products', file, '--dry-run']).ended
    equal(
      tried.out,
      '2 rows: 0 would be created, 1 would be updated, 1 refused. Nothing was written.\n',
    )
    const taken = await run(['export', 'products', 'out.ndjson']).ended
    equal(taken.out, '1 rows written to out.ndjson.\n')
    const { code, sell_price } = JSON.parse(readFileSync(join(folder, 'out.ndjson'), 'utf8'))
    deepEqual([code, sell_price], ['A', 1.5])
  })

  test('killed in the middle of an import, adds each row once', async () => {
    const ROWS = 2_000
    const codes = Array.from({ length: ROWS }, (_, i) => `P${i}`)
    let { child, admin, api, ended } = await start()
    const upload = (query: string, text: string) =>
      json(
        fetch(`${admin}/imports?${query}`, {
          ...{ method: 'POST', headers: { 'content-type': 'text/csv' }, body: text },
        }),
      )
    const jobOf = ({ job_id }: Record<string, never>) => json(fetch(`${admin}/imports/${job_id}`))
    const until = async (job: Record<string, never>, rows: number) => {
      while (Number((await jobOf(job)).rows) < rows) await sleep(2)
      return await jobOf(job)
    }
    const goods = codes.map((code) => `${code},Cup,1\n`).join('')
    await until(await upload('kind=products', `code,name,sell_price\n${goods}`), ROWS)

    const stock = codes.map((code) => `${code},1\n`).join('')
    const job = await upload('kind=stock&mode=add', `code,quantity\n${stock}`)
    await until(job, ROWS / 4)
    child.kill('SIGKILL')
    await ended
    ;({ child, admin, api, ended } = await start())
    const { updated, failed } = await until(job, ROWS)
    deepEqual([updated, failed], [ROWS, 0])
    // Each has one piece and no more; a query sees that behind a command that came later.
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ name: 'Last' })
    const { position } = await json(
      fetch(`${api}/api/v1/departments`, { method: 'POST', headers, body }),
    )
    const page = await json(fetch(`${api}/api/v1/products?limit=1000&min_position=${position}`))
    const items: Record<string, unknown>[] = page.items ?? []
    equal(items.length, 1_000)
    deepEqual([...new Set(items.map(({ quantity_in_stock }) => quantity_in_stock))], [1])
    child.kill('SIGTERM')
    equal((await ended).code, 0)
  })

  test('reads a file that is larger than its memory', async () => {
    const script = join(import.meta.dirname, 'large-file-fixture.ts')
    const child = spawn(process.execPath, ['--max-old-space-size=24', script], { env: inherited() })
    children.add(child)
    let said = ''
    for (const out of [child.stdout, child.stderr]) out.on('data', (chunk) => (said += chunk))
    const [code] = await once(child, 'close')
    equal(said, '25000 rows of 30 MB\n')
    equal(code, 0)
  })
})
