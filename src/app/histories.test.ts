// Histories as a shopkeeper reads them: everything that has a stream has one, in words that name
// stores and orders as people do, and nothing secret is in it.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'

type Entry = {
  readonly what: string
  readonly words: string
  readonly who: string | null
  readonly data: object
}

describe('a history', () => {
  let app: App
  before(async () => {
    const argv = [
      ...['database.driver=memory', 'webhooks.allow_private=true'],
      'pos.refund_without_original=allow',
    ]
    const config = readConfig({ env: {}, file: null, argv: argv.flatMap((set) => ['--set', set]) })
    ok(config.ok)
    app = await compose(config.config)
  })
  after(() => app.close())

  const done = async (type: string, input: object) => {
    const outcome = await app.send(type, input, { user_id: 'ann' })
    ok(outcome.ok, JSON.stringify(outcome))
    await app.projected(outcome.position)
    return outcome.response as Readonly<Record<string, string>>
  }
  const history = async (type: string, input: object) => {
    const answer = await app.ask(type, input)
    ok(answer.ok, JSON.stringify(answer))
    return ((answer.result as { items: readonly Entry[] } | null)?.items ?? null) as Entry[] | null
  }
  const words = async (type: string, input: object) =>
    (await history(type, input))?.map((entry) => entry.words)
  const product = async (code: string) => {
    const { product_id } = await done('CreateProduct', { code, name: code, sell_price: '5' })
    await done('AddStock', { product_id, quantity: '9' })
    return product_id!
  }

  test('names stores and orders as people do', async () => {
    const product_id = await product('CUP')
    const { store_id } = await done('CreateStore', { name: 'Harbour Street' })
    const { order_number, order_id } = await done('CreateOrder', {
      customer_id: 'ada',
      items: [{ product_id, quantity: '2' }],
    })
    const lines = [{ product_id, quantity: '1' }]
    const { transfer_id } = await done('StartTransfer', {
      ...{ from_store_id: MAIN_STORE_ID, to_store_id: store_id, lines },
    })
    const told = (await words('GetStockHistory', { product_id }))?.join('\n') ?? ''
    ok(told.includes(`2 held for order ${order_number}`), told)
    ok(told.includes('1 sent to store Harbour Street'), told)
    const [sent] = (await words('GetTransferHistory', { transfer_id })) ?? []
    equal(sent, '1 product sent from store main to Harbour Street')
    const order = (await words('GetOrderHistory', { order_id }))?.join('\n') ?? ''
    ok(order.includes('Fulfilment began: Reserve inventory, '), order)
    // Held by somebody else: there is no order, and its id is all there is to say.
    const { reservation_id } = await done('ReserveInventory', { lines })
    ok((await words('GetStockHistory', { product_id }))?.includes(`1 held for ${reservation_id}`))
  })

  test('is there for a register, and for what is given back at it', async () => {
    const product_id = await product('TEA')
    const till = { register_id: 'till1' }
    const sold = { items: [{ product_id, quantity: '2' }], payment_type: 'cash' }
    const { sale_id, sale_number } = await done('ProcessSale', { ...till, ...sold })
    const back = { items: [{ product_id, quantity: '1' }], tender: 'cash', cause: 'broken' }
    const { refund_id } = await done('RefundWithoutSale', { ...till, ...back })
    const register = await history('GetRegisterHistory', till)
    deepEqual(register?.map((entry) => [entry.words, entry.who]).slice(0, 1), [
      [`Sale ${sale_number} booked`, 'ann'],
    ])
    equal(register?.length, 2)
    equal(await history('GetRegisterHistory', { ...till, store_id: 'elsewhere' }), null)
    const [refund] = (await words('GetRefundHistory', { refund_id })) ?? []
    ok(refund?.startsWith('5.00 USD given back for 1 line'), refund)
    ok((await words('GetStockHistory', { product_id }))?.includes('2 sold'))
    const partly = { sale_id, lines: [{ line: 1, quantity: '1' }] }
    const again = await done('RefundSale', { ...till, ...partly })
    const whole = await words('GetRefundHistory', { refund_id: again.refund_id })
    deepEqual(whole, await words('GetSaleHistory', { sale_id }))
    equal(await history('GetRefundHistory', { refund_id: 'none' }), null)
  })

  test('of a webhook does not tell its secret', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const asked = { url: 'http://127.0.0.1:9/', event_types: ['Store*'] }
    const { webhook_id } = await done('RegisterWebhook', { ...asked, secret })
    await done('UpdateWebhook', { webhook_id, secret, active: false })
    const entries = await history('GetWebhookHistory', { webhook_id })
    deepEqual(
      entries?.map((entry) => entry.words),
      ['Registered for 1 kind of events', 'Changed: secret, active'],
    )
    ok(!JSON.stringify(entries).includes('secret":'), JSON.stringify(entries))
    ok(!JSON.stringify(entries).includes(secret.slice(6)))
  })

  test('of an erasure says what was asked and that it is done', async () => {
    const { customer_id } = await done('RegisterCustomer', { name: 'Ada Lovelace' })
    await done('EraseCustomer', { customer_id })
    const [first] = (await words('GetErasureHistory', { subject: customer_id })) ?? []
    equal(first, 'Erasure of the customer asked for')
  })
})
