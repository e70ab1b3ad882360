// Customers behind the real gateway: what many do at once ends as if one had come after the other.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { users } from '#contexts/users/users.ts'
import type { Context } from '#kernel/context.ts'
import { accept, command } from '#kernel/decider.ts'
import { id, integer, money, object } from '#kernel/schema.ts'
import { type Application, runApplication } from '#runtime/application.ts'
import { openEventLog } from '#storage/memory/event-log.ts'
import { openKeyRing } from '#storage/memory/key-ring.ts'
import { openReadModels } from '#storage/memory/read-models.ts'
import { moveBalance } from './balance.ts'
import { customer } from './customer.ts'
import { customers } from './customers.ts'

/** As a till sells on credit. */
const sellOnCredit = command({
  type: 'SellOnCredit',
  input: object({ customer_id: id(), amount_minor: integer(), number: integer() }),
  reads: ({ customer_id }) => [customer.at(customer_id)],
  decide({ number, ...move }, given, moment) {
    const sale = { currency: 'USD', cause: 'sale', reference: `S-${number}`, reason: null } as const
    const moved = moveBalance(given, { ...move, ...sale }, moment)
    if ('rejected' in moved) return moved
    return accept(moved.writes, { balance_minor: moved.balance_minor })
  },
  answer: object({ balance_minor: money() }),
})
const till: Context = {
  name: 'till',
  aggregates: [],
  commands: [sellOnCredit],
  projections: [],
  queries: [],
}

/** Two processes over one log; what one remembers, the other may have made old. */
async function openTwo() {
  const [log, keys] = [await openEventLog(), await openKeyRing()]
  const shared = { ...log, capabilities: { ...log.capabilities, manyProcesses: true } }
  const errors: unknown[] = []
  const open = async () => {
    const reads = await openReadModels()
    const contexts = [users, customers, till]
    const onError = (error: unknown) => errors.push(error)
    return await runApplication({ contexts, log: shared, reads, keys, onError, waitMs: 60_000 })
  }
  const apps: readonly [Application, Application] = [await open(), await open()]
  return {
    apps,
    log,
    async [Symbol.asyncDispose]() {
      for (const app of apps) await app.stop()
      await log.close()
      deepEqual(errors, [])
    },
  }
}
const ANN = '01980000-0000-7000-8000-0000000000aa'
const balanceOf = async (app: Application, minPosition: number) => {
  const told = await app.ask(
    'GetCustomerBalance',
    { customer_id: ANN, limit: 1_000 },
    { minPosition },
  )
  ok(told.ok, JSON.stringify(told))
  return told.result as {
    balance_minor: number
    available_credit_minor: number | null
    total: number
    items: readonly { change_minor: number; balance_minor: number; reference: string }[]
  }
}

