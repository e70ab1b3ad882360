// What commands over products answer: the product as it is after them.
import type { Infer } from '#kernel/schema.ts'
import { flag, id, integer, money, nullable, object, quantity, text } from '#kernel/schema.ts'
import { CODE_MAX, DESCRIPTION_MAX, NAME_MAX, type ProductState } from './product.ts'

/** `id` and `product_id`, `code` and `sku` are the same things under their two names. */
export const productFields = {
  id: id(),
  product_id: id(),
  code: text({ max: CODE_MAX }),
  sku: text({ max: CODE_MAX }),
  name: text({ max: NAME_MAX }),
  description: text({ max: DESCRIPTION_MAX }),
  sell_price_minor: money(),
  cost_price_minor: nullable(money()),
  currency: text({ max: 3 }),
  quantity_scale: integer(),
  department_id: nullable(id()),
  unit_id: nullable(id()),
  tax_class: nullable(text()),
  min_stock: quantity(),
  is_active: flag(),
}
export const productAnswer = object(productFields)

export function answered(
  product_id: string,
  { price_number, scheduled, ...state }: ProductState,
): Infer<typeof productAnswer> {
  return { id: product_id, product_id, sku: state.code, ...state }
}
