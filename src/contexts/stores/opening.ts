// Whether a store may take stock or orders, for the decisions of other contexts.
import {
  type Given,
  type Moment,
  noSuch,
  type Rejected,
  reject,
  type Write,
} from '#kernel/decider.ts'
import { MAIN_STORE, MAIN_STORE_ID, type Store, store } from './store.ts'

/** A store's id is part of its stock items' ids, which have a limit of their own. */
const AUTO_ID_MAX = 100

/** The store as the book knows it; null when there is none. */
export const storeState = (given: Given, storeId: string): Store =>
  given.state(store.seen(storeId)) ?? (storeId === MAIN_STORE_ID ? MAIN_STORE : null)

/**
 * Nothing to write for an open store; a new store's creation where `stores.auto_create` allows it;
 * otherwise why not. The store must have been read (`store.seen`).
 */
export function openStore(
  given: Given,
  moment: Pick<Moment, 'settings'>,
  storeId: string,
): { readonly writes: readonly Write[] } | Rejected {
  const known = storeState(given, storeId)
  if (known !== null && !known.is_active)
    return reject('invalid_state', `Store ${storeId} is closed.`)
  if (known !== null) return { writes: [] }
  if (moment.settings['stores.auto_create'] !== true || storeId.length > AUTO_ID_MAX)
    return noSuch('store', storeId)
  const created = { store_id: storeId, name: storeId, kind: 'shop', timezone: 'UTC' } as const
  return { writes: [store.write(storeId, [store.event('StoreCreated', created)])] }
}
