// The price by itself: changed at once or for a time to come, and what was scheduled taken back.
import {
  accept,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  reject,
} from '#kernel/decider.ts'
import { inUtc } from '#kernel/instants.ts'
import {
  type Infer,
  id,
  instant,
  list,
  money,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { amountReader, hasErrors } from './amount-reader.ts'
import { type ProductState, product, type ScheduledPrice } from './product.ts'
import { answered, productFields } from './product-answer.ts'
import { settleDue } from './scheduled-price.ts'
import { change, path, prices } from './update-product.ts'

/** So many prices to come a product may have; more is a mistake in a loop. */
const SCHEDULED_MAX = 100

const input = object({
  product_id: id({ aliases: ['id'] }),
  ...prices,
  effective_at: optional(
    instant({ description: 'When it takes effect; absent or past: at once.' }),
  ),
})
type Input = Infer<typeof input>

export const scheduledPrice = object({
  schedule_id: id(),
  effective_at: instant(),
  sell_price_minor: optional(money({ description: 'Absent: it stays.' })),
  cost_price_minor: optional(nullable(money())),
  scheduled_by: nullable(text({ max: 200 })),
})
const answer = object({ ...productFields, scheduled_prices: list(scheduledPrice) })

const updateProductPrice = command({
  type: 'UpdateProductPrice',
  input,
  reads: ({ product_id }) => [product.at(product_id)],
  decide(input, given, moment) {
    const { effective_at, ...wanted } = input
    if (input.sell_price === undefined && input.cost_price === undefined)
      return invalid({ sell_price: 'is required, unless there is a cost_price' })
    const at = effective_at === undefined ? moment.now : inUtc(effective_at)
    const decided =
      at > moment.now ? schedule(input, at, given, moment) : change(wanted, given, moment)
    if (!('accepted' in decided) || 'scheduled_prices' in decided.response) return decided
    const { scheduled } = after(given.state(product.at(input.product_id))!, input, moment)
    return { ...decided, response: { ...decided.response, scheduled_prices: scheduled } }
  },
  answer,
  route: {
    method: 'PATCH',
    path: `${path}/price`,
    tag: 'products',
    summary: 'Change the price, now or at a time to come; the old one is kept',
  },
})

const after = (state: ProductState, { product_id }: { product_id: string }, { now }: Moment) =>
  settleDue(product_id, state, now).after

function schedule(input: Input, effective_at: string, given: Given, moment: Moment): Decision {
  const { product_id, sell_price, cost_price } = input
  const state = given.state(product.at(product_id))
  if (state === null) return noSuch('product', product_id)
  const due = settleDue(product_id, state, moment.now)
  const { scheduled, currency } = due.after
  if (scheduled.some((one) => one.effective_at === effective_at))
    return reject('already_exists', 'A price is scheduled for that time already; cancel it first.')
  if (scheduled.length >= SCHEDULED_MAX)
    return reject(
      'business_rule_violated',
      `A product has ${SCHEDULED_MAX} prices to come at most.`,
    )
  const { amount, errors } = amountReader()
  const wanted: ScheduledPrice = {
    schedule_id: moment.id('schedule'),
    effective_at,
    ...(sell_price === undefined
      ? {}
      : { sell_price_minor: amount('sell_price', sell_price, currency) }),
    ...(cost_price === undefined
      ? {}
      : {
          cost_price_minor: cost_price === null ? null : amount('cost_price', cost_price, currency),
        }),
    scheduled_by: moment.user_id ?? null,
  }
  if (hasErrors(errors)) return invalid(errors)
  const event = product.event('ProductPriceScheduled', { product_id, ...wanted, currency })
  const scheduled_prices = [...scheduled, wanted].sort((a, b) =>
    a.effective_at < b.effective_at ? -1 : 1,
  )
  return accept([product.write(product_id, [...due.events, event])], {
    ...answered(product_id, due.after),
    scheduled_prices,
  })
}

const ofSchedule = object({ product_id: id({ aliases: ['id'] }), schedule_id: id() })

const cancelScheduledPrice = command({
  type: 'CancelScheduledPrice',
  input: ofSchedule,
  reads: ({ product_id }) => [product.at(product_id)],
  decide({ product_id, schedule_id }, given, moment) {
    const state = given.state(product.at(product_id))
    const found = state?.scheduled.find((one) => one.schedule_id === schedule_id)
    if (state === null || found === undefined)
      return reject('not_found', `No price ${schedule_id} is to come for product ${product_id}.`)
    if (found.effective_at <= moment.now)
      return reject('invalid_state', 'It is in force already; change the price instead.')
    const due = settleDue(product_id, state, moment.now)
    const cancelled = product.event('ScheduledPriceCancelled', {
      product_id,
      schedule_id,
      reason: 'by_hand',
      cancelled_by: moment.user_id ?? null,
    })
    return accept([product.write(product_id, [...due.events, cancelled])], {
      ...answered(product_id, due.after),
      scheduled_prices: due.after.scheduled.filter((one) => one !== found),
    })
  },
  answer,
  route: {
    method: 'DELETE',
    path: `${path}/scheduled-prices/:schedule_id`,
    tag: 'products',
    summary: 'Take back a price that is to come',
  },
})

/** Sent by the sweeper when a row is due; what counts is the log, at this moment. */
const applyScheduledPrice = command({
  type: 'ApplyScheduledPrice',
  input: ofSchedule,
  reads: ({ product_id }) => [product.at(product_id)],
  decide({ product_id, schedule_id }, given, moment) {
    const state = given.state(product.at(product_id))
    if (state === null) return noSuch('product', product_id)
    const found = state.scheduled.find((one) => one.schedule_id === schedule_id)
    // A change by hand was faster, or it was taken back.
    if (found === undefined) return accept([], { product_id })
    // Refused, not done: a refusal is not recorded, so that the same command may come again.
    if (found.effective_at > moment.now)
      return reject('invalid_state', `The price ${schedule_id} is not due yet.`)
    const { events } = settleDue(product_id, state, moment.now)
    return accept([product.write(product_id, events)], { product_id })
  },
  answer: object({ product_id: id() }),
})

export const priceChanges: readonly Command[] = [
  updateProductPrice,
  cancelScheduledPrice,
  applyScheduledPrice,
]
