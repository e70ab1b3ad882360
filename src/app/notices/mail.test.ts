// What the shop writes: to customers whose order is confirmed or sent, to operators when something
// has to be done; once, as long as it is news, and never to somebody who was forgotten.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { type App, compose } from '#app/compose.ts'
import { readConfig } from '#app/config.ts'
import type { Recorded } from '#kernel/message.ts'
import type { Delivery } from '#storage/outbox.ts'
import { alertOf, isTold } from './alerts.ts'
import { customerLetter } from './customer-letters.ts'
import { mailSubscriber } from './fixed-subscribers.ts'

type Mail = { readonly to: readonly string[]; readonly text: string }
const OPERATORS = ['ops@example.com', 'boss@example.com']

const PATIENCE_MS = 120_000

describe('the shop’s mail', () => {
  let app: App
  let mails: Mail[] = []
  /** Codes for the next mails; then all are taken. */
  let refusals: number[] = []
  let tries = 0
  const said: string[] = []
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'], logger: false },
    onData(stream, { envelope }, done) {
      void stream.toArray().then((chunks: Buffer[]) => {
        tries++
        const code = refusals.shift()
        const to = envelope.rcptTo.map(({ address }) => address)
        if (code === undefined) mails.push({ to, text: Buffer.concat(chunks).toString() })
        done(code === undefined ? null : Object.assign(new Error('no'), { responseCode: code }))
      })
    },
  })
  const config = (port: number, more: readonly string[] = []) => {
    const sets = [
      ...[
        'database.driver=memory',
        `smtp.url=smtp://127.0.0.1:${port}`,
        'smtp.from=shop@example.com',
      ],
      ...[`notifications.operators=${OPERATORS.join()}`, 'notifications.retry_base=2ms'],
      ...['notifications.customers=order_confirmation,order_shipped', 'cqrs.name=Cups & Co'],
      'notifications.log=StockDiscrepancy*,LowStockReached',
    ]
    const argv = [...sets, ...more].flatMap((set) => ['--set', set])
    const read = readConfig({ env: {}, file: null, argv })
    ok(read.ok, JSON.stringify(read))
    return read.config
  }
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server.server, 'listening')
    const { port } = server.server.address() as AddressInfo
    app = await compose(config(port), { tell: (line) => said.push(line) })
  })
  after(async () => {
    await app.close()
    await new Promise<void>((resolve) => server.close(resolve))
  })
  beforeEach(() => {
    ;[mails, refusals, tries] = [[], [], 0]
    said.length = 0
  })
  afterEach(async () => {
    // Whatever happened: of a person nothing is told. An id may hold the letters of a short name.
    ok(!/\bada\b|ada\d?@|example\.com|lovelace/i.test(said.join('\n')), said.join('\n'))
    await until(isIdle)
  })

  const send = async (type: string, input: object) => {
    const outcome = await app.send(type, input)
    ok(outcome.ok, JSON.stringify(outcome))
    return outcome.response as Record<string, string>
  }
  const product = async (code: string, quantity: string, min_stock = '0') => {
    const { id } = await send('CreateProduct', { code, name: `Tasse ${code}`, sell_price: '9.99' })
    await send('CreateInventory', { product_id: id, quantity, min_stock })
    return id!
  }
  const order = async (product_id: string, more: object = {}) =>
    (
      await send('CreateOrder', {
        ...{ customer_id: randomUUID(), items: [{ product_id, quantity: '2' }] },
        ...more,
      })
    ).order_id!
  const address = { name: 'Ada Lovelace', street: '12 St James', country: 'GB' }
  const toAda = { shipping_address: { ...address, email: 'ada@example.com' } }
  const until = async (done: () => boolean | Promise<boolean>) => {
    for (const end = performance.now() + PATIENCE_MS; !(await done()); await sleep(10))
      ok(performance.now() < end, `${done}: ${mails.length} mails, ${tries} tries`)
  }
  /** No mail waits or is on its way. */
  const isIdle = async () => {
    const { notices } = (await app.operations.health()).components
    return (notices as { mail?: { pending: number } }).mail?.pending === 0
  }
  const textOf = ({ text }: Mail) =>
    text
      .replaceAll('=\r\n', '')
      .replaceAll(/((?:=[0-9A-F]{2})+)/g, (bytes) =>
        Buffer.from(bytes.replaceAll('=', ''), 'hex').toString(),
      )

  test('confirms an order to the address that it has, with its lines and its total', async () => {
    await order(await product('A1', '10'), toAda)
    await until(() => mails.length === 1)
    deepEqual(mails[0]?.to, ['ada@example.com'])
    const text = textOf(mails[0]!)
    match(text, /^Subject: Your order ORD-\d{4}-\d+\r$/m)
    match(
      text,
      /Hello Ada Lovelace,[\s\S]*2 × Tasse A1 {3}19\.98 USD[\s\S]*Total: 19\.98 USD[\s\S]*Cups & Co/,
    )
  })

  test('confirms it to the customer where the order has no address, and tells when it is sent', async () => {
    const customer = { name: 'Ada', email: 'ada2@example.com' }
    const { customer_id } = await send('RegisterCustomer', customer)
    const order_id = await order(await product('A2', '10'), { customer_id })
    await until(() => mails.length === 1)
    deepEqual(mails[0]?.to, ['ada2@example.com'])
    await send('ShipOrder', { order_id })
    await until(() => mails.length === 2)
    match(textOf(mails[1]!), /is on its way[\s\S]*Tracking number: \S+/)
  })

  test('writes nobody who gave no address, or one that is none', async () => {
    const product_id = await product('A3', '10')
    await order(product_id)
    for (const email of ['ada@example.com, eve@example.com', 'ada@example.com\r\nBcc: e@e', 'ada'])
      await order(product_id, { shipping_address: { ...address, email } })
    await order(product_id, toAda)
    await until(() => mails.length === 1)
    await sleep(60)
    equal(tries, 1)
  })

  test('writes nothing to who was forgotten while the mail server was away', async () => {
    const customer = { name: 'Ada', email: 'ada4@example.com' }
    const { customer_id } = await send('RegisterCustomer', customer)
    refusals = Array.from({ length: 1_000 }, () => 451)
    await order(await product('A4', '10'), { customer_id })
    await until(() => tries > 2)
    await send('EraseCustomer', { customer_id, force: true })
    const erased = tries
    // What was under way has ended.
    await until(isIdle)
    refusals = []
    await order(await product('A5', '10'), toAda)
    await until(() => mails.length === 1)
    deepEqual(mails[0]?.to, ['ada@example.com'])
    // One may have been under way.
    ok(tries <= erased + 12, `${tries - erased} tries after it`)
    await sleep(60)
    equal(mails.length, 1)
  })

  test('tries again what is put off, once it is taken never more; gives up what is refused', async () => {
    refusals = [451, 421]
    await order(await product('A6', '10'), toAda)
    await until(() => mails.length === 1)
    equal(tries, 3)
    refusals = [554]
    await order(await product('A7', '10'), toAda)
    await until(() => tries === 4)
    await sleep(80)
    deepEqual([tries, mails.length], [4, 1])
  })

  test('says to operators that it waits, and why, until one is taken', async () => {
    const warned = async () => (await app.operations.health()).warnings.join('\n')
    refusals = Array.from({ length: 100 }, () => 451)
    await order(await product('A9', '10'), toAda)
    await until(async () => /e-mail waits: EMESSAGE 451/.test(await warned()))
    refusals = []
    await until(() => mails.length === 1)
    await until(async () => !/e-mail/.test(await warned()))
  })

  test('tells operators of low stock, and the log in one line', async () => {
    const product_id = await product('A8', '10', '5')
    await send('AdjustInventory', { product_id, adjustment: '-6', reason: 'broken' })
    await until(() => mails.length === 1)
    deepEqual(mails[0]?.to, OPERATORS)
    match(textOf(mails[0]!), /low stock of/)
    match(textOf(mails[0]!), /has fallen to 4;\r\nits threshold is 5\./)
    await until(() => said.length === 1)
    const { event_id, position, ...line } = JSON.parse(said[0]!)
    ok(typeof event_id === 'string' && position > 0)
    deepEqual(Object.keys(line), [
      ...['notice', 'aggregate_type', 'aggregate_id', 'version', 'occurred_at'],
    ])
    equal(line.notice, 'LowStockReached')
  })
})

