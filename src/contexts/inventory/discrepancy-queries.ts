// Questions about discrepancies: where book and shelf disagree, and who cannot be served for it.
import { storeIdOf } from '#contexts/stores/public.ts'
import { listOf } from '#kernel/list-of.ts'
import { askedMoment, asOfFields, nowOrThen, pageAnswer, rowAnswer } from '#kernel/listing.ts'
import { streamOf } from '#kernel/message.ts'
import type { Row } from '#kernel/projection.ts'
import { type Query, query } from '#kernel/query.ts'
import {
  flag,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  quantity,
} from '#kernel/schema.ts'
import { discrepancies } from './discrepancies.ts'
import { ACTIONS, DISCREPANCY_KINDS, DISCREPANCY_STATUSES } from './discrepancy.ts'
import { DISCREPANCIES } from './resolve-discrepancy.ts'
import { stockKey } from './stock.ts'
import type { Place } from './stock-changes.ts'
import { coverages, UNSERVED_MAX, unservedIn } from './unserved.ts'

const inDetail = {
  /** What is promised in its place and not there now, backorders not counted. */
  lacking_quantity: quantity(),
  is_covered: flag(),
}
const row = rowAnswer(discrepancies.table, {
  shapes: {
    status: oneOf(DISCREPANCY_STATUSES),
    kind: oneOf(DISCREPANCY_KINDS),
    action: oneOf(ACTIONS),
  },
})
const unserved = object({
  reservation_id: id(),
  order_id: nullable(id()),
  held_quantity: quantity(),
  backordered_quantity: quantity(),
  lacking_quantity: quantity(),
  quantity_scale: integer(),
  since: instant(),
})
const offered = listOf(discrepancies, {
  filters: ['detected_at'],
  sort: ['detected_at'],
  standard: ['-detected_at'],
})

const getDiscrepancy = query({
  type: 'GetDiscrepancy',
  input: object({ discrepancy_id: id(), ...asOfFields }),
  run: async (input, reader) => {
    const found = await nowOrThen(reader, discrepancies, input.discrepancy_id, input)
    if (found === null) return null
    const { unserved, ...covered } = await unservedIn(
      reader,
      placeOf(found),
      await askedMoment(reader, streamOf('discrepancy', input.discrepancy_id), input),
    )
    const { quantity_scale } = found
    return { ...found, ...covered, unserved: unserved.map((one) => ({ ...one, quantity_scale })) }
  },
  answer: object({
    ...row.properties,
    ...inDetail,
    unserved: list(unserved, {
      max: UNSERVED_MAX,
      description: 'Open reservations that go short of it, the newest promise first.',
    }),
  }),
  route: {
    method: 'GET',
    path: `${DISCREPANCIES}/:discrepancy_id`,
    tag: 'discrepancies',
    summary: 'A discrepancy, who cannot be served for it, and what was done about it',
  },
})

const listDiscrepancies = query({
  type: 'ListDiscrepancies',
  input: object({
    ...offered.fields,
    status: optional(oneOf(DISCREPANCY_STATUSES)),
    kind: optional(oneOf(DISCREPANCY_KINDS)),
    product_id: optional(id()),
    store_id: optional(id({ description: 'main is the main store.' })),
  }),
  run: async ({ status, kind, product_id, store_id, ...input }, reader) => {
    const named = { status, kind, product_id, store_id: store_id && storeIdOf(store_id) }
    const page = await offered.page(reader, input, named)
    const covered = await coverages(reader, page.items.map(placeOf))
    const items = page.items.map((one) => {
      const { product_id, store_id } = placeOf(one)
      return { ...one, ...covered.get(stockKey(product_id, store_id))! }
    })
    return { ...page, items }
  },
  answer: pageAnswer(object({ ...row.properties, ...inDetail })),
  route: {
    method: 'GET',
    path: DISCREPANCIES,
    tag: 'discrepancies',
    summary: 'Where book and shelf disagree, the newest first',
  },
})

const placeOf = ({ product_id, store_id }: Row): Place => ({
  product_id: String(product_id),
  store_id: String(store_id),
})

export const discrepancyQueries: readonly Query[] = [getDiscrepancy, listDiscrepancies]
