// The stores, one row each. The main store has a row only once it was changed; the list adds it.
import {
  asOfFields,
  nowOrThen,
  PAGE_STANDARD,
  pageAnswer,
  paged,
  pageOf,
  paging,
} from '#kernel/listing.ts'
import { projection } from '#kernel/projection.ts'
import { query, type Reader } from '#kernel/query.ts'
import { flag, id, integer, nullable, object, oneOf, optional, text } from '#kernel/schema.ts'
import { MAIN_STORE, MAIN_STORE_ID, STORE_KINDS, type StoreState, storeIdOf } from './store.ts'

export type StoreRow = StoreState & {
  readonly store_id: string
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

export const stores = projection<StoreRow>({
  name: 'stores',
  version: 1,
  table: {
    name: 'stores',
    key: 'store_id',
    columns: {
      store_id: 'text',
      name: 'text',
      kind: 'text',
      timezone: 'text',
      is_active: 'bool',
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
    },
    indexes: [['name']],
  },
  on: {
    StoreCreated: {
      keys: ({ data }) => [data.store_id],
      apply: (_, { data, timestamp, version }) => ({
        ...data,
        is_active: true,
        created_at: timestamp,
        updated_at: timestamp,
        version,
      }),
    },
    StoreUpdated: {
      keys: ({ data }) => [data.store_id],
      apply: (row, { data, timestamp, version }) => ({
        ...(row ?? { ...MAIN_STORE, created_at: timestamp }),
        ...data,
        updated_at: timestamp,
        version,
      }),
    },
    StoreClosed: {
      keys: ({ data }) => [data.store_id],
      apply: (row, { timestamp, version }) =>
        row && { ...row, is_active: false, updated_at: timestamp, version },
    },
  },
  sources: (key) => [`store-${key}`],
})

const answer = object({
  store_id: id(),
  name: text(),
  kind: oneOf(STORE_KINDS),
  timezone: text(),
  is_active: flag(),
  is_main: flag(),
  created_at: nullable(text()),
  updated_at: nullable(text()),
  version: integer(),
  stale: optional(flag()),
})

/** The cursor of a page that has only the main store, which has no row to go on from. */
const BEHIND_MAIN = 'behind-main'

const UNCHANGED_MAIN = {
  ...MAIN_STORE,
  store_id: MAIN_STORE_ID,
  created_at: null,
  updated_at: null,
  version: 0,
}
const shown = (row: object & { store_id?: unknown }) => ({
  ...row,
  is_main: row.store_id === MAIN_STORE_ID,
})

const getStore = query({
  type: 'GetStore',
  input: object({ store_id: id(), ...asOfFields }),
  run: async (input, reader) => {
    const store_id = storeIdOf(input.store_id)
    const known = await nowOrThen(reader, stores, store_id, input)
    const row = known ?? (store_id === MAIN_STORE_ID ? UNCHANGED_MAIN : null)
    return row === null ? null : shown(row)
  },
  answer,
  route: {
    method: 'GET',
    path: '/api/v1/stores/:store_id',
    tag: 'stores',
    summary: 'One store; main is an alias of the main store',
  },
})

const listStores = query({
  type: 'ListStores',
  input: object({
    include_inactive: optional(flag()),
    ...paging,
  }),
  run: async (input, reader) => {
    const { limit = PAGE_STANDARD, offset = 0, cursor } = input
    const isMissing = await mainIsUnchanged(reader)
    // It stands before all rows, and counts as one of the page.
    const before = isMissing && cursor === undefined && offset === 0 ? [UNCHANGED_MAIN] : []
    const isFull = before.length === limit
    const rowsBefore = isMissing ? Math.max(0, offset - 1) : offset
    const found = await reader.find(stores, {
      ...(input.include_inactive ? {} : { where: { is_active: true } }),
      sort: [{ column: 'name' }],
      ...pageOf({
        limit: isFull ? 1 : limit - before.length,
        ...(rowsBefore === 0 ? {} : { offset: rowsBefore }),
        ...(cursor === undefined || cursor === BEHIND_MAIN ? {} : { cursor }),
      }),
    })
    const behind = found.items.length === 0 ? null : BEHIND_MAIN
    const page = {
      items: [...before, ...(isFull ? [] : found.items)].map(shown),
      total: found.total === null ? null : found.total + (isMissing ? 1 : 0),
      next_cursor: isFull ? behind : found.next_cursor,
    }
    return paged(page, input)
  },
  answer: pageAnswer(answer),
  route: { method: 'GET', path: '/api/v1/stores', tag: 'stores', summary: 'Stores, by name' },
})

export const storeQueries = [getStore, listStores]

const mainIsUnchanged = async (reader: Reader) => (await reader.get(stores, MAIN_STORE_ID)) === null
