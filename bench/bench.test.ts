// What the bench prints must be what it measured: verdicts, medians, the page, the client. No
// times.
import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { callsEachSecond, workEachSecond } from './closed-loop.ts'
import { httpCaller } from './http-caller.ts'
import { withTable } from './page.ts'
import { type Result, verdictOf } from './question.ts'
import { beyond, inTurns, itself, percentile, shareOf } from './rounds.ts'
import { openScratch } from './scratch.ts'
import { textTable } from './table.ts'

const result = (judged: number, more: Partial<Result> = {}): Result => ({
  name: 'appends',
  measure: 'appends of one',
  ours: { value: 800, unit: '/s' },
  raw: { value: 1_000, unit: '/s' },
  baseline: 'bare rows',
  judged: { value: judged, unit: '%' },
  limits: { better: 'more', at_least: 75, aim: 85 },
  rounds: [],
  ...more,
})

describe('verdicts', () => {
  it('say below, reached or aim reached, the limit itself included', () => {
    const verdicts = [74.9, 75, 84.9, 85].map((judged) => verdictOf(result(judged)))
    deepEqual(verdicts, ['below', 'reached', 'reached', 'aim reached'])
  })

  it('turn round where less is better', () => {
    const limits = { better: 'less', at_least: 5, aim: 3 } as const
    const verdicts = [5.1, 5, 3.1, 3].map((judged) => verdictOf(result(judged, { limits })))
    deepEqual(verdicts, ['below', 'reached', 'reached', 'aim reached'])
  })

  it('ask nothing of a row without limits', () => {
    const { limits: _, ...reference } = result(1)
    equal(verdictOf(reference), 'reference')
  })
})

describe('rounds', () => {
  it('go in turns, the baseline first', async () => {
    const order: string[] = []
    const note = (what: string, value: number) => () => {
      order.push(what)
      return value
    }
    const rounds = await inTurns(note('raw', 10), note('ours', 5))
    deepEqual(order, ['raw', 'ours', 'raw', 'ours', 'raw', 'ours'])
    deepEqual(rounds[0], { raw: 10, ours: 5 })
  })

  it('are judged by the median of each round’s own ratio, not the ratio of medians', () => {
    const rounds = [
      { ours: 50, raw: 100 },
      { ours: 90, raw: 1_000 },
      { ours: 600, raw: 1_200 },
    ]
    const { ours, raw, judged } = shareOf(rounds, '/s')
    deepEqual([ours.value, raw.value, judged.value], [90, 1_000, 50])
    equal(beyond(rounds, 'µs').judged.value, -600)
    equal(itself(rounds, 'ms').judged.value, 90)
  })

  it('take percentiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    deepEqual(
      [0.5, 0.99, 1].map((share) => percentile(values, share)),
      [50, 99, 100],
    )
    equal(percentile([], 0.5), 0)
  })
})

describe('a load', () => {
  it('is made once by each caller, however soon the time is over', async () => {
    const called: number[] = []
    ok((await callsEachSecond(3, 0, async (caller) => called.push(caller))) > 0)
    deepEqual(called, [0, 1, 2])
    ok(workEachSecond(0, () => 1) > 0)
  })
})

describe('the table', () => {
  it('shows each figure with its unit, its baseline and its verdict', () => {
    const [head, , row] = textTable([result(80)]).split('\n')
    match(head!, /^measure +ours +raw +ratio +at least +aim +verdict$/)
    match(row!, /^appends of one +800\/s +1,000\/s \(bare rows\) +80 % +≥ 75 % +≥ 85 % +reached$/)
  })

  it('goes between its marks on the page, again and again, and touches nothing else', () => {
    const page = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n'
    const taken = { day: '2030-01-02', machine: 'a machine', seconds: 3 }
    const once = withTable(page, [result(80)], taken)
    match(once, /^before\n<!-- bench:begin -->/)
    match(once, /<!-- bench:end -->\nafter\n$/)
    match(once, /2030-01-02: a machine/)
    match(once, /\| appends of one \| 800\/s \|/)
    ok(!once.includes('old'))
    equal(withTable(once, [result(80)], taken), once)
  })

  it('refuses a page without a place for it', () => {
    const taken = { day: '', machine: '', seconds: 3 }
    throws(() => withTable('no marks', [], taken), /no place for the table/)
  })
})

describe('the scratch folder', () => {
  it('takes all it was given away again, after undoing what was begun, last first', () => {
    const root = mkdtempSync(join(tmpdir(), 'bench-test-'))
    const scratch = openScratch(join(root, 'data', 'bench-'))
    const [one, two] = [scratch.folder(), scratch.folder()]
    writeFileSync(join(one, 'file'), 'x')
    const undone: string[] = []
    scratch.atEnd(() => undone.push(existsSync(two) ? 'first' : 'too late'))
    scratch.atEnd(() => undone.push('second'))
    scratch.clear()
    deepEqual(undone, ['second', 'first'])
    equal(existsSync(join(root, 'data')), false)
    rmSync(root, { recursive: true })
  })
})

describe('the client', () => {
  const served = async (listener: RequestListener, use: (origin: string) => Promise<void>) => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    try {
      await use(`http://127.0.0.1:${port}`)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  it('gives status and text, also of answers that come in pieces', () =>
    served(
      (request, response) => {
        request.resume().on('end', () => {
          response.writeHead(201, { 'content-length': 9 })
          response.write('{"é"')
          setImmediate(() => response.end(':12}'))
        })
      },
      async (origin) => {
        const caller = httpCaller(origin)
        for (let time = 0; time < 2; time++)
          deepEqual(await caller.call('POST', '/x', '{}'), { status: 201, text: '{"é":12}' })
        caller.close()
      },
    ))

  it('opens another connection when the server has had enough of one', async () => {
    let calls = 0
    const sockets = new Set<unknown>()
    await served(
      (request, response) => {
        sockets.add(request.socket)
        response.writeHead(200, { connection: 'close', 'content-length': 2 }).end('ok')
        calls++
      },
      async (origin) => {
        const caller = httpCaller(origin)
        for (let time = 0; time < 3; time++) equal((await caller.call('GET', '/')).text, 'ok')
        caller.close()
      },
    )
    deepEqual([calls, sockets.size], [3, 3])
  })

  it('says so when the connection ends without an answer', () =>
    served(
      (request) => void request.socket.destroy(),
      async (origin) => {
        await rejects(httpCaller(origin).call('GET', '/'), /closed the connection|ECONNRESET/)
      },
    ))
})
