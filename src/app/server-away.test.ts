// The database server goes away under load, for longer than the leases last: the process lives,
// says how it is, gives its work up, and takes it up again when the server is back.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LEASE_MS } from '#runtime/shares.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { tcpProxy } from '#testing/tcp-proxy.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'

/** Before the ten seconds that a statement is given are over. */
const HEALTH_WITHIN_MS = 9_000

async function opened(url: string, onBroken: () => void, tell: (line: string) => void) {
  const argv = ['--set', `database.postgres.url=${url}`, '--set', 'breaker.open_for=200ms']
  const read = readConfig({ argv, env: {}, file: null })
  ok(read.ok)
  return await compose(read.config, { onBroken, tell })
}

async function until(what: string, holds: () => Promise<boolean>, withinMs = 120_000) {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    ok(performance.now() < end, `${what}: not within ${withinMs} ms`)
    await sleep(20)
  }
}

type Shares = Readonly<Record<string, readonly string[]>>
const health = async (app: App) => {
  const from = performance.now()
  const { status, warnings, components } = await app.operations.health()
  ok(performance.now() - from < HEALTH_WITHIN_MS, 'health answers in time')
  return { status, warnings, shares: components.shares as Shares }
}

await onPostgres('a server that goes away', (fresh) => {
  for (const how of ['cut', 'clog'] as const)
    it(`${how === 'cut' ? 'at once' : 'silently'}: nobody stops, nothing is lost, all goes on`, async () => {
      const database = await fresh()
      const way = await tcpProxy(database.url)
      let broken = 0
      const lines: string[] = []
      const app = await opened(
        way.url,
        () => broken++,
        (line) => void lines.push(line),
      )
      try {
        const product = { code: 'CUP', name: 'Cup', sell_price: '5' }
        const made = await app.send('CreateProduct', product)
        ok(made.ok)
        const { product_id } = made.response
        ok((await app.send('CreateInventory', { product_id, quantity: '1000' })).ok)
        const all = (await health(app)).shares
        ok(all.projection!.length > 10 && all.saga!.length > 2)

        const placed = new Set<string>()
        let isOver = false
        const buying = Array.from({ length: 8 }, async (_, at) => {
          for (let n = 0; !isOver; n++) {
            const items = [{ product_id, quantity: '1' }]
            // The same id until there is an answer: what was done unseen is not done again.
            const meta = { command_id: `order-${at}-${n}` }
            for (let isDone = false; !isDone && !isOver; ) {
              const outcome = await app
                .send('CreateOrder', { customer_id: 'c-1', items }, meta)
                .catch(() => null)
              isDone = outcome !== null
              if (outcome?.ok) placed.add(String(outcome.response.order_id))
              else await sleep(50)
            }
          }
        })
        await until('orders', async () => placed.size > 20)
        way[how]()
        await until('it says so', async () => (await health(app)).status === 'failing')
        match((await health(app)).warnings.join('\n'), /the event log/)
        const gaveUp = async () => Object.values((await health(app)).shares).flat().length === 0
        await until('it has given all up', gaveUp, 20 * LEASE_MS)
        const before = placed.size
        way.open()
        await until('back', async () => (await health(app)).status !== 'failing')
        await until('orders again', async () => placed.size > before + 20)
        isOver = true
        await Promise.all(buying)
        // One loop after the other has its store again.
        const shares = async () => JSON.stringify((await health(app)).shares)
        await until(
          'it has taken all up again',
          async () => (await shares()) === JSON.stringify(all),
        )

        await until('all sagas are over', async () => {
          const { position } = await app.log.head()
          await app.projected(position)
          const found = await app.ask('ListSagas', { status: 'RUNNING', limit: 1 })
          return found.ok && (found.result as { items: readonly object[] }).items.length === 0
        })
        const verified = await app.operations.verify()
        deepEqual(
          verified.checks.filter(({ differing }) => differing > 0),
          [],
        )
        equal(broken, 0)
      } catch (error) {
        throw new Error(`${String(error)}\n${lines.slice(-20).join('\n')}`, { cause: error })
      } finally {
        way.open()
        await app.close()
        await way.close()
        await database.remove()
      }
    })
})
