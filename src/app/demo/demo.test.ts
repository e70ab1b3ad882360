// The demonstration shop, filled for two weeks: everything that can be listed has something in it,
// every number is right, and a filling that was stopped goes on where it was.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { compose } from '#app/compose.ts'
import { configFor } from '#app/config-for.ts'
import { seeded } from '#testing/random.ts'
import { demoArgv } from './demo.ts'
import { assertDocuments } from './documents-fixture.ts'
import { fillDemo } from './fill.ts'
import { productId } from './shop.ts'
import { nextDeed } from './trade.ts'

const DAYS = 14
const folder = mkdtempSync(join(tmpdir(), 'daybook-demo-'))
const opened = () => compose(configFor(demoArgv(['--data', join(folder, 'demo.db')])))
/** When it is asked, not when this file was read: the shop's first day may have begun meanwhile. */
const now = () => new Date().toISOString()

/** Asked about goods, not about all there is. */
const ABOUT: Readonly<Record<string, object>> = {
  CheckAvailability: { product_id: productId({ code: 'GFT-MUG' }) },
}
/** Lists that a shop at rest has nothing in, and why. */
const EMPTY: Readonly<Record<string, string>> = {
  ListErasures: 'nobody has asked to be forgotten',
  ListWebhooks: 'nobody listens yet',
}

describe('the demonstration shop', () => {
  let app: Awaited<ReturnType<typeof opened>>
  before(async () => {
    app = await opened()
    let sent = 0
    const stopped = {
      ...app,
      send: (async (...given) => {
        sent += 1
        if (sent > 400) throw new Error('the power is gone')
        return await app.send(...given)
      }) as typeof app.send,
    }
    await rejects(
      fillDemo(stopped, now(), () => {}, DAYS),
      /the power is gone/,
    )
    const filled = await fillDemo(app, now(), () => {}, DAYS)
    ok(filled !== null && filled.taken > 500, `${filled?.taken} commands were taken`)
    ok(filled.failedOrders > 0, 'no payment failed')
    await app.projected((await app.log.head()).position)
  })
  after(async () => {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('has something in every list', async () => {
    const lists = app.contexts
      .flatMap(({ queries }) => queries)
      .filter(({ route }) => route?.method === 'GET' && !route.path.includes(':'))
    ok(lists.length > 15)
    const empty: string[] = []
    for (const { type } of lists) {
      if (Object.hasOwn(EMPTY, type)) continue
      const input = ABOUT[type] ?? {}
      const answer: unknown = await app.ask(type, input).catch((error: Error) => error.message)
      const { result } = answer as { result?: { items?: unknown } }
      const items = result?.items ?? result
      const isThere = Array.isArray(items) ? items.length > 0 : typeof items === 'object' && items
      if (!isThere) empty.push(`${type}: ${JSON.stringify(answer).slice(0, 200)}`)
    }
    deepEqual(empty, [])
  })

  test('has numbers that are the sums of its documents', () => assertDocuments(app.ask, app.reads))

  test('is what its log says: verify finds no difference', async () => {
    const { checks, position } = await app.operations.verify()
    ok(position > 3_000)
    deepEqual(
      checks.flatMap(({ name, differences }) => (differences.length === 0 ? [] : [name])),
      [],
    )
  })

  test('is not filled twice', async () => {
    const { position } = await app.log.head()
    equal(await fillDemo(app, now(), () => {}, DAYS), null)
    equal((await app.log.head()).position, position)
  })

  test('goes on trading, and no deed of it is malformed', async () => {
    const random = seeded(3)
    const refused = new Map<string, number>()
    for (let n = 0; n < 40; n++) {
      const deed = await nextDeed(app.reads, random)
      if (deed === null) continue
      const outcome = await app.send(deed.type, deed.input, { source: 'demo' })
      if (outcome.ok) continue
      const { code } = outcome.rejection
      refused.set(code, (refused.get(code) ?? 0) + 1)
    }
    const everyday = ['insufficient_stock', 'credit_limit_exceeded', 'invalid_state']
    deepEqual(
      [...refused.keys()].filter((code) => !everyday.includes(code)),
      [],
    )
  })

  test('does not move into a book of somebody else', async () => {
    const other = await compose(configFor(['--set', 'database.driver=memory']))
    try {
      await other.send('CreateDepartment', { name: 'Ours' })
      await rejects(
        fillDemo(other, now(), () => {}, DAYS),
        /another shop/,
      )
    } finally {
      await other.close()
    }
  })
})
