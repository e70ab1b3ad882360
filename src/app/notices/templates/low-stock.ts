// To operators: a product runs out.
import { type Letter, letter } from './template.ts'

export type LowStock = {
  readonly shop: string
  readonly product_id: string
  readonly store_id: string
  readonly available: string
  readonly threshold: string
}

export const lowStock = (stock: LowStock): Letter =>
  letter(`${stock.shop}: low stock of ${stock.product_id}`, [
    `Product ${stock.product_id} in store ${stock.store_id} has fallen to ${stock.available};`,
    `its threshold is ${stock.threshold}.`,
  ])