test('nobody is written from the moment on in which it is asked that he be forgotten', async () => {
  const confirmed = { event_type: 'OrderConfirmed', aggregate_id: 'o-1', data: {} } as Recorded
  const data = { customer_id: 'c-1', currency: 'USD', shipping_address: { email: 'ada@a.example' } }
  const created = { event_type: 'OrderCreated', data } as Recorded
  const asked = { event_type: 'ErasureRequested', data: {} } as Recorded
  // The key that opens the address is still there.
  const streams = new Map([['order-o-1', [created]]])
  const events = async ([stream = '']: readonly string[]) => streams.get(stream) ?? []
  const written = await customerLetter(confirmed, events, 'Shop')
  ok(typeof written === 'object' && written.to === 'ada@a.example')
  streams.set('erasure-c-1', [asked])
  equal(await customerLetter(confirmed, events, 'Shop'), 'the person is forgotten')
})

describe('an alert', () => {
  const about = (event_type: string, data: object) =>
    alertOf({ event_type, data } as Recorded, 'Shop')
  test('has words for each of what needs a person, and none for what does not', () => {
    const saga_id = 's-1'
    const stuck = about('SagaFailed', {
      saga_id,
      outcome: 'needs_attention',
      reason: 'void failed',
    })
    deepEqual(stuck, {
      subject: 'Shop: the process s-1 needs a person',
      text: 'The process s-1 cannot go on by itself: void failed\n',
    })
    equal(about('SagaFailed', { saga_id, outcome: 'compensated', reason: 'declined' }), null)
    const failed = { saga_id, step: 'refund', attempt: 10 }
    match(about('SagaStepFailed', { ...failed, needs_attention: true })!.text, /refund does not/)
    equal(about('SagaStepFailed', failed), null)
    const place = { product_id: 'p-1', store_id: 'main' }
    const odd = about('StockDiscrepancyDetected', { ...place, kind: 'negative_stock' })
    match(odd!.text, /In store main, product p-1: negative stock\./)
    match(about('WebhookPaused', { webhook_id: 'w', reason: 'gone' })!.text, /receiver has gone/)
    const owed = { payment_id: 'p', amount_minor: 1_250, currency: 'EUR', reason: 'less was kept' }
    match(about('PaymentRefundOwed', owed)!.text, /payment p .*: 12\.50 EUR to be given back where/)
    match(about('PaymentRefundOwed', { ...owed, currency: 'JPY' })!.text, / 1250 JPY to be/)
    const opened = { customer_id: 'c-9', currency: 'EUR', is_erased: false }
    match(about('CustomerAccountOpened', opened)!.text, /account c-9 .*nobody is registered/)
    equal(about('CustomerAccountOpened', { ...opened, is_erased: true }), null)
    equal(about('OrderCreated', {}), null)
  })

  test('is told once of what fails again and again, and once more of something else', () => {
    const failed = (version: number, step: string, needs_attention: boolean) =>
      ({ event_type: 'SagaStepFailed', version, data: { step, needs_attention } }) as Recorded
    const events = [
      ...[failed(1, 'label', false), failed(2, 'label', true), failed(3, 'label', true)],
      ...[failed(4, 'refund', true), failed(5, 'label', true)],
    ]
    deepEqual(
      events.filter((event) => alertOf(event, 'Shop') && !isTold(event, events)),
      [events[1], events[3]],
    )
  })
})

