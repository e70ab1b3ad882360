// The dashboard's question in a tiny form: a shop with some weeks of trade answers, read and kept,
// and its numbers are numbers. No times.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { contextsOf, typesOf } from '#app/contexts.ts'
import { noProviders } from '#app/no-providers.ts'
import { check } from '#kernel/schema.ts'
import { dashboardOn } from './dashboard.ts'
import { openScratch } from './scratch.ts'
import { PRODUCTS, TRADE_STORES, tradeOf } from './trade-history.ts'

/** The goods, and a hundred deals. */
const EVENTS = TRADE_STORES - 1 + PRODUCTS * (1 + TRADE_STORES) + 600

test('every event of the year of trade is one that the shop could have written', () => {
  const types = typesOf(contextsOf(noProviders))
  const trade = tradeOf(EVENTS, Date.UTC(2030, 0, 1))
  const events = [...trade.page(EVENTS - 10), ...trade.page(1_000)]
  equal(events.length, EVENTS)
  const versions = new Map<string, number>()
  events.forEach(({ event_type, data, position, version, ...rest }, at) => {
    equal(position, at + 1)
    const stream = `${rest.aggregate_type}-${rest.aggregate_id}`
    equal(version, (versions.get(stream) ?? 0) + 1, stream)
    versions.set(stream, version)
    const checked = check(types[event_type]!.data, data)
    deepEqual(checked.ok ? [] : [event_type, checked.errors], [])
  })
})

test('the dashboard is asked over HTTP and inside, read and kept', async () => {
  const root = mkdtempSync(join(tmpdir(), 'bench-dashboard-'))
  const scratch = openScratch(join(root, 'bench-'))
  try {
    const results = await dashboardOn('SQLite', { events: EVENTS, days: 4 }).answer({
      folder: scratch.folder,
      atEnd: scratch.atEnd,
      seconds: 0.02,
      tell: () => {},
      postgres: () => Promise.reject(new Error('nobody asks for a server here')),
    })
    deepEqual(
      results.map(({ name }) => name),
      ['dashboard-read', 'dashboard-kept'],
    )
    for (const { name, ours, raw, rounds } of results) {
      equal(rounds.length, 3)
      for (const { value } of [ours, raw]) ok(Number.isFinite(value) && value > 0, name)
    }
  } finally {
    scratch.clear()
    rmSync(root, { recursive: true, force: true })
  }
})
