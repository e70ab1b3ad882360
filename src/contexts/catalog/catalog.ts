// The manifest of the catalogue: the list of all it has.
import type { Context } from '#kernel/context.ts'
import { priceChanges } from './change-price.ts'
import { createProduct } from './create-product.ts'
import { department, departmentCommands } from './department.ts'
import { priceHistory } from './price-history.ts'
import { priceQueries } from './price-queries.ts'
import { product } from './product.ts'
import { productQueries } from './product-queries.ts'
import { productReadView } from './product-read-view.ts'
import { departments, referenceQueries, units } from './reference-lists.ts'
import { priceTimes, scheduledPrices } from './scheduled-prices.ts'
import { unit, unitCommands } from './unit.ts'

export type CatalogOptions = {
  /** `catalog.enrich_with_inventory`: products are shown with their stock. */
  readonly enriched: boolean
}

export const catalogWith = (options: CatalogOptions): Context => ({
  name: 'catalog',
  aggregates: [department, unit, product],
  commands: [...departmentCommands, ...unitCommands, createProduct, ...priceChanges],
  projections: [productReadView, priceHistory, scheduledPrices, departments, units],
  queries: [...productQueries(options), ...priceQueries, ...referenceQueries],
  waiting: [priceTimes],
})

export const catalog: Context = catalogWith({ enriched: true })
