// Orders that change on their way: parts of them ship, are cancelled, are changed; and the money at
// the provider, the stock and every row say the same in the end.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Row } from '#kernel/projection.ts'
import { heldOf, type OrderShop, PAID, statusesOf, stockOf, TAXED, using } from './order-shop.ts'

describe('an order with taxes and discounts', () => {
  it('has totals that are the sums of its lines, by the class of the goods', async () => {
    await using(TAXED, async (shop) => {
      const row = await shop.row(await shop.order())
      // 4 × 5.00 with 20 % in it, 1.5 × 3.33 = 4.995 → 5.00 with 5 % in it.
      equal(row.total_amount_minor, 2_500)
      const [cups, tea] = row.items as readonly Row[]
      deepEqual([cups?.net_minor, cups?.tax_minor], [1_667, 333])
      deepEqual([tea?.net_minor, tea?.tax_minor], [476, 24])
      deepEqual([row.net_minor, row.tax_minor, row.discount_minor], [2_143, 357, 0])
      equal(row.business_day, String(row.placed_at).slice(0, 10))
    })
  })
  it('is taxed as it is where it goes', async () => {
    const taxes = ['standard:VAT:20', 'standard@Norway:MVA:25']
    await using({ ...PAID, 'money.taxes': taxes }, async (shop) => {
      const items = [{ product_id: shop.cup, quantity: '1' }]
      const home = await shop.row(await shop.order({ items }))
      const abroad = { items, shipping_address: { country: 'Norway' } }
      const norway = await shop.row(await shop.order(abroad))
      deepEqual([home.tax_minor, norway.tax_minor], [83, 100])
    })
  })
  it('takes discounts only from those whose prices count, and names the field', async () => {
    const discounts = [{ name: 'friend', percent: '10' }]
    await using(PAID, async (shop) => {
      const order = { customer_id: 'c-1', items: [{ product_id: shop.cup, quantity: '1' }] }
      const no = await shop.refused('CreateOrder', { ...order, discounts })
      deepEqual([no.code, Object.keys(no.errors ?? {})], ['business_rule_violated', ['discounts']])
      const items = [{ product_id: shop.cup, quantity: '1', discounts }]
      const line = await shop.refused('CreateOrder', { ...order, items })
      deepEqual(Object.keys(line.errors ?? {}), ['items.0.discounts'])
    })
    await using({ ...PAID, 'orders.client_price': 'accept' }, async (shop) => {
      const items = [{ product_id: shop.cup, quantity: '2', discounts }]
      const off = [{ name: 'voucher', amount: '1.00' }]
      const row = await shop.row(await shop.order({ items, discounts: off }))
      deepEqual([row.total_amount_minor, row.discount_minor], [800, 200])
      for (const [wrong, field] of [
        [{ name: 'both', percent: '5', amount: '1' }, 'discounts.0'],
        [{ name: 'neither' }, 'discounts.0'],
        [{ name: 'more than all', percent: '101' }, 'discounts.0.percent'],
        [{ name: 'too fine', amount: '0.001' }, 'discounts.0.amount'],
      ] as const) {
        const no = await shop.refused('CreateOrder', {
          ...{ customer_id: 'c', items },
          discounts: [wrong],
        })
        deepEqual([no.code, Object.keys(no.errors ?? {})], ['validation_failed', [field]])
      }
    })
  })
})

