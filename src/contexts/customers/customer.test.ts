// What may become of a customer, and of what is owed.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { user } from '#contexts/users/public.ts'
import type { Write } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { commandIn, given, NOW, statesAfter } from '#testing/given.ts'
import { type BalanceMove, moveBalance } from './balance.ts'
import { customer } from './customer.ts'
import { customers } from './customers.ts'
import { customerTrouble } from './public.ts'

const command = commandIn(customers.commands)
const ANN = '01980000-0000-7000-8000-0000000000aa'
const blinded = (email: string) => `blind:customer_email:${email}`
const claimOf = (email: string): Claim => ({
  scope: 'customer_email',
  value: blinded(email),
  owner: `customer-${ANN}`,
})
const registered = (limit: number | null = null): Write =>
  customer.write(ANN, [
    customer.event('CustomerRegistered', {
      customer_id: ANN,
      name: 'Ann',
      email: 'Ann@Example.com',
      phone: null,
      addresses: [],
      notes: null,
      email_claim: blinded('ann@example.com'),
      currency: 'EUR',
      credit_limit_minor: limit,
      registered_at: NOW,
    }),
  ])
const event = (...args: Parameters<typeof customer.event>): Write =>
  customer.write(ANN, [customer.event(...args)])
const archived = event('CustomerArchived', { customer_id: ANN })
const erased = event('CustomerErased', { customer_id: ANN, erased_at: NOW })
const owes = (balance_minor: number): Write =>
  event('CustomerBalanceChanged', {
    customer_id: ANN,
    change_minor: balance_minor,
    balance_minor,
    currency: 'EUR',
    cause: 'sale',
    reference: null,
    reason: null,
    occurred_at: NOW,
  })

describe('a customer', () => {
  const ann = { customer_id: ANN, name: ' Ann ', email: ' Ann@Example.com', currency: 'EUR' }
  test('is registered once, and the e-mail is claimed in whatever case', () => {
    given()
      .when(command('RegisterCustomer'), ann)
      .writes(registered())
      .claims([claimOf('ann@example.com')])
      .answers({ customer_id: ANN, balance_minor: 0, available_credit_minor: null })
    given(registered()).when(command('RegisterCustomer'), ann).rejects('already_exists')
    given(erased).when(command('RegisterCustomer'), ann).rejects('invalid_state')
  })
  test('hears of all mistakes at once', () => {
    given()
      .at({ settings: { 'money.currencies': ['USD'] } })
      .when(command('RegisterCustomer'), {
        name: '  ',
        email: 'ann@localhost',
        currency: 'EUR',
        credit_limit: '1.234',
      })
      .rejects('validation_failed', {
        errors: {
          name: 'must not be blank',
          email: 'must be an e-mail address',
          currency: 'must be one of USD',
          credit_limit: 'must have at most 2 decimals',
        },
      })
  })
  test('has an account in the shop’s currency unless told otherwise, and fields as they are told', () => {
    const registers = (settings: object, more: object = {}) =>
      given()
        .at({ settings: { ...settings } })
        .when(command('RegisterCustomer'), { customer_id: ANN, name: 'Ann', ...more })
    registers({}).answers({ currency: 'USD' })
    registers({ 'money.default': 'CHF' }).answers({ currency: 'CHF' })
    registers({}, { credit_limit: '100000000000.01' }).rejects('validation_failed', {
      errors: { credit_limit: 'is too large' },
    })
    const updates = (input: object) =>
      given(registered()).when(command('UpdateCustomer'), { customer_id: ANN, ...input })
    const addresses = [{ city: 'Bern' }]
    updates({ name: ' Anne ', addresses, notes: 'rings twice' }).writes(
      event('CustomerUpdated', { customer_id: ANN, name: 'Anne', addresses, notes: 'rings twice' }),
    )
    updates({ phone: null }).writes(event('CustomerUpdated', { customer_id: ANN, phone: null }))
    updates({ name: ' ' }).rejects('validation_failed', { errors: { name: 'must not be blank' } })
  })
  test('who changes the e-mail gives the old one back, and keeps it when only its case changes', () => {
    const to = (email: string | null) =>
      given(registered()).when(command('UpdateCustomer'), { customer_id: ANN, email })
    to('ann@other.org').claims([claimOf('ann@other.org')], [claimOf('ann@example.com')])
    to('ANN@example.com').claims([claimOf('ann@example.com')])
    to(null).claims([], [claimOf('ann@example.com')])
    given(registered())
      .when(command('UpdateCustomer'), { customer_id: ANN, phone: ' 123 ' })
      .writes(event('CustomerUpdated', { customer_id: ANN, phone: '123' }))
      .claims([])
    given(registered()).when(command('UpdateCustomer'), { customer_id: ANN }).writesNothing()
    given().when(command('UpdateCustomer'), { customer_id: ANN, name: 'x' }).rejects('not_found')
  })
  test('is archived and comes back, but not while something is owed', () => {
    const archive = { customer_id: ANN }
    given(registered()).when(command('ArchiveCustomer'), archive).writes(archived)
    given(registered(), archived).when(command('ArchiveCustomer'), archive).writesNothing()
    const owing = given(registered(), owes(5))
    owing.when(command('ArchiveCustomer'), archive).rejects('invalid_state')
    owing.when(command('ArchiveCustomer'), { ...archive, force: true }).writes(archived)
    given(registered(), archived)
      .when(command('RestoreCustomer'), archive)
      .writes(event('CustomerRestored', { customer_id: ANN }))
    const restored = event('CustomerRestored', { customer_id: ANN })
    given(registered(), archived, restored)
      .when(command('RestoreCustomer'), archive)
      .writesNothing()
      .answers({ is_active: true })
    given(registered(), archived, restored)
      .when(command('UpdateCustomer'), { customer_id: ANN, phone: '1' })
      .answers({ customer_id: ANN, is_active: true })
    given().when(command('RestoreCustomer'), archive).rejects('not_found')
    given().when(command('ArchiveCustomer'), archive).rejects('not_found')
    given(registered(), erased).when(command('RestoreCustomer'), archive).rejects('invalid_state')
    given(registered(), archived)
      .when(command('UpdateCustomer'), { customer_id: ANN, name: 'x' })
      .rejects('invalid_state')
  })
})

