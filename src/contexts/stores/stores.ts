// The manifest of the stores: the list of all they have.
import type { Context } from '#kernel/context.ts'
import { store } from './store.ts'
import { storeCommands } from './store-commands.ts'
import { stores as storeList, storeQueries } from './store-list.ts'

export const stores: Context = {
  name: 'stores',
  aggregates: [store],
  commands: storeCommands,
  projections: [storeList],
  queries: storeQueries,
}