describe('lines of an order that are cancelled', () => {
  it('go back in stock, and less is captured', async () => {
    await using({ ...PAID, 'payments.capture_on': 'ship' }, async (shop) => {
      const order_id = await shop.confirmed()
      await shop.done('CancelOrderLines', { order_id, lines: [{ line: 1, quantity: '3' }] })
      const row = await shop.row(order_id)
      equal(row.total_amount_minor, 1_000)
      deepEqual(await stockOf(shop, shop.cup), [20, 1])
      await shop.done('ShipOrder', { order_id })
      await shop.settle()
      equal(await heldOf(shop, order_id), 1_000)
      deepEqual(statusesOf(await shop.row(order_id)), ['SHIPPED', 'captured', 'shipped', 'none'])
      deepEqual(await stockOf(shop, shop.cup), [19, 0])
    })
  })
  it('are paid back once they were paid, to the last one', async () => {
    await using(TAXED, async (shop) => {
      const order_id = await shop.confirmed()
      equal(await heldOf(shop, order_id), 2_500)
      for (const quantity of ['0.333', '0.333', '0.333', '0.501'])
        await shop.done('CancelOrderLines', { order_id, lines: [{ line: 2, quantity }] })
      await shop.settle()
      equal(await heldOf(shop, order_id), 2_000)
      const row = await shop.row(order_id)
      deepEqual(
        [row.total_amount_minor, row.net_minor, row.tax_minor, row.payment_status],
        [2_000, 1_667, 333, 'partially_refunded'],
      )
      const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
      deepEqual([summary?.total_orders, summary?.total_spent_minor], [1, 2_000])
    })
  })
  it('are the whole order when nothing is left of it', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      await shop.done('CancelOrderLines', { order_id, lines: [{ line: 2, quantity: '1.5' }] })
      await shop.done('CancelOrderLines', { order_id, lines: [{ line: 1, quantity: '4' }] })
      await shop.settle()
      const row = await shop.row(order_id)
      deepEqual(statusesOf(row), ['CANCELLED', 'refunded', 'none', 'none'])
      equal(await heldOf(shop, order_id), 0)
      deepEqual(await stockOf(shop, shop.cup), [20, 0])
      const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
      deepEqual([summary?.total_orders, summary?.total_spent_minor], [0, 0])
    })
  })
  it('are refused by name: no such line, too much, too fine, shipped or planned', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const no = (lines: object[]) => shop.refused('CancelOrderLines', { order_id, lines })
      deepEqual(
        { ...(await no([{ line: 9, quantity: '1' }])).errors },
        { 'lines.0.line': 'is not a line of the order' },
      )
      deepEqual(
        { ...(await no([{ line: 1, quantity: '0.5' }])).errors },
        { 'lines.0.quantity': 'must be a whole number' },
      )
      equal((await no([{ line: 1, quantity: '0' }])).code, 'validation_failed')
      // Named twice, they are judged together.
      const twice = await no([
        { line: 1, quantity: '3' },
        { line: 1, quantity: '2' },
      ])
      deepEqual(twice.details, { lines: [{ line: 1, requested: 5, available: 4 }] })
      await shop.done('CreateShipment', { order_id, lines: [{ line: 1, quantity: '3' }] })
      deepEqual((await no([{ line: 1, quantity: '2' }])).details, {
        lines: [{ line: 1, requested: 2, available: 1 }],
      })
      await shop.done('ShipOrder', { order_id })
      equal((await no([{ line: 2, quantity: '1' }])).code, 'business_rule_violated')
      equal(
        (
          await shop.refused('CancelOrderLines', {
            order_id: 'x',
            lines: [{ line: 1, quantity: '1' }],
          })
        ).code,
        'not_found',
      )
    })
  })
  it('while the payment is being authorized, are never captured', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.order()
      let cancelled = false
      await shop.settle(async () => {
        if (cancelled) return
        cancelled = true
        await shop.done('CancelOrderLines', { order_id, lines: [{ line: 1, quantity: '1' }] })
      })
      equal(await heldOf(shop, order_id), 2_000)
      const row = await shop.row(order_id)
      deepEqual([row.status, row.payment_status], ['CONFIRMED', 'captured'])
      const payment = await shop.get('GetPayment', { payment_id: order_id })
      deepEqual([payment?.status, payment?.captured_minor], ['CAPTURED', 2_000])
    })
  })
})