describe('an account that was opened by a fact', () => {
  const opened = (is_erased = false) =>
    event('CustomerAccountOpened', {
      ...{ customer_id: ANN, currency: 'EUR', is_erased, opened_at: NOW },
    })
  const ask = (type: string, input: object = {}, ...history: readonly Write[]) =>
    given(opened(), owes(700), ...history).when(command(type), { customer_id: ANN, ...input })
  test('is completed by registering, and what is owed stays', () => {
    ask('RegisterCustomer', { name: 'Ann', credit_limit: '10' }).answers({
      ...{ currency: 'EUR', balance_minor: 700, available_credit_minor: 300, is_active: true },
    })
    ask('RegisterCustomer', { name: 'Ann', currency: 'USD' }).rejects('validation_failed', {
      errors: { currency: 'must be EUR, which the account was opened in' },
    })
    ask('RegisterCustomer', { name: 'Ann' }, registered()).rejects('already_exists')
    const state = statesAfter(opened(), owes(700), registered(500)).state(customer.at(ANN))
    deepEqual(
      [state?.balance_minor, state?.credit_limit_minor, state?.is_registered],
      [700, 500, true],
    )
  })
  test('is paid and put right, and lends nothing more until then', () => {
    ask('ReceiveCustomerPayment', { amount: '7' }).answers({ balance_minor: 0 })
    ask('AdjustCustomerBalance', { amount: '-7', reason: 'x' }).answers({ balance_minor: 0 })
    ask('UpdateCustomer', { name: 'Ann' }).rejects('not_found')
    ask('SetCreditLimit', { credit_limit: '1' }).rejects('not_found')
    ask('ArchiveCustomer').rejects('invalid_state')
    const sale = { customer_id: ANN, amount_minor: 1, currency: 'EUR', cause: 'sale' as const }
    const move = { ...sale, reference: null, reason: null }
    const asked = moveBalance(statesAfter(opened()), move, { now: NOW })
    equal('rejected' in asked && asked.rejected.code, 'not_found')
    const required = { settings: { 'orders.require_customer': true }, source: 'api' }
    const buyer = customerTrouble(statesAfter(opened()), { customer_id: ANN }, required)
    equal(buyer?.rejected.code, 'validation_failed')
  })
  test('of one who was erased unregistered opens too; before, there is none to pay into', () => {
    const pay = { customer_id: ANN, amount: '1' }
    given(erased).when(command('ReceiveCustomerPayment'), pay).rejects('not_found')
    const move = { ...pay, amount_minor: 1, currency: 'EUR', reference: null, reason: null }
    const fact = { ...move, cause: 'sale' as const, is_fact: true }
    const moved = moveBalance(statesAfter(erased), fact, { now: NOW })
    ok('writes' in moved)
    deepEqual(moved.warnings, ['customer_erased'])
    deepEqual(moved.writes[0]?.events[0], opened(true).events[0])
    given(erased, ...moved.writes)
      .when(command('RegisterCustomer'), { customer_id: ANN, name: 'Ann' })
      .rejects('invalid_state')
  })
})

