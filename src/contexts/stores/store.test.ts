// What stores may become, and which of them may take stock.
import { equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commandIn, given, statesAfter } from '#testing/given.ts'
import { openStore } from './opening.ts'
import { MAIN_STORE_ID, store, storeIdOf } from './store.ts'
import { stores } from './stores.ts'

const command = commandIn(stores.commands)
const S = '01980000-0000-7000-8000-0000000000aa'
const berlin = { store_id: S, name: 'Berlin', kind: 'shop', timezone: 'Europe/Berlin' } as const
const opened = store.write(S, [store.event('StoreCreated', berlin)])
const closed = store.write(S, [store.event('StoreClosed', { store_id: S })])

describe('stores', () => {
  test('the main store is meant where none is named', () => {
    equal(storeIdOf(), MAIN_STORE_ID)
    equal(storeIdOf('main'), MAIN_STORE_ID)
    equal(storeIdOf(S), S)
  })
  test('a store is opened once', () => {
    given()
      .when(command('CreateStore'), berlin)
      .writes(opened)
      .answers({ store_id: S, is_active: true })
    given(opened).when(command('CreateStore'), berlin).rejects('already_exists')
    given()
      .when(command('CreateStore'), { ...berlin, store_id: MAIN_STORE_ID })
      .rejects('already_exists')
  })
  test('a store has a name and a real time zone', () => {
    given()
      .when(command('CreateStore'), { name: ' ', timezone: 'Mars/Olympus' })
      .rejects('validation_failed', {
        errors: { name: 'must not be blank', timezone: 'is not a time zone' },
      })
  })
  test('a change writes what has changed', () => {
    given(opened)
      .when(command('UpdateStore'), { store_id: S, name: 'Berlin', kind: 'warehouse' })
      .writes(store.write(S, [store.event('StoreUpdated', { store_id: S, kind: 'warehouse' })]))
    given(opened).when(command('UpdateStore'), { store_id: S }).writesNothing()
    given().when(command('UpdateStore'), { store_id: S, name: 'x' }).rejects('not_found')
    given(opened, closed)
      .when(command('UpdateStore'), { store_id: S, name: 'x' })
      .rejects('invalid_state')
  })
  test('the main store can be renamed without having been opened, and never closes', () => {
    const renamed = store.event('StoreUpdated', { store_id: MAIN_STORE_ID, name: 'Depot' })
    given()
      .when(command('UpdateStore'), { store_id: 'main', name: 'Depot' })
      .writes(store.write(MAIN_STORE_ID, [renamed]))
      .answers({ store_id: MAIN_STORE_ID, name: 'Depot', timezone: 'UTC' })
    given().when(command('CloseStore'), { store_id: 'main' }).rejects('invalid_state')
  })
  test('a store closes once', () => {
    given(opened).when(command('CloseStore'), { store_id: S }).writes(closed)
    given(opened, closed).when(command('CloseStore'), { store_id: S }).writesNothing()
    given().when(command('CloseStore'), { store_id: S }).rejects('not_found')
  })
})

describe('whether a store may take stock', () => {
  const none = { settings: {} }
  const judged = (...args: Parameters<typeof openStore>) => {
    const answer = openStore(...args)
    return 'rejected' in answer ? answer.rejected.code : answer.writes.length
  }
  test('an open one and the main one may, a closed and an unknown one may not', () => {
    equal(judged(statesAfter(opened), none, S), 0)
    equal(judged(statesAfter(), none, MAIN_STORE_ID), 0)
    equal(judged(statesAfter(opened, closed), none, S), 'invalid_state')
    equal(judged(statesAfter(), none, S), 'not_found')
  })
  test('an unknown one is created where the settings say so', () => {
    const settings = { 'stores.auto_create': true }
    equal(judged(statesAfter(), { settings }, S), 1)
    equal(judged(statesAfter(opened, closed), { settings }, S), 'invalid_state')
    equal(judged(statesAfter(), { settings }, 'x'.repeat(150)), 'not_found')
  })
})