describe('an order in several shipments', () => {
  it('leaves part by part, each out of stock and captured as it leaves', async () => {
    await using({ ...PAID, 'payments.capture_on': 'ship' }, async (shop) => {
      const order_id = await shop.confirmed()
      const { shipment_id } = await shop.done('CreateShipment', {
        order_id,
        lines: [{ line: 1, quantity: '3' }],
      })
      equal((await shop.refused('MarkShipped', { shipment_id })).code, 'validation_failed')
      equal((await shop.done('CreateShippingLabel', { shipment_id })).pending, 'label')
      await shop.settle()
      const labelled = await shop.get('GetShipment', { shipment_id })
      equal(labelled?.status, 'LABEL_CREATED')
      await shop.done('MarkShipped', { shipment_id })
      // Asked twice, done once.
      await shop.done('MarkShipped', { shipment_id })
      await shop.settle()
      deepEqual(await stockOf(shop, shop.cup), [17, 1])
      equal(await heldOf(shop, order_id), 1_500)
      deepEqual(statusesOf(await shop.row(order_id)), [
        ...['PARTIALLY_SHIPPED', 'partially_captured', 'partially_shipped', 'none'],
      ])
      equal((await shop.refused('CancelOrder', { order_id })).code, 'invalid_state')
      await shop.done('MarkShipped', { shipment_id: order_id })
      await shop.settle()
      equal(await heldOf(shop, order_id), 2_500)
      deepEqual(statusesOf(await shop.row(order_id)), ['SHIPPED', 'captured', 'shipped', 'none'])
      deepEqual(await stockOf(shop, shop.cup), [16, 0])
      await shop.done('MarkDelivered', { shipment_id })
      equal((await shop.row(order_id)).status, 'SHIPPED')
      await shop.done('MarkDelivered', { shipment_id: order_id })
      equal((await shop.row(order_id)).status, 'DELIVERED')
    })
  })
  it('plans no unit twice, and frees what is given up', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [{ line: 1, quantity: '3' }]
      const { shipment_id } = await shop.done('CreateShipment', { order_id, lines })
      const again = await shop.refused('CreateShipment', { order_id, lines })
      deepEqual(again.details, { lines: [{ line: 1, requested: 3, available: 1 }] })
      await shop.done('CreateShippingLabel', { shipment_id })
      // Its label is being made.
      equal((await shop.refused('CancelShipment', { shipment_id })).code, 'invalid_state')
      await shop.settle()
      equal((await shop.done('CancelShipment', { shipment_id })).pending, 'cancel')
      await shop.settle()
      equal((await shop.get('GetShipment', { shipment_id }))?.status, 'CANCELLED')
      await shop.done('CreateShipment', { order_id, lines })
      equal((await shop.refused('MarkShipped', { shipment_id })).code, 'invalid_state')
      equal((await shop.refused('CancelShipment', { shipment_id: order_id })).code, 'invalid_state')
    })
  })
  it('needs its first label no more when all went in others', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [
        { line: 1, quantity: '4' },
        { line: 2, quantity: '1.5' },
      ]
      const more = { order_id, lines, carrier: 'own van' }
      const { shipment_id } = await shop.done('CreateShipment', more)
      equal((await shop.refused('ShipOrder', { order_id })).code, 'invalid_state')
      await shop.done('MarkShipped', { shipment_id, tracking_number: 'VAN-1' })
      await shop.settle()
      equal((await shop.row(order_id)).status, 'SHIPPED')
      equal((await shop.get('GetShipment', { shipment_id: order_id }))?.status, 'CANCELLED')
      await shop.done('DeliverOrder', { order_id })
      equal((await shop.get('GetShipment', { shipment_id }))?.status, 'DELIVERED')
    })
  })
  it('may go elsewhere: where to, only its own key tells', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [{ line: 1, quantity: '1' }]
      const address = { street: '4 Secret Lane', country: 'Peru' }
      const { shipment_id } = await shop.done('CreateShipment', { order_id, lines, address })
      const [stored] = await shop.log.readStream(`shipment-${shipment_id}`, 0, 1)
      equal(stored?.event_type, 'ShipmentCreated')
      equal(JSON.stringify(stored).includes('Secret'), false)
      await shop.done('CreateShippingLabel', { shipment_id })
      await shop.settle()
      equal((await shop.get('GetShipment', { shipment_id }))?.status, 'LABEL_CREATED')
    })
  })
  it('takes its planned shipments with it when it is cancelled, also with a label on its way', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [{ line: 1, quantity: '1' }]
      const parcels = [
        (await shop.done('CreateShipment', { order_id, lines })).shipment_id,
        (await shop.done('CreateShipment', { order_id, lines })).shipment_id,
      ]
      await shop.done('CreateShippingLabel', { shipment_id: parcels[1] })
      await shop.done('CancelOrder', { order_id })
      await shop.settle()
      for (const shipment_id of parcels)
        equal((await shop.get('GetShipment', { shipment_id }))?.status, 'CANCELLED')
      equal((await shop.row(order_id)).status, 'CANCELLED')
      equal(await heldOf(shop, order_id), 0)
      deepEqual(await stockOf(shop, shop.cup), [20, 0])
    })
  })
  it('is complete when what has not left is cancelled', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [{ line: 1, quantity: '4' }]
      const { shipment_id } = await shop.done('CreateShipment', { order_id, lines })
      await shop.done('MarkShipped', { shipment_id, tracking_number: 'T', carrier: 'van' })
      await shop.done('MarkDelivered', { shipment_id })
      await shop.done('CancelOrderLines', { order_id, lines: [{ line: 2, quantity: '1.5' }] })
      await shop.settle()
      equal((await shop.row(order_id)).status, 'DELIVERED')
      equal(await heldOf(shop, order_id), 2_000)
      equal((await shop.get('GetShipment', { shipment_id: order_id }))?.status, 'CANCELLED')
    })
  })
})

