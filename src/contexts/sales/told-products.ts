// Goods that were sold by a till that was offline, and that the catalogue does not know: they are
// taken into it as the till tells them, archived, until somebody completes and restores them.
import { codeClaim, type ProductState, product } from '#contexts/catalog/public.ts'
import type { Moment, Write } from '#kernel/decider.ts'
import type { Claim, Instant } from '#kernel/message.ts'
import { scaled } from '#kernel/money.ts'
import { beginningOf, tidied } from '#kernel/tidied.ts'
import { NAME_MAX } from './sale-fields.ts'

/** Nobody knows how it is counted: fine enough for the next one who weighs it. */
const SCALE = 3
const SCALE_MAX = 6

export type ToldItem = {
  readonly product_id: string | null
  /** null: none was told that could be its own. */
  readonly code: string | null
  readonly name: string | undefined
  readonly quantity: string
  readonly price_minor: number
}
export type Opened = {
  readonly product_id: string
  readonly state: ProductState
  readonly write: Write
  readonly claim: Claim
}

/** One product for all items that are told under one id or one code; in the order of the items. */
export function openedProducts(
  items: readonly ToldItem[],
  currency: string,
  moment: Moment,
  at: Instant,
): readonly Opened[] {
  const groups: ToldItem[][] = []
  const own = items.map((item) => {
    const same = groups.find(([first]) => isSame(first!, item))
    if (same === undefined) groups.push([item])
    else same.push(item)
    return same ?? groups.at(-1)!
  })
  const opened = new Map(groups.map((same) => [same, openedProduct(same, currency, moment, at)]))
  return own.map((same) => opened.get(same)!)
}

const isSame = (one: ToldItem, other: ToldItem): boolean =>
  (one.product_id !== null && one.product_id === other.product_id) ||
  (one.code !== null && one.code === other.code)

function openedProduct(
  same: readonly ToldItem[],
  currency: string,
  moment: Moment,
  at: Instant,
): Opened {
  const { code: told, price_minor, ...first } = same[0]!
  const product_id = first.product_id ?? moment.id(`product:${told}`)
  const code = told ?? `told-${moment.id(`code:${product_id}`)}`
  const name = beginningOf(tidied(first.name ?? ''), NAME_MAX) || code
  const fields = {
    ...{ code, name, description: name, currency },
    ...{ sell_price_minor: price_minor, cost_price_minor: null, department_id: null },
    ...{ unit_id: null, tax_class: null, min_stock: 0 },
    quantity_scale: Math.max(...same.map(({ quantity }) => scaleOf(quantity))),
  }
  const names = { department_name: null, unit_name: null }
  const user_id = moment.user_id ?? null
  const write = product.write(product_id, [
    product.event('ProductCreated', { product_id, ...fields, ...names, user_id }, at),
    product.event('ProductArchived', { product_id }),
  ])
  return {
    product_id,
    state: { ...fields, is_active: false, price_number: 1, scheduled: [] },
    write,
    claim: codeClaim(code, write.stream),
  }
}

function scaleOf(quantity: string): number {
  for (let scale = SCALE; scale < SCALE_MAX; scale++) if (scaled(quantity, scale).ok) return scale
  return SCALE_MAX
}
