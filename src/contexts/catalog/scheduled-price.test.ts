// Prices that take effect by themselves: what is written, what a decision goes by, and that they
// come into force once, whoever is late.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Write } from '#kernel/decider.ts'
import type { Fact } from '#kernel/message.ts'
import { runApplication } from '#runtime/application.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { commandIn, given, NOW, statesAfter } from '#testing/given.ts'
import { catalog } from './catalog.ts'
import { product } from './product.ts'
import { priceAt } from './scheduled-price.ts'
import { productUpdates } from './update-product.ts'

const commands = [...catalog.commands, ...productUpdates]
const command = commandIn(commands)
const updatePrice = command('UpdateProductPrice')
const updateProduct = command('UpdateProduct')
const cancel = command('CancelScheduledPrice')
const apply = command('ApplyScheduledPrice')

const P = 'p-1'
const created = product.event('ProductCreated', {
  product_id: P,
  code: 'CUP',
  name: 'Cup',
  description: 'Cup',
  sell_price_minor: 500,
  currency: 'USD',
  cost_price_minor: 300,
  department_id: null,
  department_name: null,
  unit_id: null,
  unit_name: null,
  quantity_scale: 0,
  min_stock: 0,
  user_id: null,
})
const after = (...events: readonly Fact[]): Write => ({
  stream: `product-${P}`,
  events: [created, ...events],
})
const written = (...events: readonly Fact[]): Write => ({ stream: `product-${P}`, events })

const ONE = '2026-03-02T11:00:00.000Z'
const TWO = '2026-03-02T12:00:00.000Z'
const LATER = '2026-03-02T13:00:00.000Z'
const scheduled = (schedule_id: string, effective_at: string, sell_price_minor: number) =>
  product.event('ProductPriceScheduled', {
    ...{ product_id: P, schedule_id, effective_at, sell_price_minor },
    ...{ currency: 'USD', scheduled_by: 'ann' },
  })
const inForce = (schedule_id: string, at: string, prices: readonly [number, number], n: number) =>
  product.event(
    'ProductPriceChanged',
    {
      ...{ product_id: P, sell_price_minor: prices[1], cost_price_minor: 300 },
      ...{ previous_sell_price_minor: prices[0], currency: 'USD', price_number: n },
      ...{ changed_by: 'ann', schedule_id },
    },
    at,
  )
const byHand = (before: number, price: number, n: number) =>
  product.event('ProductPriceChanged', {
    ...{ product_id: P, sell_price_minor: price, cost_price_minor: 300 },
    ...{ previous_sell_price_minor: before, currency: 'USD', price_number: n },
    changed_by: null,
  })

describe('a price for a time to come', () => {
  test('is written as that, in UTC, and changes nothing yet', () => {
    const wanted = { product_id: P, sell_price: '4.00', effective_at: '2026-03-02T12:00:00+01:00' }
    const shown = { schedule_id: 'schedule-0', effective_at: ONE, sell_price_minor: 400 }
    given(after())
      .at({ user_id: 'ann' })
      .when(updatePrice, wanted)
      .writes(written(scheduled('schedule-0', ONE, 400)))
      .answers({ sell_price_minor: 500, scheduled_prices: [{ ...shown, scheduled_by: 'ann' }] })
  })
  test('in the past, or now, is a price at once', () => {
    for (const effective_at of [NOW, '2020-01-01T00:00:00Z'])
      given(after())
        .when(updatePrice, { product_id: P, sell_price: '4.00', effective_at })
        .writes(written(byHand(500, 400, 2)))
        .answers({ sell_price_minor: 400, scheduled_prices: [] })
  })
  test('is checked when it is told, not when it is due', () => {
    const bad = { product_id: P, sell_price: '-4', effective_at: ONE }
    given(after()).when(updatePrice, bad).rejects('validation_failed')
    given(after())
      .when(updatePrice, { product_id: P, effective_at: ONE })
      .rejects('validation_failed')
    given()
      .when(updatePrice, { product_id: P, sell_price: '4', effective_at: ONE })
      .rejects('not_found')
  })
  test('has its time for itself; many stand in the order of their times', () => {
    const both = after(scheduled('b', TWO, 300), scheduled('a', ONE, 400))
    given(both)
      .when(updatePrice, { product_id: P, sell_price: '9', effective_at: TWO })
      .rejects('already_exists')
    deepEqual(
      statesAfter(both)
        .state(product.at(P))
        ?.scheduled.map(({ schedule_id }) => schedule_id),
      ['a', 'b'],
    )
  })
  test('a hundred are enough', () => {
    const hundred = Array.from({ length: 100 }, (_, i) =>
      scheduled(`s${i}`, new Date(Date.parse(ONE) + i).toISOString(), i),
    )
    given(after(...hundred))
      .when(updatePrice, { product_id: P, sell_price: '9', effective_at: LATER })
      .rejects('business_rule_violated')
  })
  test('is taken back until its time, not after', () => {
    const gone = product.event('ScheduledPriceCancelled', {
      ...{ product_id: P, schedule_id: 'a', reason: 'by_hand', cancelled_by: null },
    })
    const one = after(scheduled('a', ONE, 400))
    given(one)
      .when(cancel, { product_id: P, schedule_id: 'a' })
      .writes(written(gone))
      .answers({ scheduled_prices: [] })
    given(one)
      .at({ now: ONE })
      .when(cancel, { product_id: P, schedule_id: 'a' })
      .rejects('invalid_state')
    given(one).when(cancel, { product_id: P, schedule_id: 'b' }).rejects('not_found')
    given().when(cancel, { product_id: P, schedule_id: 'a' }).rejects('not_found')
    equal(
      priceAt(statesAfter(after(scheduled('a', ONE, 4), gone)).state(product.at(P))!, TWO)
        .sell_price_minor,
      500,
    )
  })
})

