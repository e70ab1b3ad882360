// To operators: the book and the goods disagree.
import { type Letter, letter } from './template.ts'

export type Discrepancy = {
  readonly shop: string
  readonly product_id: string
  readonly store_id: string
  readonly kind: string
}

export const discrepancyFound = (found: Discrepancy): Letter =>
  letter(`${found.shop}: stock of ${found.product_id} does not add up`, [
    `In store ${found.store_id}, product ${found.product_id}: ${found.kind}.`,
    'It waits in the list of discrepancies until somebody settles it.',
  ])