describe('a balance', () => {
  const sale = (amount_minor: number, more: Partial<BalanceMove> = {}) => ({
    customer_id: ANN,
    amount_minor,
    currency: 'EUR',
    cause: 'sale' as const,
    reference: 'S1-1-1',
    reason: null,
    ...more,
  })
  const judged = (history: readonly Write[], move: BalanceMove) => {
    const moved = moveBalance(statesAfter(...history), move, { now: NOW })
    return 'rejected' in moved ? moved.rejected.code : moved.balance_minor
  }
  test('may reach the limit and not go beyond it', () => {
    equal(judged([registered(500), owes(300)], sale(200)), 500)
    equal(judged([registered(500), owes(300)], sale(201)), 'credit_limit_exceeded')
    equal(judged([registered(0)], sale(1)), 'credit_limit_exceeded')
    equal(judged([registered()], sale(10 ** 12)), 10 ** 12)
    const told = moveBalance(statesAfter(registered(500), owes(300)), sale(201), { now: NOW })
    const limited = event('CreditLimitChanged', {
      ...{ customer_id: ANN, currency: 'EUR', reason: null },
      ...{ credit_limit_minor: 100, previous_limit_minor: 500 },
    })
    equal(judged([registered(500), limited], sale(100)), 100)
    equal(judged([registered(500), limited], sale(101)), 'credit_limit_exceeded')
    deepEqual('rejected' in told && told.rejected.details, {
      currency: 'EUR',
      credit_limit: 5,
      balance: 3,
      available_credit: 2,
      requested: 2.01,
    })
  })
  test('beyond its limit takes what costs nothing more', () => {
    const beyond = [registered(100), owes(300)]
    equal(judged(beyond, sale(0)), 300)
    equal(judged(beyond, sale(-1)), 299)
    equal(judged(beyond, sale(1)), 'credit_limit_exceeded')
  })
  test('tells in which currency it is kept', () => {
    const told = moveBalance(statesAfter(registered()), sale(1, { currency: 'USD' }), { now: NOW })
    deepEqual('rejected' in told && told.rejected.details, { currency: 'EUR', given: 'USD' })
  })
  test('is lowered whatever the limit is, and by nobody unknown or in another currency', () => {
    const beyond = [registered(100), owes(300)]
    equal(judged(beyond, sale(-50, { cause: 'refund' })), 250)
    equal(judged(beyond, sale(50, { cause: 'adjustment' })), 350)
    equal(judged([], sale(1)), 'not_found')
    equal(judged([registered()], sale(1, { currency: 'USD' })), 'currency_mismatch')
    equal(judged([registered()], sale(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
    equal(judged([registered(), owes(1)], sale(Number.MAX_SAFE_INTEGER)), 'business_rule_violated')
  })
  test('takes no sale of an archived or erased customer, but what they still pay', () => {
    equal(judged([registered(), archived], sale(1)), 'invalid_state')
    equal(judged([registered(), erased], sale(1)), 'invalid_state')
    equal(judged([registered(), owes(9), erased], sale(-9, { cause: 'payment' })), 0)
  })
  test('that moves by nothing writes nothing', () => {
    const moved = moveBalance(statesAfter(registered()), sale(0), { now: NOW })
    deepEqual(moved, { writes: [], balance_minor: 0, warnings: [] })
    const nobody = moveBalance(statesAfter(), sale(0, { is_fact: true }), { now: NOW })
    deepEqual('writes' in nobody && nobody.writes, [])
  })
  test('is the sum of its entries, whatever is sold, paid and put right', () => {
    const move = fc.record({
      amount_minor: fc.integer({ min: -(10 ** 6), max: 10 ** 6 }),
      cause: fc.constantFrom('sale', 'refund', 'payment', 'adjustment'),
    })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const history: Write[] = [registered(10 ** 6)]
        let sum = 0
        for (const one of moves) {
          const moved = moveBalance(statesAfter(...history), sale(0, one), { now: NOW })
          if ('rejected' in moved) continue
          sum += one.amount_minor
          equal(moved.balance_minor, sum)
          history.push(...moved.writes)
        }
        equal(statesAfter(...history).state(customer.at(ANN))?.balance_minor, sum)
        const entries = history.slice(1).flatMap(({ events }) => events)
        const changes = entries.map(({ data }) => (data as { change_minor: number }).change_minor)
        equal(
          changes.reduce((total, change) => total + change, 0),
          sum,
        )
      }),
    )
  })
})

