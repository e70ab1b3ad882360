// Prices that take effect by themselves at their time: which are due, and what a decision at a
// moment goes by. A price that is due counts at once, also before anybody has written that down.
import type { Fact } from '#kernel/message.ts'
import { type ProductState, product, type ScheduledPrice } from './product.ts'

export type PriceInForce = Pick<ProductState, 'sell_price_minor' | 'cost_price_minor'>

/** The price that counts at `now`: what was scheduled up to then goes before what was written. */
export function priceAt(state: ProductState, now: string): PriceInForce {
  return dueAt(state, now).reduce<PriceInForce>(taken, state)
}

/** What `schedule` makes of the price before it: it may change one of the two only. */
const taken = (
  { sell_price_minor, cost_price_minor }: PriceInForce,
  schedule: ScheduledPrice,
): PriceInForce => ({
  sell_price_minor: schedule.sell_price_minor ?? sell_price_minor,
  cost_price_minor:
    schedule.cost_price_minor === undefined ? cost_price_minor : schedule.cost_price_minor,
})

const dueAt = ({ scheduled }: ProductState, now: string) =>
  scheduled.filter(({ effective_at }) => effective_at <= now)

/**
 * Writes down what has come due, each as of its own time: whoever changes a product does that
 * first, so that a change by hand comes after the prices that were in force before it.
 */
export function settleDue(
  product_id: string,
  state: ProductState,
  now: string,
): { readonly events: readonly Fact<keyof typeof product.events>[]; readonly after: ProductState } {
  let after = state
  const events = dueAt(state, now).map((schedule) => {
    const { schedule_id, effective_at, scheduled_by } = schedule
    const before = after
    const price = taken(before, schedule)
    const scheduled = before.scheduled.filter((one) => one.schedule_id !== schedule_id)
    after = { ...before, scheduled }
    if (
      price.sell_price_minor === before.sell_price_minor &&
      price.cost_price_minor === before.cost_price_minor
    )
      return product.event('ScheduledPriceCancelled', {
        product_id,
        schedule_id,
        reason: 'same_price',
        cancelled_by: null,
      })
    after = { ...after, ...price, price_number: before.price_number + 1 }
    return product.event(
      'ProductPriceChanged',
      {
        product_id,
        ...price,
        previous_sell_price_minor: before.sell_price_minor,
        currency: before.currency,
        price_number: after.price_number,
        changed_by: scheduled_by,
        schedule_id,
      },
      effective_at,
    )
  })
  return { events, after }
}
