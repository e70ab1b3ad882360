// What a product has cost: the prices of a time, and the lowest of the last days.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, it, test } from 'node:test'
import type { Row } from '#kernel/projection.ts'
import type { Query } from '#kernel/query.ts'
import { check } from '#kernel/schema.ts'
import { assertLimits, type Limits } from '#testing/field-limits.ts'
import { emptyRow, type RowReader, rowReader } from '#testing/row-reader.ts'
import { wireNames } from '#testing/wire-names.ts'
import { priceHistory } from './price-history.ts'
import { priceQueries } from './price-queries.ts'
import { scheduledPrices } from './scheduled-prices.ts'

const queryOf = (type: string): Query => priceQueries.find((one) => one.type === type)!
const getPriceHistory = queryOf('GetPriceHistory')
const getLowestPrice = queryOf('GetLowestPrice')

const day = (month: number, at = 1) => `2026-0${month}-0${at}T00:00:00.000Z`
const price = (
  product_id: string,
  price_number: number,
  sell_price_minor: number,
  valid_from: string,
  valid_to: string | null,
): Row =>
  emptyRow(priceHistory, {
    price_id: `${product_id}:${price_number}`,
    product_id,
    price_number,
    sell_price_minor,
    currency: 'USD',
    valid_from,
    valid_to,
  })

const schedule = (schedule_id: string, effective_at: string, more: Partial<Row>) =>
  emptyRow(scheduledPrices, {
    ...{ schedule_id, product_id: 'cup', status: 'scheduled', effective_at, currency: 'USD' },
    ...more,
  })
const toCome = [
  schedule('b', day(8), { changes_cost: true, sell_price_minor: 200 } as Row),
  schedule('a', day(7), { sell_price_minor: 250, scheduled_by: 'ann' } as Row),
  schedule('c', day(9), { status: 'cancelled' } as Row),
  schedule('d', day(9), { product_id: 'pot' } as Row),
]

let rows: RowReader
before(async () => {
  rows = await rowReader([
    [
      priceHistory,
      [
        price('cup', 1, 500, day(1), day(2)),
        price('cup', 2, 300, day(2), day(3)),
        price('cup', 3, 300, day(3), day(4)),
        price('cup', 4, 400, day(4), null),
        price('tea', 1, 1, day(1), null),
        price('pot', 1, 900, '2000-01-01T00:00:00.000Z', '2001-01-01T00:00:00.000Z'),
        price('pot', 2, 950, '2001-01-01T00:00:00.000Z', null),
        price('jug', 1, 900, day(1), day(2)),
        price('jug', 2, 700, day(2), day(3)),
        price('jug', 3, 800, day(3), day(4)),
        // Their cost changed, not what is asked for them.
        price('jug', 4, 600, day(4), day(5)),
        price('jug', 5, 600, day(5), day(6)),
        price('jug', 6, 600, day(6), null),
      ],
    ],
    [scheduledPrices, toCome],
  ])
})
after(() => rows.close())

async function ask(query: Query, input: object): Promise<unknown> {
  const asked = check(query.input, input)
  ok(asked.ok, JSON.stringify(asked))
  return await query.run(input as never, rows.reader)
}
const numbers = async (input: object) => {
  const page = (await ask(getPriceHistory, { product_id: 'cup', ...input })) as {
    readonly items: readonly { readonly price_number: number }[]
  }
  return page.items.map(({ price_number }) => price_number)
}

describe('the prices of a product', () => {
  it('are told the newest first, page by page', async () => {
    deepEqual(await numbers({}), [4, 3, 2, 1])
    const page = await ask(getPriceHistory, { product_id: 'cup', limit: 2, offset: 1 })
    const { items, total, limit, offset } = page as Record<string, unknown>
    deepEqual([(items as unknown[]).length, total, limit, offset], [2, 4, 2, 1])
    deepEqual(await numbers({ limit: 2, offset: 1 }), [3, 2])
    deepEqual(await numbers({ product_id: 'none' }), [])
  })
  it('of a time are those that were valid then, the last moment excluded', async () => {
    deepEqual(await numbers({ from: day(2) }), [4, 3, 2])
    deepEqual(await numbers({ from: '2026-01-31T23:59:59.999Z' }), [4, 3, 2, 1])
    deepEqual(await numbers({ to: day(2) }), [2, 1])
    deepEqual(await numbers({ to: '2026-01-31T23:59:59.999Z' }), [1])
    deepEqual(await numbers({ from: day(2, 2), to: day(2, 3) }), [2])
    deepEqual(await numbers({ to: '2025-12-31T00:00:00.000Z' }), [])
    // The same moment, written in Berlin.
    deepEqual(await numbers({ to: '2026-02-01T01:00:00+01:00' }), [2, 1])
    deepEqual(await numbers({ from: '2026-02-01T01:00:00+01:00' }), [4, 3, 2])
  })
})

