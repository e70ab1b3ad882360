// The manifest of the shop's numbers: the list of all they have.
import type { Context } from '#kernel/context.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { salesQueries } from './sales-queries.ts'
import type { WeekStarts } from './weeks.ts'

export type AnalyticsOptions = { readonly weekStarts?: WeekStarts }

export const analyticsWith = ({ weekStarts = 'monday' }: AnalyticsOptions = {}): Context => ({
  name: 'analytics',
  aggregates: [],
  commands: [],
  projections: [salesAnalytics],
  queries: [...salesQueries(weekStarts)],
})
