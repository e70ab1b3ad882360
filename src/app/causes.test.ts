// Whatever follows from a request, however much later and whoever does it, carries its correlation
// id, and names what it follows from: an event leads back to the request, step by step.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Recorded } from '#kernel/message.ts'
import { type App, compose } from './compose.ts'
import { readConfig } from './config.ts'

describe('what follows from a request', () => {
  let app: App
  before(async () => {
    const sets = ['database.driver=memory', 'payments.default_method=credit_card']
    const argv = sets.flatMap((set) => ['--set', set])
    const config = readConfig({ env: {}, file: null, argv })
    ok(config.ok)
    app = await compose(config.config)
  })
  after(() => app.close())

  const done = async (type: string, input: object, correlation_id: string) => {
    const outcome = await app.send(type, input, {
      correlation_id,
      command_id: `of ${correlation_id}`,
    })
    ok(outcome.ok, JSON.stringify(outcome))
    return outcome.response as Readonly<Record<string, string>>
  }
  /** All events with this correlation id, once `last` is among them. */
  const caused = async (correlation_id: string, last: string) => {
    for (;;) {
      const events = (await app.log.readAll(0, 10_000)).filter(
        ({ metadata }) => metadata.correlation_id === correlation_id,
      )
      if (events.some(({ event_type }) => event_type === last)) return events
      await sleep(20)
    }
  }
  /** From this event to the first command, by what each names as its cause. */
  const wayBack = (from: Recorded, events: readonly Recorded[]): readonly string[] => {
    const cause = events.find(({ event_id }) => event_id === from.metadata.causation_id)
    const rest = cause === undefined ? [from.metadata.causation_id!] : wayBack(cause, events)
    return [from.event_type, ...rest]
  }
  const product = async () => {
    const { product_id } = await done(
      'CreateProduct',
      { code: 'CUP', name: 'Cup', sell_price: '5' },
      'goods',
    )
    await done('AddStock', { product_id, quantity: '9' }, 'stock')
    return product_id!
  }

  test('its payment, parcel and saga carry its correlation id, and so does what undoes them', async () => {
    const product_id = await product()
    const items = [{ product_id, quantity: '2' }]
    const { order_id } = await done('CreateOrder', { customer_id: 'ada', items }, 'bought')
    const events = await caused('bought', 'PaymentProcessed')
    const types = events.map(({ event_type }) => event_type)
    for (const one of ['PaymentAuthorized', 'ShippingLabelCreated', 'OrderConfirmed'])
      ok(types.includes(one), `${one} among ${types}`)
    for (const event of events) equal(wayBack(event, events).at(-1), 'of bought')
    const completed = events.find(({ event_type }) => event_type === 'SagaCompleted')!
    const steps = wayBack(completed, events)
    ok(steps.filter((type) => type === 'SagaStepStarted').length >= 2, String(steps))
    // Nothing of the order was written for any other reason.
    const all = (await app.log.readAll(0, 10_000)).filter(({ metadata, data }) => {
      return metadata.correlation_id !== 'bought' && JSON.stringify(data).includes(order_id!)
    })
    deepEqual(all, [])

    await done('CancelOrder', { order_id, reason: 'too late' }, 'regretted')
    const undone = await caused('regretted', 'PaymentRefunded')
    for (const event of undone) equal(wayBack(event, undone).at(-1), 'of regretted')
  })
})
