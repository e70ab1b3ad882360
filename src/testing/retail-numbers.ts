// The numbers of an imported file as the product's own queries tell them, to be held against a
// truth.
import type { QueryGateway } from '#runtime/query-gateway.ts'
import type { Sums } from './retail-file.ts'

type Ask = QueryGateway['ask']
type Item = {
  readonly key: string
  readonly currency: string
  readonly units: number
  readonly quantity_scale: number
  readonly total_amount_minor: number
  readonly orders?: number
  readonly returns?: number
}
export type By =
  | ('day' | 'week' | 'month' | 'store' | 'channel')
  | ('country' | 'product' | 'customer' | 'department')

export async function answered<T>(ask: Ask, type: string, input: object = {}): Promise<T> {
  const answer = await ask(type, input)
  if (!answer.ok) throw new Error(`${type}: ${JSON.stringify(answer.rejection)}`)
  // The caller names the shape that the query's own answer schema has.
  return answer.result as T
}

/** Orders, units and pence by whatever is asked; for returns `orders` counts those. */
export async function salesBy(
  ask: Ask,
  group_by: By,
  filter: object = {},
): Promise<Readonly<Record<string, Sums>>> {
  return sumsBy(ask, 'GetSalesAnalytics', { group_by, ...filter })
}
export async function returnsBy(
  ask: Ask,
  group_by: By,
  filter: object = {},
): Promise<Readonly<Record<string, Sums>>> {
  return sumsBy(ask, 'GetReturnsAnalytics', { group_by, ...filter })
}

async function sumsBy(ask: Ask, type: string, asked: object) {
  const { items } = await answered<{ items: readonly Item[] }>(ask, type, asked)
  const sums: Record<string, Sums> = {}
  for (const { key, currency, units, quantity_scale, total_amount_minor, ...counts } of items) {
    if (currency !== 'GBP' || quantity_scale !== 0)
      throw new Error(`${key} is counted in ${currency} and steps of ${quantity_scale} digits`)
    const orders = counts.orders ?? counts.returns ?? Number.NaN
    sums[key] = { orders, units, pence: total_amount_minor }
  }
  return sums
}
