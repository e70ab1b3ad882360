// Whether stock can be promised, and where: asked of rows as a server has them.
import { deepEqual, equal } from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { productReadView } from '#contexts/catalog/public.ts'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import type { Row } from '#kernel/projection.ts'
import { check } from '#kernel/schema.ts'
import { assertLimits } from '#testing/field-limits.ts'
import { emptyRow, type RowReader, rowReader } from '#testing/row-reader.ts'
import { checkAvailability } from './availability.ts'
import { stockByStore } from './stock-by-store.ts'

const BERLIN = 's-berlin'
let rows: RowReader

const stock = (product_id: string, store_id: string, available: number, backorder = 0): Row =>
  emptyRow(stockByStore, {
    stock_id: `${product_id}:${store_id}`,
    product_id,
    store_id,
    available_quantity: available,
    backorder_limit: backorder,
  })
const product = (product_id: string, more: Row = {}): Row =>
  emptyRow(productReadView, { product_id, code: product_id, is_active: true, ...more })

before(async () => {
  rows = await rowReader([
    [
      productReadView,
      [product('cup'), product('tea', { quantity_scale: 3 }), product('old', { is_active: false })],
    ],
    [
      stockByStore,
      [
        stock('cup', MAIN_STORE_ID, 5),
        stock('cup', BERLIN, 3, 4),
        stock('cup', 's-empty', 0),
        stock('cup', 's-owing', -9, 2),
        stock('tea', MAIN_STORE_ID, 1_500),
        stock('old', MAIN_STORE_ID, 9),
      ],
    ],
  ])
})
after(() => rows.close())

type Answer = {
  readonly available: boolean
  readonly lines: readonly {
    readonly product_id: string
    readonly available: boolean
    readonly reason: string | null
    readonly requested: number
    readonly available_quantity: number
    readonly quantity_scale: number
    readonly stores: readonly object[]
  }[]
}
async function ask(input: object): Promise<Answer> {
  const asked = check(checkAvailability.input, input)
  equal(asked.ok, true, JSON.stringify(asked))
  const answer = await checkAvailability.run(input as never, rows.reader)
  const answered = check(checkAvailability.answer, answer)
  equal(answered.ok, true, JSON.stringify(answered))
  return answer as Answer
}

describe('whether stock can be promised', () => {
  it('is asked of one piece, in any store, unless told otherwise', async () => {
    deepEqual(await ask({ product_id: 'cup' }), {
      available: true,
      lines: [
        {
          product_id: 'cup',
          quantity_scale: 0,
          requested: 1,
          available: true,
          available_quantity: 12,
          reason: null,
          stores: [
            { store_id: MAIN_STORE_ID, available_quantity: 5 },
            { store_id: BERLIN, available_quantity: 7 },
          ],
        },
      ],
    })
  })
  it('holds where some one store has all of it, with what it may promise beyond', async () => {
    const at = async (quantity: string) => (await ask({ product_id: 'cup', quantity })).available
    deepEqual([await at('7'), await at('8')], [true, false])
  })
  it('is asked of one store, by its id or as main', async () => {
    const at = async (store_id: string, quantity: string) => {
      const { available, lines } = await ask({ product_id: 'cup', store_id, quantity })
      return [available, lines[0]!.available_quantity]
    }
    deepEqual(await at('main', '5'), [true, 5])
    deepEqual(await at(MAIN_STORE_ID, '6'), [false, 5])
    deepEqual(await at(BERLIN, '7'), [true, 7])
    deepEqual(await at('s-owing', '1'), [false, 0])
    deepEqual(await at('s-nowhere', '1'), [false, 0])
  })
  it('sums the lines of one product, and wants all lines', async () => {
    const line = (product_id: string, quantity: string) => ({ product_id, quantity })
    const two = await ask({ lines: [line('cup', '4'), line('tea', '1.5'), line('cup', '3')] })
    deepEqual(
      two.lines.map(({ product_id, requested, available }) => [product_id, requested, available]),
      [
        ['cup', 7, true],
        ['tea', 1_500, true],
      ],
    )
    equal(two.available, true)
    const one = await ask({ lines: [line('cup', '4'), line('tea', '1.501')] })
    deepEqual([one.available, one.lines.map(({ available }) => available)], [false, [true, false]])
  })
  it('prefers lines to a single product, and refuses to be asked of nothing', async () => {
    const { lines } = await ask({
      product_id: 'cup',
      lines: [{ product_id: 'tea', quantity: '1' }],
    })
    deepEqual(
      lines.map(({ product_id }) => product_id),
      ['tea'],
    )
    const refused = checkAvailability.refuses?.({})
    deepEqual(refused, { product_id: 'is required, or lines' })
    equal(checkAvailability.refuses?.({ product_id: 'cup' }), null)
  })
  it('says why not: no product, one that is archived, a quantity that it cannot have', async () => {
    const why = async (product_id: string, quantity: string) => {
      const { available, lines } = await ask({ product_id, quantity })
      return [available, lines[0]!.reason, lines[0]!.requested, lines[0]!.quantity_scale]
    }
    deepEqual(await why('no-such', '1'), [false, 'is not a product', 1, 0])
    deepEqual(await why('old', '1'), [false, 'has been archived', 1, 0])
    deepEqual(await why('cup', '0.5'), [false, 'must be a whole number', 0, 0])
    deepEqual(await why('tea', '0.0005'), [false, 'must have at most 3 decimals', 0, 3])
    deepEqual(await why('cup', '1'), [true, null, 1, 0])
    const wrong = { product_id: 'cup', quantity: '0.5' }
    const { lines } = await ask({ lines: [{ product_id: 'cup', quantity: '1' }, wrong] })
    deepEqual([lines[0]!.available, lines[0]!.reason], [false, 'must be a whole number'])
  })
  it('takes up to a hundred lines', () => {
    const line = { product_id: 'cup', quantity: '1' }
    assertLimits(
      checkAvailability.input,
      {},
      {
        lines: [
          [[line], Array(100).fill(line)],
          [[], Array(101).fill(line), [{ ...line, store_id: 'main' }], [{ product_id: 'cup' }]],
        ],
        product_id: [['cup'], ['']],
        quantity: [['1.5'], ['-1', 1]],
        store_id: [['main'], ['']],
      },
    )
  })
})
