// The real program in a process of its own, under thousands of made-up requests: it lives, says
// nothing, and its memory does not grow from one round to the next. SEED=… repeats a run; FUZZ=8
// makes its rounds eight times as long.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, canBeSent, memoryOf } from '#testing/fuzz-client.ts'
import type { HeapTold } from '#testing/heap-told.ts'
import { type Operation, operationsOf, samplesOf } from '#testing/openapi-samples.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { call } from './door-fixture.ts'

const SEED = seedOfRun()
const ROUND_REQUESTS = 1_000 * Number(process.env.FUZZ ?? 1)
/** Before the first measure: code is compiled, caches take their size. */
const WARM_UP_ROUNDS = 2
const ROUNDS = 3
/** A leak of one small object per request is more than this; what caches still take is less. */
const GROWTH_BYTES_PER_REQUEST_MAX = 1_000
const AT_ONCE = 8
/** They read the whole log, and so take longer each round. */
const COSTLY = /^(RebuildProjection|ReplayEvents|Verify)$/

const MAIN = join(import.meta.dirname, '..', '..', 'app', 'main.ts')
const HEAP_TOLD = join(import.meta.dirname, '..', '..', 'testing', 'heap-told.ts')

let folder: string
let child: ChildProcess
let said = ''
let complained = ''
const ports = { public: 0, query: 0, admin: 0 }

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-fuzz-'))
  const flags = ['--data', join(folder, 'shop.db'), '--set', 'consistency.wait_ms=30']
  const any = ['--port', '0', '--query-port', '0', '--admin-port', '0']
  child = spawn(
    process.execPath,
    ['--expose-gc', '--import', HEAP_TOLD, MAIN, 'start', ...flags, ...any],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  )
  child.stdout!.on('data', (text) => (said += text))
  child.stderr!.on('data', (text) => (complained += text))
  while (!/ready: /.test(said) && child.exitCode === null) await sleep(10)
  const found = /ready: \S+:(\d+) .*queries \S+:(\d+) .*admin \S+:(\d+)/.exec(said)
  ok(found !== null, `it did not start: ${said}${complained}`)
  Object.assign(ports, { public: found[1], query: found[2], admin: found[3] })
})
after(async () => {
  const ended = child.exitCode === null ? once(child, 'exit') : null
  child.kill('SIGKILL')
  await ended
  rmSync(folder, { recursive: true })
})

async function heap(): Promise<HeapTold> {
  // What is under way on the other side of the last answer comes to its end.
  await sleep(200)
  child.send('heap')
  const [told] = await once(child, 'message')
  return told as HeapTold
}

test(`a long run of made-up requests leaves no trace in memory (SEED=${SEED})`, async (t) => {
  const random = seeded(SEED)
  const memory = memoryOf(random)
  const makers = samplesOf(random, memory, {
    seldom: ['expected_version', 'command_id', 'min_position'],
  })
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const targets: { port: number; operation: Operation }[] = []
  for (const port of Object.values(ports)) {
    const { json } = await call(port, 'GET', '/openapi.json')
    for (const operation of operationsOf(json))
      if (!COSTLY.test(operation.operationId)) targets.push({ port, operation })
  }
  const { json } = await call(ports.public, 'POST', '/api/v1/products', {
    body: { name: 'Cup', sell_price: 5, currency: 'USD' },
  })
  memory.add('product_id', json.product_id)

  const statuses = new Map<number, number>()
  const failures: string[] = []
  const one = async () => {
    const { port, operation } = random.pick(targets)
    const kind = random.pick(['valid', 'nearly', 'hostile'] as const)
    const sample = makers[kind](operation)
    if (!canBeSent(sample)) return
    const answer = await ask(port, sample, agent)
    const status = answer?.status ?? 0
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (answer === null) return
    memory.learn(sample.path, answer)
    if (status >= 500 && status !== 503)
      failures.push(`${sample.method} ${sample.path.slice(0, 200)}: ${answer.text}`)
  }
  const round = async () => {
    let left = ROUND_REQUESTS
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while (left-- > 0) await one()
      }),
    )
  }
  const told = (name: string, { heapBytes, rssBytes, delayP99Ms, delayMaxMs }: HeapTold) => {
    const delays = `loop held up p99 ${delayP99Ms.toFixed(0)} ms, max ${delayMaxMs.toFixed(0)} ms`
    t.diagnostic(`${name}: heap ${mebi(heapBytes)}, resident ${mebi(rssBytes)}, ${delays}`)
  }
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await round()
  let last = await heap()
  told('warm', last)
  const growths: number[] = []
  for (let i = 1; i <= ROUNDS; i++) {
    const before = last.heapBytes + last.externalBytes
    await round()
    last = await heap()
    growths.push(last.heapBytes + last.externalBytes - before)
    told(`after ${i * ROUND_REQUESTS} more`, last)
  }
  agent.destroy()
  const counted = [...statuses].sort(([a], [b]) => a - b)
  t.diagnostic(counted.map(([status, times]) => `${status}×${times}`).join(' '))

  deepEqual(failures, [])
  equal(child.exitCode, null, complained)
  deepEqual(
    complained.split('\n').filter((line) => /internal_error|unhandled/i.test(line)),
    [],
  )
  ok((statuses.get(200) ?? 0) > ROUND_REQUESTS / 2, 'the shop was really used')
  // A leak shows in every round; what was under way at one measure, or a cache that grew, does not.
  const each = growths.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]! / ROUND_REQUESTS
  t.diagnostic(`${each.toFixed(0)} bytes more for each request`)
  ok(each < GROWTH_BYTES_PER_REQUEST_MAX, `${each} bytes more for each request`)
  const { status } = await call(ports.public, 'GET', '/health')
  equal(status, 200)
  const verified = await call(ports.admin, 'POST', '/api/v1/admin/verify')
  equal(verified.json.differences, 0, verified.text)
})

const mebi = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