describe('the items of an order', () => {
  const UNPAID = { 'reservation.ttl_ms': 900_000, 'payments.methods': ['upi'] }
  it('count where the order goes now, and nowhere else', async () => {
    await using(UNPAID, async (shop) => {
      const order_id = await shop.order({ country: 'France' })
      const moved = {
        items: [{ product_id: shop.cup, quantity: '1' }],
        shipping_address: { country: 'Italy' },
      }
      await shop.done('UpdateOrder', { order_id, ...moved })
      const sales = await shop.get('GetSalesAnalytics', { group_by: 'country' })
      const items = sales?.items as { key: string; orders: number }[] | undefined
      deepEqual(
        items?.map(({ key, orders }) => [key, orders]),
        [['Italy', 1]],
      )
    })
  })
  it('change while nobody has begun to pay, with their stock', async () => {
    await using(UNPAID, async (shop) => {
      const order_id = await shop.order()
      const items = [
        { product_id: shop.cup, quantity: '6' },
        { product_id: shop.tea, quantity: '0.5' },
      ]
      const { total_amount_minor } = await shop.done('UpdateOrder', { order_id, items })
      equal(total_amount_minor, 3_167)
      deepEqual(await stockOf(shop, shop.cup), [20, 6])
      deepEqual(await stockOf(shop, shop.tea), [10_000, 500])
      const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
      deepEqual([summary?.total_orders, summary?.total_spent_minor], [1, 3_167])
      await shop.done('UpdateOrder', { order_id, items: items.slice(0, 1) })
      deepEqual(await stockOf(shop, shop.tea), [10_000, 0])
      await shop.done('ProcessPayment', { order_id, method: 'upi' })
      await shop.settle()
      deepEqual(statusesOf(await shop.row(order_id)).slice(0, 2), ['CONFIRMED', 'captured'])
      await shop.done('ShipOrder', { order_id })
      await shop.settle()
      deepEqual(await stockOf(shop, shop.cup), [14, 0])
    })
  })
  it('stay as they were when there is not enough for the new ones', async () => {
    await using(UNPAID, async (shop) => {
      const order_id = await shop.order()
      const items = [{ product_id: shop.cup, quantity: '21' }]
      const no = await shop.refused('UpdateOrder', { order_id, items })
      equal(no.code, 'insufficient_stock')
      deepEqual(await stockOf(shop, shop.cup), [20, 4])
      equal((await shop.row(order_id)).total_amount_minor, 2_500)
      // All that is there, with what it holds already, is enough.
      const all = [{ product_id: shop.cup, quantity: '20' }]
      await shop.done('UpdateOrder', { order_id, items: all })
      deepEqual(await stockOf(shop, shop.cup), [20, 20])
    })
  })
  it('that wait for goods are one row, however often there were more of them', async () => {
    await using(UNPAID, async (shop) => {
      const product_id = shop.cup
      await shop.done('UpdateInventory', { product_id, backorder_limit: '20' })
      const [order_id, other] = [await shop.order(), await shop.order()]
      const wanted = async (id: string, quantity: string) =>
        shop.done('UpdateOrder', { order_id: id, items: [{ product_id, quantity }] })
      const waiting = async () => {
        const { items } = (await shop.get('ListBackorders', { product_id }))!
        return (items as readonly Row[]).map((row) => [row.reservation_id, row.open_quantity])
      }
      await wanted(order_id, '19')
      await wanted(other, '6')
      await wanted(order_id, '22')
      deepEqual(await waiting(), [
        [order_id, 6],
        [other, 2],
      ])
      await shop.done('AddStock', { product_id, quantity: '6' })
      deepEqual(await waiting(), [[order_id, 2]])
      await wanted(order_id, '20')
      deepEqual(await waiting(), [])
    })
  })
  it('may become less while the payment is being authorized, and less is captured', async () => {
    for (const capture_on of ['confirm', 'ship'])
      await using({ ...PAID, 'payments.capture_on': capture_on }, async (shop) => {
        const order_id = await shop.order()
        const more = [{ product_id: shop.cup, quantity: '6' }]
        const no = await shop.refused('UpdateOrder', { order_id, items: more })
        deepEqual(
          [no.code, no.details],
          [...['business_rule_violated', { currency: 'USD', limit: 25, total: 30 }]],
        )
        deepEqual(await stockOf(shop, shop.cup), [20, 4])
        // Other goods for as much, then less.
        const items = [{ product_id: shop.cup, quantity: '5' }]
        await shop.done('UpdateOrder', { order_id, items })
        await shop.done('CancelOrderLines', { order_id, lines: [{ line: 1, quantity: '1' }] })
        const less = [{ product_id: shop.cup, quantity: '3' }]
        await shop.done('UpdateOrder', { order_id, items: less })
        deepEqual(await stockOf(shop, shop.cup), [20, 3])
        deepEqual(await stockOf(shop, shop.tea), [10_000, 0])
        await shop.settle()
        equal((await shop.refused('UpdateOrder', { order_id, items: less })).code, 'invalid_state')
        await shop.done('ShipOrder', { order_id })
        await shop.settle()
        equal(await heldOf(shop, order_id), 1_500)
        const row = await shop.row(order_id)
        deepEqual([row.status, row.payment_status], ['SHIPPED', 'captured'])
        const summary = await shop.get('GetCustomerOrderSummary', { customer_id: 'c-1' })
        deepEqual([summary?.total_orders, summary?.total_spent_minor], [1, 1_500])
      })
  })
  it('that cost nothing any more while they are being paid are not charged', async () => {
    await using({ ...PAID, 'orders.client_price': 'accept' }, async (shop) => {
      const order_id = await shop.order()
      const items = [{ product_id: shop.cup, quantity: '1', price: '0' }]
      await shop.done('UpdateOrder', { order_id, items })
      await shop.settle()
      equal(await heldOf(shop, order_id), 0)
      const row = await shop.row(order_id)
      deepEqual([row.status, row.payment_status], ['CONFIRMED', 'voided'])
    })
  })
  it('give all of their stock back when the payment is declined after all', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.order()
      const items = [{ product_id: shop.cup, quantity: '2' }]
      await shop.done('UpdateOrder', { order_id, items })
      const pending = (await shop.get('GetPayment', { payment_id: order_id }))!
      await shop.done('RecordPaymentOutcome', {
        ...{ order_id, payment_id: order_id, operation_id: pending.operation_id },
        ...{ status: 'declined', reason: 'no funds' },
      })
      equal((await shop.row(order_id)).status, 'CANCELLED')
      deepEqual(await stockOf(shop, shop.cup), [20, 0])
      deepEqual(await stockOf(shop, shop.tea), [10_000, 0])
    })
  })
  it('that cost nothing let the order go on without a payment', async () => {
    const free = { ...UNPAID, 'orders.client_price': 'accept' }
    await using(free, async (shop) => {
      const order_id = await shop.order()
      const items = [{ product_id: shop.cup, quantity: '1', price: '0' }]
      await shop.done('UpdateOrder', { order_id, items })
      await shop.settle()
      equal((await shop.row(order_id)).status, 'CONFIRMED')
    })
  })
  it('are refused by name as when ordering', async () => {
    await using(UNPAID, async (shop) => {
      const order_id = await shop.order()
      const items = [{ product_id: 'nothing', quantity: '1' }]
      const no = await shop.refused('UpdateOrder', { order_id, items })
      deepEqual(Object.keys(no.errors ?? {}), ['items.0.product_id'])
      const off = { order_id, discounts: [{ name: 'x', percent: '5' }] }
      deepEqual(Object.keys((await shop.refused('UpdateOrder', off)).errors ?? {}), ['discounts'])
    })
  })
})

