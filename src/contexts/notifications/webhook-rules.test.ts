// Registering, changing, pausing and removing webhooks; which events a pattern means.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command } from '#kernel/decider.ts'
import { type EventTypes, eventTypes } from '#kernel/event-types.ts'
import { check, id, object } from '#kernel/schema.ts'
import { given } from '#testing/given.ts'
import { typesWanted } from './event-patterns.ts'
import { webhook } from './webhook.ts'
import { webhookCommands } from './webhook-commands.ts'

const data = object({ order_id: id() })
const types: EventTypes = eventTypes({
  OrderCreated: { data },
  OrderCancelled: { data },
  StockAdded: { data, aliases: ['StockReplenished'] },
})
const commands = new Map(webhookCommands(types).map((one) => [one.type, one]))
const named = (type: string): Command => commands.get(type)!
const ID = '01980000-0000-7000-8000-000000000001'
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const url = 'https://shop.example/hooks'
const shown = {
  ...{ webhook_id: ID, url, event_types: ['Order*'], include_personal: false },
  ...{ description: null, active: true },
}
const registered = webhook.write(ID, [
  webhook.event('WebhookRegistered', { ...shown, from_position: null, secret: null }),
])
const paused = webhook.write(ID, [
  webhook.event('WebhookPaused', { webhook_id: ID, reason: 'failing' }),
])
const removed = webhook.write(ID, [webhook.event('WebhookRemoved', { webhook_id: ID })])
const input = { webhook_id: ID, url, event_types: ['Order*'] }

describe('registering a webhook', () => {
  const register = named('RegisterWebhook')
  test('writes it down, and answers without the secret', () => {
    const then = given().when(register, { ...input, secret: SECRET, from_position: 7 })
    const event = { ...shown, secret: SECRET, from_position: 7 }
    then.writes(webhook.write(ID, [webhook.event('WebhookRegistered', event)]))
    then.answers({ ...shown, paused: null })
    ok(!JSON.stringify(then.decision().response).includes(SECRET))
  })

  test('is refused for an id that is taken, also by one that was removed', () => {
    given(registered).when(register, input).rejects('already_exists')
    given(registered, removed).when(register, input).rejects('already_exists')
  })

  test('says what a URL is like, whatever was given for one', () => {
    for (const odd of ['ftp://shop.example', 'shop.example/hooks', 'no']) {
      ok(check(register.input, { ...input, url: odd }).ok)
      given()
        .when(register, { ...input, url: odd })
        .rejects('validation_failed', {
          errors: { url: 'must be an address such as https://shop.example/hooks' },
        })
    }
  })

  test('names each field that is wrong', () => {
    const wrong = { ...input, url: 'http://10.0.0.1/', event_types: ['Order*', 'Nothing*'] }
    given()
      .when(register, wrong)
      .rejects('validation_failed', {
        errors: {
          url: 'must not be in a network of our own (setting webhooks.allow_private)',
          'event_types.1': 'fits no event that there is',
        },
      })
  })

  test('reaches our own network only where that is allowed', () => {
    const own = { ...input, url: 'http://10.0.0.1/' }
    given()
      .at({ settings: { 'webhooks.allow_private': true } })
      .when(register, own)
      .decision()
    const settings = { 'webhooks.allow_private': true, 'webhooks.allowed_hosts': ['a.example'] }
    given().at({ settings }).when(register, own).rejects('validation_failed')
  })

  test('takes a secret of 32 to 64 bytes and no other', () => {
    const of = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
    for (const bytes of [32, 33, 48, 64])
      given()
        .when(register, { ...input, secret: of(bytes) })
        .decision()
    for (const secret of [of(31), of(65), of(32).slice(6), 'whsec_', `${of(32)}\n`, `${of(33)}A`]) {
      const isTaken = check(register.input, { ...input, secret }).ok
      if (isTaken)
        given()
          .when(register, { ...input, secret })
          .rejects('validation_failed')
    }
  })

  test('takes patterns of letters and stars only', () => {
    for (const one of ['*', 'Order*', '*Created'])
      equal(check(register.input, { ...input, event_types: [one] }).ok, true, one)
    for (const one of ['', 'Order.*', 'a b', 'Order\n', 'x'.repeat(101)])
      equal(check(register.input, { ...input, event_types: [one] }).ok, false, one)
    equal(check(register.input, { ...input, event_types: [] }).ok, false)
  })
})

