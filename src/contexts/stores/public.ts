// The stores' door: which store is meant, and whether it may take stock or orders.
export { businessDay } from './business-day.ts'
export { openStore, storeState } from './opening.ts'
export type { Store, StoreState } from './store.ts'
export { MAIN_STORE_ALIAS, MAIN_STORE_ID, store, storeIdOf } from './store.ts'
export { stores as storeRows } from './store-list.ts'
