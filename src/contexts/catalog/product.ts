// A product: what is sold, for how much, and in which steps it is counted. Stream:
// product-<product_id>. Its code names it for ever: a code is never given to another product, not
// even after a change.
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import {
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
  text,
} from '#kernel/schema.ts'

export type ProductState = {
  readonly code: string
  readonly name: string
  readonly description: string
  readonly sell_price_minor: number
  readonly cost_price_minor: number | null
  readonly currency: string
  /** Digits after the point of its quantities; fixed at creation. */
  readonly quantity_scale: number
  readonly department_id: string | null
  readonly unit_id: string | null
  /** Which taxes are due on it; null: those of the standard class. */
  readonly tax_class: string | null
  /** In steps of `quantity_scale`. */
  readonly min_stock: number
  readonly is_active: boolean
  /** How many prices it has had; 1 after creation. */
  readonly price_number: number
  /** Prices to come, the next one first; one that is due counts already (`priceAt`). */
  readonly scheduled: readonly ScheduledPrice[]
}
export type ScheduledPrice = {
  readonly schedule_id: string
  readonly effective_at: string
  /** Absent: it stays what it is by then. */
  readonly sell_price_minor?: number
  readonly cost_price_minor?: number | null
  readonly scheduled_by: string | null
}
/** null: no such product. */
export type Product = ProductState | null

export const CODE_MAX = 100
export const NAME_MAX = 300
export const DESCRIPTION_MAX = 5_000
/** Smallest steps of a quantity: 6 digits after the point at most. */
export const SCALE_MAX = 6

export const TAX_CLASS_MAX = 50

const names = {
  department_id: nullable(id()),
  department_name: nullable(text({ max: NAME_MAX })),
  unit_id: nullable(id()),
  unit_name: nullable(text({ max: NAME_MAX })),
}

const productEvents = eventTypes({
  ProductCreated: {
    data: object({
      product_id: id(),
      code: text({ max: CODE_MAX }),
      name: text({ max: NAME_MAX }),
      description: text({ max: DESCRIPTION_MAX }),
      sell_price_minor: money(),
      currency: text({ max: 3 }),
      cost_price_minor: nullable(money()),
      // The names as they were then: views need not look elsewhere, renames follow as events.
      ...names,
      quantity_scale: integer({ min: 0, max: SCALE_MAX }),
      // Products of before there were taxes have none.
      tax_class: optional(nullable(text({ max: TAX_CLASS_MAX }))),
      min_stock: quantity({ min: 0 }),
      // Whoever the sender said it was: an id of theirs, in any characters that a header takes.
      user_id: nullable(text({ max: 200 })),
    }),
  },
  ProductUpdated: {
    data: object({
      product_id: id(),
      code: optional(text({ max: CODE_MAX })),
      name: optional(text({ max: NAME_MAX })),
      description: optional(text({ max: DESCRIPTION_MAX })),
      department_id: optional(names.department_id),
      department_name: optional(names.department_name),
      unit_id: optional(names.unit_id),
      unit_name: optional(names.unit_name),
      tax_class: optional(nullable(text({ max: TAX_CLASS_MAX }))),
      min_stock: optional(quantity({ min: 0 })),
    }),
  },
  ProductPriceChanged: {
    data: object({
      product_id: id(),
      sell_price_minor: money(),
      cost_price_minor: nullable(money()),
      previous_sell_price_minor: money(),
      currency: text({ max: 3 }),
      /** 2 for the first change: the history closes entry 1 and opens entry 2. */
      price_number: integer({ min: 2 }),
      changed_by: nullable(text({ max: 200 })),
      /** The schedule by which it came; who made that is `changed_by`. */
      schedule_id: optional(id()),
    }),
  },
  ProductPriceScheduled: {
    data: object({
      product_id: id(),
      schedule_id: id(),
      effective_at: instant(),
      // What is not there stays what it is by then.
      sell_price_minor: optional(money()),
      cost_price_minor: optional(nullable(money())),
      currency: text({ max: 3 }),
      scheduled_by: nullable(text({ max: 200 })),
    }),
  },
  ScheduledPriceCancelled: {
    data: object({
      product_id: id(),
      schedule_id: id(),
      // The price was the same already when its time came.
      reason: oneOf(['by_hand', 'same_price']),
      cancelled_by: nullable(text({ max: 200 })),
    }),
  },
  ProductArchived: { data: object({ product_id: id() }), aliases: ['ProductDeleted'] },
  ProductRestored: { data: object({ product_id: id() }) },
})

export const product = aggregate({
  type: 'product',
  state_version: 2,
  events: productEvents,
  initial: null as Product,
  evolve: {
    ProductCreated: (_, { product_id, user_id, department_name, unit_name, ...fields }) => ({
      ...fields,
      tax_class: fields.tax_class ?? null,
      is_active: true,
      price_number: 1,
      scheduled: [],
    }),
    ProductUpdated: (state, { product_id, department_name, unit_name, ...changed }) => ({
      ...known(state),
      ...changed,
    }),
    ProductPriceChanged: (state, { sell_price_minor, cost_price_minor, ...changed }) => ({
      ...known(state),
      sell_price_minor,
      cost_price_minor,
      price_number: changed.price_number,
      scheduled: without(state, changed.schedule_id),
    }),
    ProductPriceScheduled: (state, { product_id, currency, ...schedule }) => ({
      ...known(state),
      scheduled: [...known(state).scheduled, schedule].sort(byTime),
    }),
    ScheduledPriceCancelled: (state, { schedule_id }) => ({
      ...known(state),
      scheduled: without(state, schedule_id),
    }),
    ProductArchived: (state) => ({ ...known(state), is_active: false }),
    ProductRestored: (state) => ({ ...known(state), is_active: true }),
  },
})

const without = (state: Product, scheduleId: string | undefined) =>
  known(state).scheduled.filter(({ schedule_id }) => schedule_id !== scheduleId)
const byTime = (a: ScheduledPrice, b: ScheduledPrice) => (a.effective_at < b.effective_at ? -1 : 1)

function known(state: Product): ProductState {
  if (state === null) throw new Error('a product that was never created has changed')
  return state
}