describe('a webhook', () => {
  const [update, remove, pause] = ['UpdateWebhook', 'RemoveWebhook', 'PauseWebhook'].map(named) as [
    Command,
    Command,
    Command,
  ]
  const changes = (change: object) =>
    webhook.write(ID, [webhook.event('WebhookUpdated', { webhook_id: ID, ...change })])

  test('changes what is other than it is, and nothing twice', () => {
    const change = { webhook_id: ID, event_types: ['StockReplenished'], active: true, url }
    given(registered)
      .when(update, change)
      .writes(changes({ event_types: ['StockReplenished'] }))
    given(registered).when(update, { webhook_id: ID, url }).writesNothing()
    given(registered)
      .when(update, { webhook_id: ID, url: 'http://[::1]/' })
      .rejects('validation_failed')
    given(registered, removed).when(update, change).rejects('not_found')
    given().when(update, change).rejects('not_found')
  })

  test('gets another secret, which its answer does not repeat', () => {
    const then = given(registered).when(update, { webhook_id: ID, secret: SECRET })
    then.writes(changes({ secret: SECRET }))
    ok(!JSON.stringify(then.decision().response).includes(SECRET))
  })

  test('is paused once, and goes on when it is turned on again', () => {
    const asked = { webhook_id: ID, reason: 'failing' }
    given(registered).when(pause, asked).writes(paused)
    given(registered, paused).when(pause, asked).writesNothing()
    given(registered, removed).when(pause, asked).writesNothing()
    given().when(pause, asked).writesNothing()
    const on = given(registered, paused).when(update, { webhook_id: ID, active: true })
    on.writes(changes({ active: true }))
    on.answers({ ...shown, paused: null })
    given(registered, paused, changes({ active: true }))
      .when(pause, asked)
      .writes(paused)
  })

  test('is removed once', () => {
    given(registered).when(remove, { webhook_id: ID }).writes(removed)
    given(registered, removed).when(remove, { webhook_id: ID }).writesNothing()
    given().when(remove, { webhook_id: ID }).rejects('not_found')
  })

  test('is asked to send again as long as it is there', () => {
    const requests = [
      ['ReplayWebhook', { webhook_id: ID, from_position: 3 }],
      ['ReplayWebhookDelivery', { webhook_id: ID, event_id: 'e-1' }],
    ] as const
    for (const [type, asked] of requests) {
      const wanted = { event_id: null, from_position: null, ...asked }
      given(registered)
        .when(named(type), asked)
        .writes(webhook.write(ID, [webhook.event('WebhookReplayRequested', wanted)]))
      given(registered, removed).when(named(type), asked).rejects('not_found')
    }
  })
})

describe('a pattern', () => {
  const meant = (...patterns: string[]) => [...typesWanted(patterns, types)]
  test('means names, with a star for any letters; other names of a type too', () => {
    deepEqual(meant('*'), ['OrderCreated', 'OrderCancelled', 'StockAdded'])
    deepEqual(meant('Order*', 'OrderCreated'), ['OrderCreated', 'OrderCancelled'])
    deepEqual(meant('*Created', 'StockReplenished'), ['OrderCreated', 'StockAdded'])
    deepEqual(meant('O*C*ed'), ['OrderCreated', 'OrderCancelled'])
    deepEqual(meant('O*r*C*d'), ['OrderCreated', 'OrderCancelled'])
    deepEqual(meant('Order', 'order*', 'OrderCreatedd*', 'OrderCreated*d', '*OrderOrder*'), [])
    deepEqual(meant('OrderCreate*reated'), [])
  })
})
