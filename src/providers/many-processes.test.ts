// Several processes at one provider, some of them killed: each operation is carried out once, what
// was answered stays answered, and no authorization gives more than it has. SEED=… runs it again.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PaymentAnswer } from '#contexts/payments/provider.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { type BookEngineName, type BookPlace, openBooks } from './books.ts'
import { openPaymentProvider } from './payment-simulator.ts'

const SEED = seedOfRun()

type Call = {
  readonly kind: 'authorize' | 'capture' | 'refund' | 'void'
  readonly operation_id: string
  readonly authorization: string
  readonly amount_minor: number
}
type Asked = { readonly number: number; readonly call: Call }
type Told = { readonly number: number; readonly answer: PaymentAnswer }

/** What one of the processes does: carries out what it is sent. */
async function serve(engine: BookEngineName, place: BookPlace): Promise<void> {
  const books = await openBooks(engine, place)
  const provider = openPaymentProvider({ book: books.payments })
  process.on('message', async ({ number, call }: Asked) => {
    const { kind, operation_id, authorization, amount_minor } = call
    const request = { operation_id, amount_minor, currency: 'USD' }
    const answer =
      kind === 'authorize'
        ? await provider.authorize({
            ...request,
            payment_id: 'p',
            order_id: 'o',
            payment_method: 'upi',
            token: null,
          })
        : await provider[kind]({ ...request, reference: `sim_${authorization}` })
    process.send?.({ number, answer } satisfies Told)
  })
  process.once('disconnect', () => process.exit())
  process.send?.('ready')
}

const running = new Set<ChildProcess>()

/** One such process; `ask` rejects when it is gone before it answered. */
async function startProcess(engine: BookEngineName, place: BookPlace) {
  const child: ChildProcess = fork(import.meta.filename, ['serve', engine, JSON.stringify(place)], {
    // Not those of the test runner: this file is to serve, not to test.
    execArgv: [],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  await once(child, 'message')
  const waiting = new Map<number, PromiseWithResolvers<PaymentAnswer>>()
  child.on('message', ({ number, answer }: Told) => waiting.get(number)?.resolve(answer))
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('killed'))
  })
  let count = 0
  return {
    ask(call: Call): Promise<PaymentAnswer> {
      const number = count++
      const waiter = Promise.withResolvers<PaymentAnswer>()
      waiting.set(number, waiter)
      child.send({ number, call } satisfies Asked, (error) => {
        if (error !== null) waiter.reject(error)
      })
      return waiter.promise
    },
    async kill() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
type Process = Awaited<ReturnType<typeof startProcess>>

function suite(engine: BookEngineName, fresh: () => Promise<Home>): void {
  // Also when a test fails: they would keep this process from ending.
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL')
  })

  it('what one process had authorized another captures and gives back, once each', async () => {
    const { place, remove } = await fresh()
    const start = () => startProcess(engine, place)
    const authorize: Call = {
      kind: 'authorize',
      operation_id: 'p:authorize:1',
      authorization: 'p:authorize:1',
      amount_minor: 1_000,
    }
    const call = (kind: Call['kind'], number: number, amount_minor: number): Call => ({
      ...authorize,
      kind,
      operation_id: `p:${kind}:${number}`,
      amount_minor,
    })
    const [first, second, third] = await Promise.all([start(), start(), start()])
    const authorized = await first.ask(authorize)
    equal(authorized.status, 'succeeded')
    await first.kill()

    deepEqual(await second.ask(authorize), authorized)
    const both = await Promise.all([
      second.ask(call('capture', 2, 600)),
      third.ask(call('capture', 3, 600)),
    ])
    deepEqual(both.map(({ status }) => status).sort(), ['declined', 'succeeded'])
    deepEqual(
      await Promise.all([third.ask(call('capture', 2, 600)), second.ask(call('capture', 3, 600))]),
      both,
    )
    await second.kill()

    equal((await third.ask(call('refund', 4, 600))).status, 'succeeded')
    equal((await third.ask(call('refund', 5, 1))).status, 'declined')
    await third.kill()
    await isStraight(engine, place, new Map())
    await remove()
  })

  it(`killed at any moment, they keep the books straight (SEED=${SEED})`, async (t) => {
    const { place, remove } = await fresh()
    const random = seeded(SEED)
    const processes = await Promise.all([0, 1, 2].map(() => startProcess(engine, place)))
    const told = new Map<string, PaymentAnswer>()
    let killed = 0
    let repeated = 0
    let killing = false
    const killOne = async () => {
      if (killing) return
      killing = true
      killed++
      const victim = random.int(0, 2)
      await processes[victim]!.kill()
      processes[victim] = await startProcess(engine, place)
      killing = false
    }
    /** Until somebody answers, as the shop does: under the same id. */
    const insist = async (call: Call): Promise<void> => {
      for (;;) {
        const answer = await random
          .pick<Process>(processes)
          .ask(call)
          .catch(() => null)
        if (answer?.status === 'succeeded' || answer?.status === 'declined') {
          told.set(call.operation_id, answer)
          // Each time at another call, with the others' calls under way.
          if (told.size % 40 === 0) await killOne()
          return
        }
        repeated++
        await sleep(5)
      }
    }
    const storms = Array.from({ length: 12 }, async (_, payment) => {
      const authorization = `${payment}:authorize:1`
      const about = { authorization, operation_id: authorization }
      await insist({ ...about, kind: 'authorize', amount_minor: 100 })
      for (let turn = 0; turn < 6; turn++)
        await Promise.all(
          Array.from({ length: 4 }, async (_, i) => {
            const kind = random.pick(['capture', 'capture', 'refund', 'void'] as const)
            const operation_id = `${payment}:${kind}:${turn}.${i}`
            const amount_minor = random.int(1, 60)
            const call = { ...about, kind, operation_id, amount_minor }
            // Two processes may hold the same call, one of them believed dead.
            await Promise.all(random.chance(0.3) ? [insist(call), insist(call)] : [insist(call)])
          }),
        )
    })
    await Promise.all(storms)
    await Promise.all(processes.map((one) => one.kill()))
    await isStraight(engine, place, told)
    ok(killed > 0 && repeated > 0, 'nobody was killed at work')
    t.diagnostic(`${told.size} operations, ${killed} processes killed, ${repeated} calls repeated`)
    await remove()
  })
}