describe('capturing by hand', () => {
  const MANUAL = { ...PAID, 'payments.capture_on': 'manual' }
  it('takes what the order comes to by now, and no more', async () => {
    await using(MANUAL, async (shop) => {
      const order_id = await shop.confirmed()
      await shop.done('CancelOrderLines', { order_id, lines: [{ line: 1, quantity: '2' }] })
      const payment_id = order_id
      const no = await shop.refused('CapturePayment', { payment_id, amount: '15.01' })
      deepEqual([no.code, no.details?.limit], ['amount_exceeds_captured', 15])
      equal((await shop.done('CapturePayment', { payment_id })).amount_minor, 1_500)
      await shop.settle()
      const payment = await shop.get('GetPayment', { payment_id })
      deepEqual([payment?.status, payment?.authorized_minor], ['CAPTURED', 2_500])
    })
  })
  it('is refused for an order that is being cancelled', async () => {
    await using(MANUAL, async (shop) => {
      const order_id = await shop.confirmed()
      await shop.done('CancelOrder', { order_id })
      const no = await shop.refused('CapturePayment', { payment_id: order_id })
      deepEqual([no.code, no.details], ['invalid_state', { status: 'CANCELLED' }])
      await shop.settle()
      equal((await shop.row(order_id)).payment_status, 'voided')
    })
  })
  it('of a part leaves the rest to lapse when the order is cancelled', async () => {
    await using(MANUAL, async (shop) => {
      const order_id = await shop.confirmed()
      await shop.done('CapturePayment', { payment_id: order_id, amount: '10' })
      await shop.settle()
      equal((await shop.row(order_id)).payment_status, 'partially_captured')
      await shop.done('CancelOrder', { order_id })
      await shop.settle()
      equal(await heldOf(shop, order_id), 0)
      const history = await shop.get('GetOrderHistory', { order_id })
      const items = (history?.items ?? []) as readonly Row[]
      const lapsed = items.filter(({ what }) => what === 'PaymentAuthorizationLapsed')
      deepEqual(
        lapsed.map(({ data }) => (data as Row).amount_minor),
        [1_500],
      )
    })
  })
})

