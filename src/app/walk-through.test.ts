// The README's walk through an order, as it is printed, against the program as it is started.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { blocksOf } from '#testing/prose.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MAIN = join(ROOT, 'src', 'app', 'main.ts')
const readme = blocksOf(readFileSync(join(ROOT, 'README.md'), 'utf8'))
const lines = readme
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.split('\n'))
const calls = lines.filter((line) => line.startsWith('curl ')).map(callOf)
const LOOKS_MAX = 2_400

type Call = {
  readonly path: string
  readonly body: string | null
  readonly headers: Record<string, string>
}

/** What curl would do; of curl the README uses `--json`, `-H` and an address, nothing else. */
function callOf(line: string): Call {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)
  const headers: Record<string, string> = {}
  let body: string | null = null
  let path = ''
  for (let at = 1; at < words.length; at++) {
    const word = words[at]!
    if (word === '--json') {
      body = words[++at]!
      headers['content-type'] = headers.accept = 'application/json'
    } else if (word === '-H') {
      const [name, value] = words[++at]!.split(': ')
      headers[name!] = value!
    } else {
      match(word, /^localhost:8080\//, line)
      path = word.slice('localhost:8080'.length)
    }
  }
  return { path, body, headers }
}

describe('the walk through an order in the README', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-walk-'))
  const data = join(folder, 'shop.db')
  let shop: ChildProcess
  let address = ''

  before(async () => {
    const ports = ['--port', '0', '--query-port', '0', '--admin-port', '0']
    shop = spawn(process.execPath, [MAIN, 'start', '--data', data, ...ports], { cwd: folder })
    const said = { out: '', err: '' }
    shop.stdout!.on('data', (chunk) => (said.out += chunk))
    shop.stderr!.on('data', (chunk) => (said.err += chunk))
    while (address === '' && shop.exitCode === null) {
      await sleep(10)
      address = /ready: (http:\S+)/.exec(said.out)?.[1] ?? ''
    }
    ok(address !== '', `the program did not start: ${said.err}`)
  })
  after(async () => {
    if (shop.exitCode === null) {
      shop.kill('SIGKILL')
      await once(shop, 'exit')
    }
    rmSync(folder, { recursive: true })
  })

  const told = async ({ path, body, headers }: Call) => {
    const answer = await fetch(address + path, {
      method: body === null ? 'GET' : 'POST',
      headers,
      body,
    })
    const said = (await answer.json()) as Record<string, unknown>
    return { status: answer.status, headers: answer.headers, body: said }
  }
  const commands = calls.filter(({ body }) => body !== null)
  const questions = calls.filter(({ body }) => body === null)

  it('does what its comments say', async () => {
    equal(commands.length, 5)
    const answers = []
    for (const call of commands) answers.push(await told(call))
    deepEqual(
      answers.map(({ status }) => status),
      [201, 201, 201, 201, 409],
    )
    const [, , first, again, refused] = answers
    deepEqual(again!.body, first!.body)
    equal(again!.headers.get('idempotent-replayed'), 'true')
    equal(refused!.body.code, 'insufficient_stock')
  })

  it('ends with the order that is shown', async () => {
    const shown = JSON.parse(readme.find(({ language }) => language === 'json')!.code)
    let order: Record<string, unknown> = {}
    for (let look = 0; look < LOOKS_MAX && order.status !== shown.status; look++) {
      if (look > 0) await sleep(50)
      order = (await told(questions[0]!)).body
    }
    for (const [field, value] of Object.entries(shown)) deepEqual(order[field], value, field)
  })

  it('answers every question', async () => {
    for (const question of questions) equal((await told(question)).status, 200, question.path)
  })

  it('knows the order at every version of its own, and says the version for If-Match', async () => {
    let { headers, body } = await told(questions[0]!)
    // Its money is taken once it is confirmed, and that is the last that happens to it.
    for (let look = 0; look < LOOKS_MAX && body.payment_status !== 'captured'; look++) {
      await sleep(50)
      ;({ headers, body } = await told(questions[0]!))
    }
    equal(headers.get('etag'), `"${body.version}"`)
    const { path } = questions[0]!
    const at = async (version: unknown) =>
      told({ path: `${path}?as_of_version=${version}`, body: null, headers: {} })
    const placed = await at(1)
    deepEqual([placed.body.status, placed.headers.get('etag')], ['PENDING', '"1"'])
    equal((await at(body.version)).body.status, body.status)
    equal((await at(Number(body.version) + 1)).status, 404)
    const begun = await told({ path: `${path}/saga?as_of_version=1`, body: null, headers: {} })
    equal(begun.body.status, 'RUNNING')
  })

  it('is verified from the log while it runs, and stops when it is told to', async () => {
    const argv = [MAIN, 'verify', '--data', data]
    const report = execFileSync(process.execPath, argv, { cwd: folder, encoding: 'utf8' })
    match(report, /^\d+ events, 0 differences\.$/m)
    shop.kill('SIGTERM')
    const [code] = await once(shop, 'exit')
    equal(code, 0)
  })
})