describe('many at once', () => {
  test('spend a credit limit once, whichever process they come to', async () => {
    await using shop = await openTwo()
    const { apps, log } = shop
    const ann = { customer_id: ANN, name: 'Ann', credit_limit: '10' }
    ok((await apps[0].send('RegisterCustomer', ann)).ok)
    const sales = Array.from({ length: 30 }, (_, number) =>
      apps[number % 2]!.send('SellOnCredit', { customer_id: ANN, amount_minor: 300, number }),
    )
    const outcomes = await Promise.all(sales)
    equal(outcomes.filter(({ ok }) => ok).length, 3)
    const refused = outcomes.flatMap((one) => (one.ok ? [] : [one.rejection.code]))
    deepEqual(new Set(refused), new Set(['credit_limit_exceeded']))
    const { position } = await log.head()
    for (const app of apps) {
      const { balance_minor, available_credit_minor, items } = await balanceOf(app, position)
      deepEqual([balance_minor, available_credit_minor], [900, 100])
      deepEqual(
        items.map((each) => [each.change_minor, each.balance_minor]),
        [
          [300, 900],
          [300, 600],
          [300, 300],
        ],
      )
    }
  })

  test('sell, pay and put right: the ledger adds up to the balance', async () => {
    await using shop = await openTwo()
    const { apps, log } = shop
    ok((await apps[0].send('RegisterCustomer', { customer_id: ANN, name: 'Ann' })).ok)
    const work = Array.from({ length: 60 }, (_, number) => {
      const app = apps[number % 2]!
      const amount = `${number}.01`
      if (number % 3 === 0)
        return app.send('SellOnCredit', { customer_id: ANN, amount_minor: number * 7, number })
      if (number % 3 === 1) return app.send('ReceiveCustomerPayment', { customer_id: ANN, amount })
      return app.send('AdjustCustomerBalance', { customer_id: ANN, amount, reason: 'counted' })
    })
    for (const outcome of await Promise.all(work)) ok(outcome.ok, JSON.stringify(outcome))
    const { position } = await log.head()
    const { balance_minor, items, total } = await balanceOf(apps[0], position)
    equal(total, 59)
    equal(
      items.reduce((sum, { change_minor }) => sum + change_minor, 0),
      balance_minor,
    )
    for (const [at, { change_minor, balance_minor }] of items.entries())
      equal(balance_minor - change_minor, items[at + 1]?.balance_minor ?? 0)
  })

  test('register one e-mail: one has it, in whatever case the others wrote it', async () => {
    await using shop = await openTwo()
    const { apps, log } = shop
    for (const [type, rest] of [
      ['RegisterCustomer', {}],
      ['CreateUser', { age: 40 }],
    ] as const) {
      const spelled = ['ann@example.com', 'Ann@Example.com', ' ANN@EXAMPLE.COM', 'ann@example.com ']
      const outcomes = await Promise.all(
        spelled.map((email, at) => apps[at % 2]!.send(type, { name: 'Ann', email, ...rest })),
      )
      equal(outcomes.filter(({ ok }) => ok).length, 1)
      for (const outcome of outcomes) {
        if (outcome.ok) continue
        equal(outcome.rejection.code, 'already_exists')
        // Not who has it, and not what it was made into.
        ok(!/blind/.test(JSON.stringify(outcome.rejection)))
      }
    }
    const claims = await log.claims(null, 100)
    deepEqual(
      claims.map(({ scope }) => scope),
      ['customer_email', 'user_email'],
    )
    ok(claims.every(({ value }) => /^blind:/.test(value)))
    ok(
      !JSON.stringify(await log.readAll(0, 100))
        .toLowerCase()
        .includes('ann@'),
    )
  })

  test('repeat a registration: it is one customer, and no guess fits its record', async () => {
    await using shop = await openTwo()
    const { apps, log } = shop
    const input = { name: 'Ann', email: 'ann@example.com' }
    const send = (at: number, more: object = {}) =>
      apps[at % 2]!.send('RegisterCustomer', { ...input, ...more }, { command_id: 'c-1' })
    const outcomes = await Promise.all([0, 1, 2, 3, 4, 5].map((at) => send(at)))
    const made = outcomes.map((one) => (one.ok ? one.response.customer_id : one.rejection.code))
    equal(new Set(made).size, 1)
    const other = await send(0, { phone: '1' })
    equal(other.ok ? 'done' : other.rejection.code, 'idempotency_key_reused')
    const record = await log.commandRecord('c-1')
    const told = JSON.stringify({ email: input.email, name: input.name })
    const text = `{"input":${told},"type":"RegisterCustomer"}`
    match(record!.fingerprint, /^blind:/)
    ok(!record!.fingerprint.includes(hash('sha256', text, 'base64url')))
  })

  test('change to one e-mail, and what was given back is free', async () => {
    await using shop = await openTwo()
    const { apps } = shop
    const register = async (name: string) => {
      const done = await apps[0].send('RegisterCustomer', { name, email: `${name}@example.com` })
      ok(done.ok)
      return String(done.response.customer_id)
    }
    const ids = [await register('ann'), await register('bob')]
    const email = 'carl@example.com'
    const changes = await Promise.all(
      ids.map((customer_id, at) => apps[at]!.send('UpdateCustomer', { customer_id, email })),
    )
    equal(changes.filter(({ ok }) => ok).length, 1)
    const winner = changes[0]!.ok ? 'ann' : 'bob'
    const loser = changes[0]!.ok ? 'bob' : 'ann'
    const registered = async (name: string) =>
      (await apps[1].send('RegisterCustomer', { name, email: `${name}@example.com` })).ok
    deepEqual([await registered(winner), await registered(loser)], [true, false])
  })
})
