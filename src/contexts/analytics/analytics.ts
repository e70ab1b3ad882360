// The manifest of the shop's numbers: the list of all they have.
import type { Context } from '#kernel/context.ts'
import { dashboardQuery } from './dashboard.ts'
import { inventoryValue } from './inventory-value.ts'
import { productSalesStats } from './product-sales-stats.ts'
import { getProductSalesStats } from './product-stats-query.ts'
import { getCustomerPurchaseHistory } from './purchase-queries.ts'
import { purchases } from './purchases.ts'
import { saleDays } from './sale-days.ts'
import { salesAnalytics } from './sales-analytics.ts'
import { salesJournal } from './sales-journal.ts'
import { salesQueries } from './sales-queries.ts'
import { salesReport } from './sales-report.ts'
import { storeInventoryValue } from './store-inventory-value.ts'
import type { WeekStarts } from './weeks.ts'

export type AnalyticsOptions = {
  readonly weekStarts?: WeekStarts
  /** The dashboard's, where several were used and none is asked for. */
  readonly currency?: string
}

export const analyticsWith = ({
  weekStarts = 'monday',
  currency = 'USD',
}: AnalyticsOptions = {}): Context => ({
  name: 'analytics',
  aggregates: [],
  commands: [],
  projections: [
    salesAnalytics,
    salesJournal,
    saleDays,
    productSalesStats,
    purchases,
    inventoryValue,
    storeInventoryValue,
  ],
  queries: [
    dashboardQuery({ weekStarts, currency }),
    ...salesQueries(weekStarts),
    salesReport(weekStarts),
    getProductSalesStats,
    getCustomerPurchaseHistory,
  ],
})
