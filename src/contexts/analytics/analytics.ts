// The manifest of the shop's numbers: the list of all they have.
import type { Context } from '#kernel/context.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { getReturnsAnalytics, getSalesAnalytics } from './sales-queries.ts'

export const analytics: Context = {
  name: 'analytics',
  aggregates: [],
  commands: [],
  projections: [salesAnalytics],
  queries: [getSalesAnalytics, getReturnsAnalytics],
}
