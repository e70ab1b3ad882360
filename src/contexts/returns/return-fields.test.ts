// A return at its limits: what its event and its request may hold, and how its lines are counted.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MAIN_STORE_ID, store } from '#contexts/stores/public.ts'
import { assertLimits, atLeast } from '#testing/field-limits.ts'
import { given, NOW } from '#testing/given.ts'
import { recordReturn, returned } from './return.ts'
import { returnEvents } from './return-events.ts'

const line = {
  product_id: 'p-1',
  code: 'CUP',
  quantity: -2,
  quantity_scale: 0,
  unit_price_minor: 250,
}
const credit = {
  return_id: 'r-1',
  reference: 'C1',
  customer_id: null,
  country: null,
  currency: 'GBP',
  lines: [line],
  cause: 'broken',
  original_order_id: null,
}
const recorded = {
  ...credit,
  lines: [{ line: 1, ...line, amount_minor: -500 }],
  total_amount_minor: -500,
}
const fields = {
  reference: [['C2'], ['']],
  customer_id: [['c-1'], ['']],
  country: [['France'], ['']],
  currency: [[], ['GB', 'GBPX']],
  lines: [[], [[]]],
  'lines.0.product_id': [[null], ['']],
  'lines.0.code': [['D'], ['']],
  'lines.0.quantity_scale': [
    [0, 9],
    [-1, 10],
  ],
  'lines.0.no_such_field': [[], [1]],
  cause: [['late'], ['']],
  original_order_id: [['o-1'], ['']],
} satisfies Record<string, [unknown[], unknown[]]>

describe('a return', () => {
  it('has an event with limits', () =>
    assertLimits(returnEvents.ReturnRecorded.data, recorded, {
      ...fields,
      'lines.0.line': atLeast(1),
    }))
  it('is told with fields that have limits', () => {
    assertLimits(recordReturn.input, credit, fields)
    equal(recordReturn.creates, 'return_id')
    equal(recordReturn.route, undefined, 'only the inside records a return')
    equal(recordReturn.type, 'RecordReturn')
  })
  it('is written as it was told, with its lines numbered and reckoned', () => {
    const more = { ...line, product_id: null, code: 'X', quantity: 1_500, quantity_scale: 3 }
    given()
      .when(recordReturn, { ...credit, lines: [line, more] })
      .writes(
        returned.write('r-1', [
          returned.event('ReturnRecorded', {
            ...credit,
            lines: [
              { line: 1, ...line, amount_minor: -500 },
              { line: 2, ...more, amount_minor: 375 },
            ],
            total_amount_minor: -125,
            business_day: NOW.slice(0, 10),
          }),
        ]),
      )
      .answers({ return_id: 'r-1', currency: 'GBP', total_amount_minor: -125 })
  })
  it('counts on the day of the main store, as the orders of an import do', () => {
    const moved = { store_id: MAIN_STORE_ID, timezone: 'Pacific/Auckland' }
    const evening = '2010-12-01T20:00:00.000Z'
    const then = given(store.write(MAIN_STORE_ID, [store.event('StoreUpdated', moved)]))
      .at({ occurred_at: evening })
      .when(recordReturn, credit)
    const [fact] = then.decision().writes.flatMap(({ events }) => events)
    equal((fact!.data as { business_day?: string }).business_day, '2010-12-02')
  })
  it('says in its fields what they are for', () => {
    const { reference, original_order_id } = returnEvents.ReturnRecorded.data.properties
    for (const field of [reference, original_order_id])
      equal(/"description":"[^"]+\."/.test(JSON.stringify(field)), true)
    deepEqual(returned.at('r-1').stream, 'return-r-1')
  })
})
