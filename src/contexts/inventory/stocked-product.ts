// In which stores a product has been stocked. Stream: product_stock-<product_id>. Written only when
// a stock item is opened, so that archiving a product can look at all of its stock in one decision.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, object } from '#kernel/schema.ts'

export type StockedStores = readonly string[]

export const stockedProduct = aggregate({
  type: 'product_stock',
  state_version: 1,
  events: eventTypes({
    ProductStocked: { data: object({ product_id: id(), store_id: id() }) },
  }),
  initial: [] as StockedStores,
  evolve: {
    ProductStocked: (state, { store_id }) => [...state, store_id],
  },
})
