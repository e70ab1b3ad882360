// Two processes with tills over one PostgreSQL: each remembers, and neither sells, numbers or lends
// what the other did already.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contextsOf } from '#app/contexts.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import { runApplication } from '#runtime/application.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { openEventLog } from '#storage/postgres/event-log.ts'
import { openKeyRing } from '#storage/postgres/key-ring.ts'
import { absent } from '#testing/absent.ts'
import { testDatabase } from '#testing/postgres-server.ts'

const BUYERS = 24
const PIECES = 10

const database = await testDatabase()
if ('skipped' in database) absent('postgres', database.skipped, 'tills of two processes')
else
  describe('tills of two processes', () => {
    it('sell each piece once, leave no number out, and lend no more than the limit', async () => {
      const shops = await Promise.all([openShop(database.url), openShop(database.url)])
      try {
        const first = shops[0]!
        const customer_id = '01980000-0000-7000-8000-0000000000c1'
        const made = await first.send('CreateProduct', {
          code: 'PEN',
          name: 'Pen',
          sell_price: '2',
        })
        ok(made.ok)
        const { product_id } = made.response
        await first.send('CreateInventory', { product_id, quantity: String(PIECES) })
        await first.send('RegisterCustomer', { customer_id, name: 'Ann', credit_limit: '6' })
        const outcomes = await Promise.all(
          Array.from({ length: BUYERS }, (_, i) =>
            shops[i % 2]!.send('ProcessSale', {
              items: [{ product_code: 'PEN', quantity: '1' }],
              payment_type: i % 3 === 0 ? 'credit' : 'cash',
              ...(i % 3 === 0 ? { customer_id } : {}),
            }),
          ),
        )
        const sold = outcomes.flatMap((one) => (one.ok ? [one.response] : []))
        equal(sold.length, PIECES)
        const numbers = sold.map(({ sale_number }) => Number(String(sale_number).slice(-4)))
        deepEqual(
          numbers.sort((a, b) => a - b),
          Array.from({ length: PIECES }, (_, i) => i + 1),
        )
        ok(sold.filter(({ payment_type }) => payment_type === 'credit').length <= 3)
        const refusals = outcomes.flatMap((one) => (one.ok ? [] : [one.rejection.code]))
        const known = ['insufficient_stock', 'credit_limit_exceeded']
        deepEqual(
          refusals.filter((code) => !known.includes(code)),
          [],
        )
      } finally {
        for (const shop of shops) await shop.close()
        await database.remove()
      }
    })
  })

async function openShop(url: string) {
  const log = await openEventLog({ url })
  const keys = await openKeyRing({ url })
  const reads = await openReadModels()
  const { send, stop } = await runApplication({
    ...{ log, keys, reads, settings: { 'pos.stock_policy': 'block' } },
    contexts: contextsOf({ provider: openPaymentProvider(), carrier: openCarrier() }),
  })
  const close = async () => {
    await stop()
    for (const store of [reads, keys, log]) await store.close()
  }
  return { send, close }
}
