// What may become of a user, by the rules that the shop has set.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Write } from '#kernel/decider.ts'
import type { Claim } from '#kernel/message.ts'
import { brokenRules } from '#kernel/validation-rules.ts'
import { commandIn, given, NOW } from '#testing/given.ts'
import { user } from './user.ts'
import { STANDARD_RULES } from './user-rules.ts'
import { users } from './users.ts'

const command = commandIn(users.commands)
const BOB = '01980000-0000-7000-8000-0000000000bb'
const bob = { user_id: BOB, name: 'Bob', email: 'Bob@Example.com', age: 40 }
const claimOf = (email: string): Claim => ({
  scope: 'user_email',
  value: `blind:user_email:${email}`,
  owner: `user-${BOB}`,
})
const claim = claimOf('bob@example.com')
const created: Write = user.write(BOB, [
  user.event('UserCreated', { ...bob, email_claim: claim.value, created_at: NOW }),
])
const deleted = user.write(BOB, [user.event('UserDeleted', { user_id: BOB })])

describe('a user', () => {
  test('is created once, with a claim on the e-mail', () => {
    given().when(command('CreateUser'), bob).writes(created).claims([claim])
    given(created).when(command('CreateUser'), bob).rejects('already_exists')
  })
  test('keeps to the rules as the seed has them, all mistakes together', () => {
    given()
      .when(command('CreateUser'), { name: 'B', email: 'bob at home', age: 17 })
      .rejects('validation_failed', {
        errors: {
          name: 'must have at least 2 characters',
          email: 'must be an e-mail address',
          age: 'must be at least 18',
        },
      })
    given()
      .when(command('CreateUser'), { name: ' ' })
      .rejects('validation_failed', {
        errors: { name: 'is required', email: 'is required', age: 'is required' },
      })
  })
  test('keeps to other rules where the shop has set others', () => {
    const settings = { 'cqrs.validation_rules': { user: { name: { max_length: 3 } } } }
    const shop = given().at({ settings })
    shop.when(command('CreateUser'), {}).answers({ is_active: true }).claims([])
    shop
      .when(command('CreateUser'), { name: 'Robert', email: 'no address' })
      .rejects('validation_failed', { errors: { name: 'must have at most 3 characters' } })
  })
  test('changes field by field; what is not given is not judged', () => {
    const change = (input: object) =>
      given(created).when(command('UpdateUser'), { user_id: BOB, ...input })
    change({ age: 41 }).writes(
      user.write(BOB, [user.event('UserUpdated', { user_id: BOB, age: 41 })]),
    )
    change({ email: 'bob@other.org' }).claims([claimOf('bob@other.org')], [claim])
    change({ email: 'BOB@EXAMPLE.com' }).claims([claim])
    change({}).writesNothing()
    change({ age: null }).rejects('validation_failed', { errors: { age: 'is required' } })
    change({ name: 'B' }).rejects('validation_failed')
    given().when(command('UpdateUser'), { user_id: BOB, age: 41 }).rejects('not_found')
  })
  test('is deleted once, and the e-mail is free again', () => {
    const input = { user_id: BOB }
    given(created).when(command('DeleteUser'), input).writes(deleted).claims([], [claim])
    given(created, deleted).when(command('DeleteUser'), input).writesNothing()
    given(created, deleted).when(command('UpdateUser'), input).rejects('invalid_state')
    given().when(command('DeleteUser'), input).rejects('not_found')
  })
})

describe('validation rules', () => {
  const broken = (rule: object, value: unknown) =>
    brokenRules({ it: { field: rule } }, 'it', { field: value }).field ?? null
  test('each say what is wrong', () => {
    const uuid = '01980000-0000-7000-8000-0000000000bb'
    for (const [rule, good, bad, why] of [
      [{ required: true }, 0, '', 'is required'],
      [{ required: true }, false, null, 'is required'],
      [{ min_length: 2 }, 'äö', ' ä ', 'must have at least 2 characters'],
      [{ max_length: 2 }, '👍👍', '123', 'must have at most 2 characters'],
      [{ min: 0.01 }, '0.01', '0.009', 'must be at least 0.01'],
      [{ max: 120 }, 120, 121, 'must be at most 120'],
      [{ min: 1 }, 1, 'many', 'must be a number'],
      [{ format: 'uuid' }, uuid, 'user-123', 'must be a UUID'],
      [{ format: 'email' }, 'a.b+c@d.example', 'a@b', 'must be an e-mail address'],
      [{ format: 'email' }, 'ä@bücher.example', 'a b@c.de', 'must be an e-mail address'],
      [{ enum: ['USD', 'EUR'] }, 'EUR', 'eur', 'must be one of USD, EUR'],
    ] as const) {
      equal(broken(rule, good), null, JSON.stringify(rule))
      equal(broken(rule, bad), why)
    }
  })
  test('say nothing about what is not required and not there, nor about unknown entities', () => {
    equal(broken({ min: 1, format: 'uuid', enum: ['a'] }, undefined), null)
    deepEqual(brokenRules(STANDARD_RULES, 'toString', {}), {})
  })
  test('tell at most 20 mistakes', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`f${i}`, { required: true }]),
    )
    equal(Object.keys(brokenRules({ it: fields }, 'it', {})).length, 20)
  })
  test('hold for orders and payments as the seed has them', () => {
    const payment = { order_id: BOB, amount: '0.01', currency: 'INR', method: 'upi' }
    deepEqual(brokenRules(STANDARD_RULES, 'payment', payment), {})
    deepEqual(brokenRules(STANDARD_RULES, 'payment', { ...payment, method: 'cash' }), {
      method: 'must be one of credit_card, debit_card, net_banking, upi, wallet',
    })
    deepEqual(
      brokenRules(STANDARD_RULES, 'order', { user_id: 'user-1', amount: 0, currency: 'CHF' }),
      {
        user_id: 'must be a UUID',
        amount: 'must be at least 0.01',
        currency: 'must be one of USD, EUR, GBP, INR',
      },
    )
  })
})