describe('the price in force', () => {
  const state = statesAfter(after(scheduled('b', TWO, 300), scheduled('a', ONE, 400))).state(
    product.at(P),
  )!
  test('is the scheduled one from its very moment on, written down or not', () => {
    const at = (now: string) => priceAt(state, now).sell_price_minor
    deepEqual(
      [at(NOW), at('2026-03-02T10:59:59.999Z'), at(ONE), at(TWO), at(LATER)],
      [500, 500, 400, 300, 300],
    )
  })
  test('keeps the cost that a schedule does not name, and forgets one that it takes away', () => {
    equal(priceAt(state, TWO).cost_price_minor, 300)
    const costless = product.event('ProductPriceScheduled', {
      ...{ product_id: P, schedule_id: 'c', effective_at: ONE, cost_price_minor: null },
      ...{ currency: 'USD', scheduled_by: null },
    })
    const known = statesAfter(after(costless)).state(product.at(P))!
    deepEqual(priceAt(known, ONE), { sell_price_minor: 500, cost_price_minor: null })
  })
})

describe('when its time has come', () => {
  const both = after(scheduled('a', ONE, 400), scheduled('b', TWO, 300))
  const first = inForce('a', ONE, [500, 400], 2)

  test('it is a price change of that time, by whoever scheduled it', () => {
    given(both)
      .at({ now: ONE })
      .when(apply, { product_id: P, schedule_id: 'a' })
      .writes(written(first))
  })
  test('before it, on a clock that was set back, the sweeper is refused and comes again', () => {
    given(both).when(apply, { product_id: P, schedule_id: 'a' }).rejects('invalid_state')
  })
  test('after a long sleep all that are due are written, each as of its time', () => {
    const second = inForce('b', TWO, [400, 300], 3)
    for (const schedule_id of ['a', 'b'])
      given(both)
        .at({ now: LATER })
        .when(apply, { product_id: P, schedule_id })
        .writes(written(first, second))
  })
  test('twice is once; taken back is never', () => {
    given(after(scheduled('a', ONE, 400), first))
      .at({ now: TWO })
      .when(apply, { product_id: P, schedule_id: 'a' })
      .writesNothing()
    given(after()).at({ now: TWO }).when(apply, { product_id: P, schedule_id: 'a' }).writesNothing()
  })
  test('a change by hand before it does not stop it; one after it comes after it', () => {
    given(after(scheduled('a', ONE, 400), byHand(500, 700, 2)))
      .at({ now: ONE })
      .when(apply, { product_id: P, schedule_id: 'a' })
      .writes(written(inForce('a', ONE, [700, 400], 3)))
    for (const change of [updatePrice, updateProduct])
      given(after(scheduled('a', ONE, 400)))
        .at({ now: TWO })
        .when(change, { product_id: P, sell_price: '7' })
        .writes(written(first, byHand(400, 700, 3)))
        .answers({ sell_price_minor: 700 })
  })
  test('what it was already is no new price', () => {
    given(after(scheduled('a', ONE, 400), byHand(500, 400, 2)))
      .at({ now: ONE })
      .when(apply, { product_id: P, schedule_id: 'a' })
      .writes(
        written(
          product.event('ScheduledPriceCancelled', {
            ...{ product_id: P, schedule_id: 'a', reason: 'same_price', cancelled_by: null },
          }),
        ),
      )
  })
})

test('it takes effect by itself, also when the program was down at its time', async ({ mock }) => {
  // However long the commands take here, its time comes after them.
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const log = await openEventLog()
  const reads = await openReadModels()
  const keys = await openKeyRing()
  const start = () => runApplication({ contexts: [catalog], log, reads, keys, waitMs: 60_000 })
  const first = await start()
  const made = await first.send('CreateProduct', { name: 'Pen', sell_price: '5' })
  ok(made.ok)
  const { product_id } = made.response
  const effective_at = new Date(Date.now() + 60_000).toISOString()
  const told = await first.send(
    'UpdateProductPrice',
    { product_id, sell_price: '4', effective_at },
    { user_id: 'ann' },
  )
  ok(told.ok)
  await first.stop()
  mock.timers.setTime(Date.parse(effective_at) + 1)

  const second = await start()
  const prices = async () => {
    const asked = await second.ask(
      'GetPriceHistory',
      { product_id },
      { minPosition: told.position },
    )
    // The answer of this query.
    return asked as { ok: true; result: { items: Record<string, unknown>[]; scheduled: unknown[] } }
  }
  while ((await prices()).result.scheduled.length > 0) await new Promise((go) => setTimeout(go, 10))
  const { items } = (await prices()).result
  await second.stop()
  for (const store of [keys, reads, log]) await store.close()
  deepEqual(
    items.map(({ sell_price_minor, changed_by }) => [sell_price_minor, changed_by]),
    [
      [400, 'ann'],
      [500, null],
    ],
  )
  deepEqual([items[0]?.valid_from, items[1]?.valid_to], [effective_at, effective_at])
  ok(items.every(({ command_id }) => typeof command_id === 'string'))
})
