// Opening, changing and closing stores.
import {
  accept,
  already,
  type Command,
  command,
  type Given,
  invalid,
  noSuch,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { flag, id, object, oneOf, optional, text, uuid } from '#kernel/schema.ts'
import {
  MAIN_STORE,
  MAIN_STORE_ID,
  STORE_KINDS,
  STORE_NAME_MAX,
  type StoreState,
  store,
  storeIdOf,
} from './store.ts'

const fields = {
  name: text({ max: STORE_NAME_MAX }),
  kind: oneOf(STORE_KINDS),
  timezone: text({ max: 64, description: 'A name of IANA’s.', example: 'Europe/Berlin' }),
}
const answer = object({ store_id: id(), ...fields, is_active: flag() })
const path = '/api/v1/stores'

const createStore = command({
  type: 'CreateStore',
  input: object({
    store_id: optional(uuid({ aliases: ['id'] })),
    name: fields.name,
    kind: optional(fields.kind),
    timezone: optional(fields.timezone),
  }),
  creates: 'store_id',
  reads: ({ store_id }) => [store.at(store_id!)],
  decide: ({ kind = 'shop', timezone = 'UTC', ...input }, given) => {
    const store_id = input.store_id!
    if (store_id === MAIN_STORE_ID || given.state(store.at(store_id)) !== null)
      return already('a store', store_id)
    const errors = errorsIn(input.name, timezone)
    if (errors !== null) return invalid(errors)
    const created = { store_id, name: input.name.trim(), kind, timezone }
    return accept([store.write(store_id, [store.event('StoreCreated', created)])], {
      ...created,
      is_active: true,
    })
  },
  answer,
  route: { method: 'POST', path, status: 201, tag: 'stores', summary: 'Open a store' },
})

const updateStore = command({
  type: 'UpdateStore',
  input: object({
    store_id: id(),
    name: optional(fields.name),
    kind: optional(fields.kind),
    timezone: optional(fields.timezone),
  }),
  reads: ({ store_id }) => [store.at(storeIdOf(store_id))],
  decide: (input, given) => {
    const store_id = storeIdOf(input.store_id)
    const state = knownStore(given, store_id)
    if ('rejected' in state) return state
    if (!state.is_active) return reject('invalid_state', `Store ${store_id} is closed.`)
    const { kind = state.kind, timezone = state.timezone } = input
    const name = input.name?.trim() ?? state.name
    const errors = errorsIn(name, timezone)
    if (errors !== null) return invalid(errors)
    const changed = {
      ...(name === state.name ? {} : { name }),
      ...(kind === state.kind ? {} : { kind }),
      ...(timezone === state.timezone ? {} : { timezone }),
    }
    const response = { store_id, ...state, ...changed }
    if (Object.keys(changed).length === 0) return accept([], response)
    const updated = store.event('StoreUpdated', { store_id, ...changed })
    return accept([store.write(store_id, [updated])], response)
  },
  answer,
  route: {
    method: 'PATCH',
    path: `${path}/:store_id`,
    tag: 'stores',
    summary: 'Change a store; main is an alias of the main store',
  },
})

const closeStore = command({
  type: 'CloseStore',
  input: object({ store_id: id() }),
  reads: ({ store_id }) => [store.at(storeIdOf(store_id))],
  decide: (input, given) => {
    const store_id = storeIdOf(input.store_id)
    const state = knownStore(given, store_id)
    if ('rejected' in state) return state
    // Requests that name no store mean it.
    if (store_id === MAIN_STORE_ID)
      return reject('invalid_state', 'The main store cannot be closed.')
    const response = { store_id, ...state, is_active: false }
    if (!state.is_active) return accept([], response)
    const closed = store.event('StoreClosed', { store_id })
    return accept([store.write(store_id, [closed])], response)
  },
  answer,
  route: {
    method: 'DELETE',
    path: `${path}/:store_id`,
    tag: 'stores',
    summary: 'Close a store: nothing new comes in, what is there may leave',
  },
})

export const storeCommands: readonly Command[] = [createStore, updateStore, closeStore]

function knownStore(given: Given, store_id: string): StoreState | Rejected {
  const state = given.state(store.at(store_id))
  if (state !== null) return state
  return store_id === MAIN_STORE_ID ? MAIN_STORE : noSuch('store', store_id)
}

function errorsIn(name: string, timezone: string): Record<string, string> | null {
  const errors = {
    ...(name.trim() === '' ? { name: 'must not be blank' } : {}),
    ...(isTimezone(timezone) ? {} : { timezone: 'is not a time zone' }),
  }
  return Object.keys(errors).length === 0 ? null : errors
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    // The only way to ask: the constructor throws a RangeError for a name it does not know.
    return false
  }
}
