// A whole shop in one process for tests: real gateway, log, projections, sagas and simulators, and
// a clock that the test moves, so that nothing has to be waited for.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from '#kernel/projection.ts'
import type { WaitingTools } from '#kernel/waiting.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { commandGateway } from '#runtime/gateway.ts'
import { numbersFrom } from '#runtime/number-series.ts'
import { personalData } from '#runtime/personal.ts'
import { queryGateway } from '#runtime/query-gateway.ts'
import { projectionRunner } from '#runtime/run-projections.ts'
import { derivedId } from '#runtime/run-waiting.ts'
import { type EngineName, engines } from '#storage/engines.ts'
import { contextsOf, typesOf } from './contexts.ts'

const ROUNDS_MAX = 200
/** What is tried again is due within this; reservations that end later are left alone. */
const NEAR_MS = 60_000

export type ModelShop = Awaited<ReturnType<typeof openShop>>

/** `url`: the database of an engine on a server. */
export async function openShop(engine: EngineName, settings: Record<string, unknown>, url = '') {
  const clock = movedClock()
  const shop = await openParts(engine, settings, clock.now, url)
  const { send, log, provider, trouble, runner, ask } = shop
  await runner.catchUp()
  return {
    send,
    log,
    provider,
    /** What the loops had to complain about. */
    trouble,
    now: clock.now,
    advance: clock.advance,
    settle: settling(shop, clock),
    /** What the shop is made of, for those who look behind its doors. */
    parts: shop,
    async get(type: string, input: object): Promise<Row | null> {
      await runner.catchUp()
      const answer = await ask(type, input)
      if (!answer.ok) throw new Error(JSON.stringify(answer.rejection))
      return answer.result as Row | null
    },
    [Symbol.asyncDispose]: shop.close,
  }
}

/** Stands still unless it is moved: a run does not depend on how fast the machine is. */
function movedClock() {
  let ms = Date.now()
  return {
    now: () => new Date(ms).toISOString(),
    advance: (by: number) => {
      ms += by
    },
  }
}
type Clock = ReturnType<typeof movedClock>
type Parts = Awaited<ReturnType<typeof openParts>>

async function openParts(
  engine: EngineName,
  settings: Record<string, unknown>,
  now: () => string,
  url: string,
) {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-shop-'))
  const at = (name: string) => ({ path: join(folder, name), url })
  const stored = await engines[engine]()
  const log = await stored.openEventLog(at('log.db'))
  const keys = await stored.openKeyRing(at('keys.db'))
  const reads = await stored.openReadModels(at('views.db'))
  const provider = openPaymentProvider()
  const contexts = contextsOf({ provider, carrier: openCarrier() }, { timeoutMs: 2_000 })
  const types = typesOf(contexts)
  const personal = personalData(types, keys)
  const projections = contexts.flatMap((context) => context.projections)
  const numbers = numbersFrom(log)
  const commands = contexts.flatMap((context) => context.commands)
  const deciding = { log, commands, types, numbers, now, settings, reads }
  const { send } = commandGateway({ ...deciding, personal })
  const trouble: string[] = []
  const folding = { log, reads, projections, types, open: personal.open }
  const onError = (error: unknown, where: unknown) => trouble.push(`${where}: ${String(error)}`)
  const runner = projectionRunner({ ...folding, onError })
  const queries = contexts.flatMap((context) => context.queries)
  const { ask } = queryGateway({ ...folding, queries })
  const waitings = contexts.flatMap((context) => context.waiting ?? [])
  const close = async () => {
    await runner.stop()
    await reads.close()
    await log.close()
    await keys.close()
    await rm(folder, { recursive: true })
  }
  return {
    folder,
    log,
    reads,
    keys,
    types,
    projections,
    personal,
    provider,
    send,
    /** The same commands as after a start: nothing is remembered. */
    restarted: () => commandGateway({ ...deciding, personal: personalData(types, keys) }),
    ask,
    runner,
    waitings,
    trouble,
    close,
  }
}

/**
 * Acts until nothing is due, moving the clock to what is tried again soon. `between` is called
 * before whatever a saga or a wait sends: there a test may come between.
 */
function settling({ log, reads, personal, send, runner, waitings, trouble }: Parts, clock: Clock) {
  const { now, advance } = clock
  const toolsWith = (between: () => Promise<void>): WaitingTools => ({
    now,
    derivedId,
    forget: personal.forget,
    events: async (streams, limit) => {
      const found = await Promise.all(streams.map((one) => log.readStream(one, 0, limit)))
      return await personal.open(found.flat())
    },
    send: async (type, input, meta = {}) => {
      await between()
      return await send(type, input, { source: 'saga', ...meta })
    },
  })
  const act = async (tools: WaitingTools): Promise<number> => {
    await runner.catchUp()
    let acted = 0
    for (const { projection, due, act } of waitings) {
      const where = { [due]: { lte: now() } }
      const { items } = await reads.find(projection.table, { where, limit: 1_000 })
      for (const row of items) await act(row, tools).catch((error) => trouble.push(String(error)))
      acted += items.length
    }
    return acted
  }
  const nextDue = async (): Promise<number> => {
    const found = await Promise.all(
      waitings.map(async ({ projection, due }) => {
        const query = { where: { [due]: { gt: now() } }, sort: [{ column: due }], limit: 1 }
        const [row] = (await reads.find(projection.table, query)).items
        return row === undefined ? Number.POSITIVE_INFINITY : Date.parse(String(row[due]))
      }),
    )
    return Math.min(...found)
  }
  return async (between: () => Promise<void>) => {
    const tools = toolsWith(between)
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if ((await act(tools)) > 0) continue
      const waitMs = (await nextDue()) - Date.parse(now())
      if (waitMs > NEAR_MS) return
      advance(waitMs)
    }
    throw new Error(`not settled after ${ROUNDS_MAX} rounds`)
  }
}