test('of a storm operators are written so many messages, the last of which says so', async () => {
  let now = 0
  let taken = true
  const letters: string[] = []
  const { deliver } = mailSubscriber({
    mailer: {
      async send(_, { text }) {
        if (!taken) return { is: 'failed', status: null, error: 'away' }
        letters.push(text)
        return { is: 'taken', status: 250 }
      },
      ...{ trouble: () => null, close: () => {} },
    },
    ...{ from: 0, shop: 'Shop', operators: OPERATORS, customers: [], maxAgeMs: 1_000 },
    ...{ alertsMax: 3, events: async () => [], clock: () => now },
  })
  const tell = async (event_type: string) =>
    (await deliver({ event_type, data: {} } as Recorded, {} as Delivery)).is
  const told = async (count: number, event_type = 'LowStockReached') => {
    const all: string[] = []
    for (let i = 0; i < count; i++) all.push(await tell(event_type))
    return all
  }
  // What could not be sent is none of them.
  taken = false
  deepEqual(await told(5), Array(5).fill('failed'))
  taken = true
  deepEqual(await told(5), ['taken', 'taken', 'taken', 'skipped', 'skipped'])
  deepEqual(
    letters.map((text) => /alerts_per_hour/.test(text)),
    [false, false, true],
  )
  // Of something else they are told all the same, and of this again in the next hour.
  deepEqual(await told(1, 'StockDiscrepancyDetected'), ['taken'])
  now += 3_600_000
  deepEqual(await told(1), ['taken'])
})

test('mail settings that cannot work are refused at the start', () => {
  const problems = (...sets: string[]) => {
    const argv = sets.flatMap((set) => ['--set', set])
    const read = readConfig({ env: {}, file: null, argv })
    return read.ok ? '' : read.problems.join('\n')
  }
  match(problems('smtp.url=smtp://mail.example:587'), /smtp\.from is not: say who/)
  match(problems('notifications.operators=a@b.example'), /smtp\.url is not: say which server/)
  const secret = problems('smtp.url=http://user:geheim@mail.example', 'smtp.from=a@b.example')
  match(secret, /smtp\.url is not acceptable/)
  ok(!secret.includes('geheim'))
  match(problems('smtp.from=Shop <a@b.example>'), /smtp\.from is "Shop <a@b\.example>"/)
  match(problems('notifications.customers=weather'), /notifications\.customers/)
  match(problems('notifications.log=Order.*'), /notifications\.log/)
  match(problems('webhooks.timeout=1h'), /webhooks\.timeout/)
  equal(problems('smtp.url=smtps://u:p@[::1]:465?a=b', 'smtp.from=a@b.example'), '')
})
