// Returns as facts: recorded as the other book has them, summed by the line, never refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision, Given, Moment } from '#kernel/decider.ts'
import { checkEvent } from '#kernel/event-types.ts'
import { type ReturnState, recordReturn, returned } from './return.ts'
import { returnEvents } from './return-events.ts'

const MOMENT: Moment = {
  now: '2024-05-01T10:00:00.000Z',
  occurred_at: '2010-12-01T09:41:00.000Z',
  command_id: 'c1',
  source: 'import',
  settings: {},
  number: 0,
  looked: [],
  blind: (_, text) => text,
  id: (name) => name,
}
const CREDIT = {
  return_id: 'r1',
  reference: 'C536379',
  customer_id: null,
  country: 'United Kingdom',
  currency: 'GBP',
  lines: [
    { product_id: 'p1', code: 'D', quantity: -1, quantity_scale: 0, unit_price_minor: 2750 },
    { product_id: null, code: 'X', quantity: 1, quantity_scale: 0, unit_price_minor: 250 },
    { product_id: 'p2', code: 'KG', quantity: -1500, quantity_scale: 3, unit_price_minor: 333 },
  ],
  cause: 'credit note',
  original_order_id: null,
}

const RECORDED: ReturnState = {
  status: 'RECORDED',
  total_amount_minor: -3000,
  order_id: null,
  lines: [],
}

function decided(state: ReturnState, credit: object = CREDIT): Decision {
  // The command reads one stream, and every question to Given here is about that one.
  const given = { state: () => state } as unknown as Given
  return recordReturn.decide(credit as never, given, MOMENT)
}
function eventsOf(decision: Decision) {
  assert.ok('accepted' in decision)
  return { events: decision.writes.flatMap(({ events }) => events), response: decision.response }
}

test('a credit is recorded at its own time, signed as it is written, lines rounded one by one', () => {
  const { events, response } = eventsOf(decided(null))
  assert.equal(events.length, 1)
  const [fact] = events
  assert.equal(fact?.occurred_at, '2010-12-01T09:41:00.000Z')
  const data = fact?.data as { lines: { amount_minor: number }[]; total_amount_minor: number }
  assert.deepEqual(
    data.lines.map(({ amount_minor }) => amount_minor),
    [-2750, 250, -500],
  )
  assert.equal(data.total_amount_minor, -3000)
  assert.deepEqual(response, { return_id: 'r1', currency: 'GBP', total_amount_minor: -3000 })
  assert.doesNotThrow(() => checkEvent(returnEvents, fact!.type, fact!.data))
})

test('told a second time, it is the same return: nothing is written, the answer stands', () => {
  const { events, response } = eventsOf(decided(RECORDED))
  assert.deepEqual(events, [])
  assert.deepEqual(response, { return_id: 'r1', currency: 'GBP', total_amount_minor: -3000 })
})

test('what no amount can be is a mistake in it, not in us', () => {
  const huge = { ...CREDIT.lines[0], unit_price_minor: 2 ** 52 }
  for (const lines of [
    [{ ...huge, quantity: 4 }],
    [
      { ...huge, quantity: 1 },
      { ...huge, quantity: 1 },
    ],
  ]) {
    const decision = decided(null, { ...CREDIT, lines })
    assert.ok('rejected' in decision)
    assert.equal(decision.rejected.code, 'validation_failed')
    assert.deepEqual(decision.rejected.errors, { lines: 'come to more than an amount can be' })
  }
})

test('its state keeps the total', () => {
  const [fact] = eventsOf(decided(null)).events
  const facts = { occurred_at: '', timestamp: '', position: 1 }
  assert.deepEqual(returned.evolve.ReturnRecorded(null, fact!.data as never, facts), RECORDED)
})
