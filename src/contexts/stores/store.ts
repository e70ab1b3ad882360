// A place that holds stock. Stream: store-<store_id>. The main store is there without any event.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, object, oneOf, optional, text } from '#kernel/schema.ts'

/** The store that is meant when none is named; the same in every book, for ever. */
export const MAIN_STORE_ID = '00000000-0000-7000-8000-000000000001'
export const MAIN_STORE_ALIAS = 'main'

/** The id behind what a request names: nothing and `main` are the main store. */
export const storeIdOf = (idOrAlias?: string): string =>
  idOrAlias === undefined || idOrAlias === MAIN_STORE_ALIAS ? MAIN_STORE_ID : idOrAlias

export const STORE_KINDS = ['shop', 'warehouse'] as const
export const STORE_NAME_MAX = 200
const TIMEZONE_MAX = 64

export type StoreState = {
  readonly name: string
  readonly kind: (typeof STORE_KINDS)[number]
  /** IANA name; days of reports begin by it. */
  readonly timezone: string
  readonly is_active: boolean
}
/** null: no such store, unless it is the main store. */
export type Store = StoreState | null

export const MAIN_STORE: StoreState = {
  name: 'Main store',
  kind: 'warehouse',
  timezone: 'UTC',
  is_active: true,
}

const fields = {
  name: text({ max: STORE_NAME_MAX }),
  kind: oneOf(STORE_KINDS),
  timezone: text({ max: TIMEZONE_MAX }),
}

export const store = aggregate({
  type: 'store',
  state_version: 1,
  events: eventTypes({
    StoreCreated: { data: object({ store_id: id(), ...fields }) },
    StoreUpdated: {
      data: object({
        store_id: id(),
        name: optional(fields.name),
        kind: optional(fields.kind),
        timezone: optional(fields.timezone),
      }),
    },
    StoreClosed: { data: object({ store_id: id() }) },
  }),
  initial: null as Store,
  evolve: {
    StoreCreated: (_, { store_id, ...created }) => ({ ...created, is_active: true }),
    // Only the main store changes without having been created.
    StoreUpdated: (state, { store_id, ...changed }) => ({ ...(state ?? MAIN_STORE), ...changed }),
    StoreClosed: (state) => ({ ...(state ?? MAIN_STORE), is_active: false }),
  },
})