test('prices to come are told beside, the next one first', async () => {
  const { scheduled } = (await ask(getPriceHistory, { product_id: 'cup', limit: 1 })) as {
    readonly scheduled: unknown
  }
  deepEqual(scheduled, [
    {
      ...{ schedule_id: 'a', effective_at: day(7), sell_price_minor: 250, currency: 'USD' },
      scheduled_by: 'ann',
    },
    {
      ...{ schedule_id: 'b', effective_at: day(8), sell_price_minor: 200, currency: 'USD' },
      ...{ cost_price_minor: null, scheduled_by: null },
    },
  ])
})

describe('the lowest price', () => {
  const lowest = async (more: object, product_id = 'cup') => {
    const row = (await ask(getLowestPrice, { product_id, ...more })) as Record<
      string,
      unknown
    > | null
    return row && [row.sell_price_minor, row.valid_from, row.days]
  }
  it('is that of the thirty days to a day, or of as many as are named', async () => {
    deepEqual(await lowest({ to: day(4, 9) }), [300, day(3), 30])
    deepEqual(await lowest({ to: day(5, 2) }), [400, day(4), 30])
    deepEqual(await lowest({ to: day(5, 2), days: 32 }), [300, day(3), 32])
    deepEqual(await lowest({ to: day(1, 9), days: 1 }), [500, day(1), 1])
    equal(await lowest({ to: '2025-12-31T00:00:00.000Z' }), null)
    equal(await lowest({}, 'none'), null)
  })
  it('of two that are as low is the older one', async () =>
    deepEqual(await lowest({ to: day(4), days: 60 }), [300, day(2), 60]))
  it('is that before the price in force began, which does not count itself', async () => {
    deepEqual(await lowest({}, 'pot'), [900, '2000-01-01T00:00:00.000Z', 30])
    deepEqual(await lowest({}, 'jug'), [800, day(3), 30])
    deepEqual(await lowest({ days: 32 }, 'jug'), [700, day(2), 32])
    // Nor does one that begins at the very end of the days that were named.
    deepEqual(await lowest({ to: day(4) }, 'jug'), [800, day(3), 30])
  })
  it('of a product that never had another price is that one', async () =>
    deepEqual(await lowest({}, 'tea'), [1, day(1), 30]))
  it('says which days it looked at', async () => {
    const asked = (await ask(getLowestPrice, { product_id: 'jug' })) as Record<string, unknown>
    deepEqual([asked.from, asked.to], ['2026-03-02T00:00:00.000Z', day(4)])
  })
})

describe('the questions about prices', () => {
  const time = [[day(1)], ['yesterday']] as [unknown[], unknown[]]
  it('have fields with limits, and answers with a shape', async () => {
    const fields: Limits = { limit: [[1], [0]], from: time, to: time }
    assertLimits(getPriceHistory.input, { product_id: 'cup' }, fields)
    assertLimits(
      getLowestPrice.input,
      { product_id: 'cup' },
      {
        days: [
          [1, 3_650],
          [0, 3_651],
        ],
        to: time,
      },
    )
    const whole = {
      product_id: 'cup',
      sell_price_minor: 1,
      currency: 'USD',
      valid_from: day(1),
      valid_to: null,
    }
    assertLimits(getLowestPrice.answer, { ...whole, days: 30, from: null, to: null })
    const item = {
      ...{ ...whole, price_number: 1, cost_price_minor: null, changed_by: null },
      ...{ command_id: null, schedule_id: null },
    }
    const page = { items: [item], total: 1, limit: 50, offset: 0, next_cursor: null }
    const answer = { ...page, scheduled: [] }
    assertLimits(getPriceHistory.answer, answer, {
      'items.0.changed_by': [['x'.repeat(200)], ['x'.repeat(201)]],
      'items.0.no_such_field': [[], [1]],
    })
  })
  it('go by these names for ever', () => {
    const path = 'GET /api/v1/products/:product_id'
    deepEqual(wireNames(priceQueries), {
      GetPriceHistory: [`${path}/price-history`, '200 products', 'product_id=id'],
      GetLowestPrice: [`${path}/lowest-price`, '200 products', 'product_id=id'],
    })
  })
})