describe('the balance’s commands', () => {
  test('a payment lowers what is owed, and pays ahead', () => {
    given(registered(1_000), owes(300))
      .when(command('ReceiveCustomerPayment'), { customer_id: ANN, amount: '5', reference: 'R-1' })
      .answers({ change_minor: -500, balance_minor: -200, available_credit_minor: 1_200 })
    const pays = (input: object) =>
      given(registered()).when(command('ReceiveCustomerPayment'), { customer_id: ANN, ...input })
    pays({ amount: '0.00' }).rejects('validation_failed', { errors: { amount: 'must not be 0' } })
    pays({ amount: '1', currency: 'USD' }).rejects('currency_mismatch')
    pays({ amount: '0.001' }).rejects('validation_failed', {
      errors: { amount: 'must have at most 2 decimals' },
    })
    pays({ amount: '100000000000' }).answers({ balance_minor: -(10 ** 13) })
    given()
      .when(command('ReceiveCustomerPayment'), { customer_id: ANN, amount: '1' })
      .rejects('not_found')
    pays({ amount: '100000000000.01' }).rejects('validation_failed', {
      errors: { amount: 'is too large' },
    })
  })
  test('an adjustment says why', () => {
    const adjusts = (input: object) =>
      given(registered()).when(command('AdjustCustomerBalance'), { customer_id: ANN, ...input })
    adjusts({ amount: '-1.50', reason: 'goodwill' }).answers({ balance_minor: -150 })
    adjusts({ amount: '1' }).rejects('validation_failed', { errors: { reason: 'is required' } })
    // Of one who was erased a debt may be paid or written off; new debt is put on nobody.
    const gone = (type: string, amount: string) =>
      given(registered(), owes(300), erased).when(command(type), {
        ...{ customer_id: ANN, amount, reason: 'x' },
      })
    gone('AdjustCustomerBalance', '1').rejects('invalid_state')
    gone('AdjustCustomerBalance', '-3').answers({ balance_minor: 0 })
    gone('ReceiveCustomerPayment', '3').answers({ balance_minor: 0 })
  })
  test('a limit is set, changed, and taken away', () => {
    const sets = (credit_limit: string | null, ...history: readonly Write[]) =>
      given(...history).when(command('SetCreditLimit'), { customer_id: ANN, credit_limit })
    sets('5', registered(), owes(700)).answers({
      credit_limit_minor: 500,
      available_credit_minor: 0,
    })
    const changed = (credit_limit_minor: number | null, previous_limit_minor: number | null) =>
      event('CreditLimitChanged', {
        ...{ customer_id: ANN, currency: 'EUR', reason: null },
        ...{ credit_limit_minor, previous_limit_minor },
      })
    sets('5', registered(300)).writes(changed(500, 300))
    sets('0', registered()).writes(changed(0, null))
    sets('5', registered(500)).writesNothing()
    sets('1.001', registered()).rejects('validation_failed', {
      errors: { credit_limit: 'must have at most 2 decimals' },
    })
    sets('100000000000', registered()).answers({ credit_limit_minor: 10 ** 13 })
    sets('100000000000.01', registered()).rejects('validation_failed', {
      errors: { credit_limit: 'is too large' },
    })
    sets(null, registered(500)).answers({ credit_limit_minor: null })
    sets('-1', registered()).rejects('validation_failed')
    sets('1', registered(), archived).rejects('invalid_state')
    sets('1').rejects('not_found')
  })
})

describe('who may order', () => {
  const judged = (history: readonly Write[], buyer: object, settings: object = {}) => {
    const moment = { settings: { ...settings }, source: 'api' }
    return customerTrouble(statesAfter(...history), buyer, moment)?.rejected.code ?? 'may'
  }
  const required = { 'orders.require_customer': true }
  test('anybody, until customers are required', () => {
    equal(judged([], { customer_id: ANN }), 'may')
    equal(judged([], {}), 'may')
    equal(judged([], { customer_id: ANN }, required), 'validation_failed')
    equal(judged([], { user_id: ANN }, required), 'validation_failed')
    equal(judged([registered()], { customer_id: ANN }, required), 'may')
  })
  test('whom an import tells of ordered already', () => {
    const imported = { settings: required, source: 'import' }
    const told = (history: readonly Write[], buyer: object) =>
      customerTrouble(statesAfter(...history), buyer, imported)?.rejected.code ?? 'may'
    deepEqual(
      [
        told([], {}),
        told([], { customer_id: ANN }),
        told([registered(), archived], { customer_id: ANN }),
      ],
      ['may', 'may', 'may'],
    )
    equal(told([registered(), erased], { customer_id: ANN }), 'invalid_state')
  })
  test('nobody who was archived or erased', () => {
    equal(judged([registered(), erased], { customer_id: ANN }), 'invalid_state')
    const gone = user.write('u-1', [
      user.event('UserErased', { user_id: 'u-1', erased_at: NOW } as never),
    ])
    equal(judged([gone], { user_id: 'u-1' }), 'invalid_state')
    equal(judged([gone], { user_id: 'u-2' }), 'may')
    equal(judged([gone, registered()], { customer_id: ANN }), 'may')
    equal(judged([registered(), archived], { customer_id: ANN }), 'invalid_state')
    equal(judged([erased], { customer_id: ANN }), 'invalid_state')
  })
})
