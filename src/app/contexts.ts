// Every bounded context of the shop, in the order of their dependence. A new one is one line here.
import { type AnalyticsOptions, analyticsWith } from '#contexts/analytics/analytics.ts'
import { catalogWith } from '#contexts/catalog/catalog.ts'
import { customers } from '#contexts/customers/customers.ts'
import { history } from '#contexts/history/history.ts'
import { inventory } from '#contexts/inventory/inventory.ts'
import type { DeliveryLog } from '#contexts/notifications/delivery-queries.ts'
import { notifications } from '#contexts/notifications/notifications.ts'
import { orders } from '#contexts/orders/orders.ts'
import { payments } from '#contexts/payments/payments.ts'
import type { PaymentProvider } from '#contexts/payments/provider.ts'
import { privacy } from '#contexts/privacy/privacy.ts'
import { returns } from '#contexts/returns/returns.ts'
import { sales } from '#contexts/sales/sales.ts'
import type { Carrier } from '#contexts/shipping/carrier.ts'
import { shipping } from '#contexts/shipping/shipping.ts'
import { stores } from '#contexts/stores/stores.ts'
import { users } from '#contexts/users/users.ts'
import { type Context, eventTypesOf } from '#kernel/context.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import { numberEvents } from '#runtime/number-series.ts'
import { sealEvents } from '#runtime/seals.ts'

/** The outside world as the shop's contexts want it. */
export type Providers = { readonly provider: PaymentProvider; readonly carrier: Carrier }

export type ContextOptions = {
  /** How long a call to the outside may take. */
  readonly timeoutMs?: number
  /** Products show their stock. */
  readonly enriched?: boolean
  readonly analytics?: AnalyticsOptions
  /** What became of what was sent; absent: nobody may ask. */
  readonly deliveries?: DeliveryLog
}

export function contextsOf(
  providers: Providers,
  { deliveries = noDeliveries, ...options }: ContextOptions = {},
): readonly Context[] {
  const trade = tradeOf(providers, options)
  return [...trade, notifications({ types: eventTypesOf(trade), deliveries })]
}

const noDeliveries: DeliveryLog = {
  deliveries: () => Promise.reject(new Error('this process has not the role admin or saga')),
}

/** All but those who tell others of it. */
const tradeOf = (
  { provider, carrier }: Providers,
  { enriched = true, analytics = {}, ...timeout }: Omit<ContextOptions, 'deliveries'>,
): readonly Context[] => [
  stores,
  users,
  customers,
  catalogWith({ enriched }),
  inventory,
  payments({ provider, ...timeout }),
  shipping(),
  orders({ provider, carrier, ...timeout }),
  sales,
  returns,
  analyticsWith(analytics),
  history,
  privacy,
]

/** What others may be told of: what happens in the shop, and nothing of who is told. */
export const sendableOf = (contexts: readonly Context[]): EventTypes =>
  eventTypesOf(contexts.filter(({ name }) => name !== 'notifications'))

/** What may be in the log: the contexts' events and the kernel's own. */
export const typesOf = (contexts: readonly Context[]): EventTypes => ({
  ...eventTypesOf(contexts),
  ...numberEvents,
  ...sealEvents,
})