describe('two who want the same units at once', () => {
  /** Both at the same time: what came of each. */
  const both = async (shop: OrderShop, one: [string, object], other: [string, object]) =>
    await Promise.all([one, other].map(async ([type, input]) => (await shop.send(type, input)).ok))

  it('cancelling a line against shipping it: one wins, and stock and money follow', async () => {
    for (const isFirst of [true, false])
      await using(PAID, async (shop) => {
        const order_id = await shop.confirmed()
        const cancel: [string, object] = [
          'CancelOrderLines',
          { order_id, lines: [{ line: 1, quantity: '4' }] },
        ]
        const ship: [string, object] = ['ShipOrder', { order_id }]
        await both(shop, ...((isFirst ? [cancel, ship] : [ship, cancel]) as Two))
        await shop.settle()
        const row = await shop.row(order_id)
        equal(row.status, 'SHIPPED')
        const isCancelled = row.total_amount_minor === 500
        equal(isCancelled, isFirst)
        equal(await heldOf(shop, order_id), row.total_amount_minor)
        deepEqual(await stockOf(shop, shop.cup), [isCancelled ? 20 : 16, 0])
      })
  })
  it('two shipments, two returns, two receipts of the same: one of each', async () => {
    await using(PAID, async (shop) => {
      const order_id = await shop.confirmed()
      const lines = [{ line: 1, quantity: '3' }]
      const plan: [string, object] = ['CreateShipment', { order_id, lines }]
      deepEqual((await both(shop, plan, plan)).sort(), [false, true])
      await shop.done('ShipOrder', { order_id })
      const rest = [{ line: 2, quantity: '1.5' }]
      const ask: [string, object] = ['RequestReturn', { order_id, lines: rest, reason: 'x' }]
      deepEqual((await both(shop, ask, ask)).sort(), [false, true])
      const { items } = (await shop.get('ListReturns', { order_id })) as unknown as {
        items: readonly { return_id: string }[]
      }
      const receive: [string, object] = [
        'ReceiveReturn',
        { return_id: items[0]?.return_id, lines: rest },
      ]
      deepEqual((await both(shop, receive, receive)).sort(), [false, true])
      await shop.settle()
      equal(await heldOf(shop, order_id), 2_000)
      deepEqual(await stockOf(shop, shop.tea), [10_000, 0])
    })
  })
  it('changing the items against paying: the payment is of what was ordered then', async () => {
    const settings = { 'reservation.ttl_ms': 900_000, 'payments.methods': ['upi'] }
    for (const isFirst of [true, false])
      await using(settings, async (shop) => {
        const order_id = await shop.order()
        const items = [{ product_id: shop.cup, quantity: '1' }]
        const change: [string, object] = ['UpdateOrder', { order_id, items }]
        const pay: [string, object] = ['ProcessPayment', { order_id, method: 'upi' }]
        const [one, other] = await both(shop, ...((isFirst ? [change, pay] : [pay, change]) as Two))
        const isChanged = isFirst ? one : other
        await shop.settle()
        const row = await shop.row(order_id)
        deepEqual([row.status, row.total_amount_minor], ['CONFIRMED', isChanged ? 500 : 2_500])
        equal(row.payment_status, 'captured')
        const payment = await shop.get('GetPayment', { payment_id: String(row.payment_id) })
        equal(payment?.captured_minor, row.total_amount_minor)
      })
  })
})
type Two = [[string, object], [string, object]]