/** Each operation once, as it was answered; and no authorization beyond its amount. */
async function isStraight(
  engine: BookEngineName,
  place: BookPlace,
  told: ReadonlyMap<string, PaymentAnswer>,
): Promise<void> {
  const books = await openBooks(engine, place)
  const provider = openPaymentProvider({ book: books.payments })
  const ledger = await provider.ledger()
  equal(new Set(ledger.map(({ operation_id }) => operation_id)).size, ledger.length)
  const recorded = new Map(ledger.map(({ operation_id, answer }) => [operation_id, answer]))
  for (const [operation_id, answer] of told)
    deepEqual(recorded.get(operation_id), answer, operation_id)
  for (const authorization of new Set(ledger.map((entry) => entry.authorization))) {
    const balance = await provider.balance(authorization)
    ok(balance.captured_minor <= balance.authorized_minor, authorization)
    ok(balance.refunded_minor <= balance.captured_minor, authorization)
    ok(!(balance.is_voided && balance.captured_minor > 0), authorization)
  }
  await books.close()
}

type Home = { readonly place: BookPlace; readonly remove: () => Promise<void> }

if (process.argv[2] === 'serve')
  await serve(process.argv[3] as BookEngineName, JSON.parse(process.argv[4]!))
else {
  describe('many processes on one SQLite book', () =>
    suite('sqlite', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'daybook-book-'))
      const place = { path: join(folder, 'simulator.db'), url: '' }
      return { place, remove: async () => rmSync(folder, { recursive: true }) }
    }))
  await onPostgres('many processes on one PostgreSQL book', (fresh) =>
    suite('postgres', async () => {
      const { url, remove } = await fresh()
      return { place: { path: '', url }, remove }
    }),
  )
}
