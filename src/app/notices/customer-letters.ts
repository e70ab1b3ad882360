// What customers are written, and where to: the address of the order, else that of the customer.
// It is opened for this moment only; of somebody who was forgotten there is none.
import { type CUSTOMER_MAILS, MAIL_ADDRESS } from '#app/settings-notices.ts'
import type { Recorded } from '#kernel/message.ts'
import { exponentOf, unscaled } from '#kernel/money.ts'
import { orderConfirmation } from './templates/order-confirmation.ts'
import { orderShipped } from './templates/order-shipped.ts'
import type { Letter } from './templates/template.ts'

type Mail = (typeof CUSTOMER_MAILS)[number]
export const MAIL_OF: Readonly<Record<string, Mail>> = {
  OrderConfirmed: 'order_confirmation',
  OrderShipped: 'order_shipped',
}
export type Addressed = { readonly to: string; readonly letter: Letter }
/** Events of these streams, personal fields opened. */
export type Events = (streams: readonly string[], limit: number) => Promise<readonly Recorded[]>

const EVENTS_MAX = 1_000

type Address = { readonly name?: string | null; readonly email?: string | null } | null
type Line = {
  readonly name?: string
  readonly code: string
  readonly quantity: number
  readonly quantity_scale: number
  readonly amount_minor: number
}
type OrderData = {
  readonly order_number?: string
  readonly customer_id?: string | null
  readonly user_id?: string | null
  readonly currency?: string
  readonly shipping_address?: Address
  readonly lines?: readonly Line[]
  readonly total_amount_minor?: number
}

/** Text: why nobody is written. */
export async function customerLetter(
  { event_type, aggregate_id, data }: Recorded,
  events: Events,
  shop: string,
): Promise<Addressed | string> {
  const order = await orderAsItIs(aggregate_id, events)
  const whose = order.customer_id ?? order.user_id ?? aggregate_id
  // As soon as it is asked for: the key that opens the address may be there a moment longer.
  if ((await events([`erasure-${whose}`], 1)).length > 0) return 'the person is forgotten'
  const customer = await customerOf(order.customer_id ?? null, events)
  const to = order.shipping_address?.email ?? customer?.email ?? null
  if (to === null) return 'there is no address to write to'
  if (!MAIL_ADDRESS.test(to)) return 'the address is none that mail can be sent to'
  const name = order.shipping_address?.name ?? customer?.name ?? null
  const order_number = order.order_number ?? aggregate_id
  const known = { shop, order_number, name }
  if (event_type === 'OrderShipped')
    return { to, letter: orderShipped({ ...known, ...(data as ShippedData) }) }
  const { currency = 'USD', lines = [], total_amount_minor = 0 } = order
  const money = (minor: number) => `${unscaled(minor, exponentOf(currency))} ${currency}`
  const shown = lines.map(({ name, code, quantity, quantity_scale, amount_minor }) => ({
    name: name ?? code,
    units: unscaled(quantity, quantity_scale),
    amount: money(amount_minor),
  }))
  const total = money(total_amount_minor)
  return { to, letter: orderConfirmation({ ...known, lines: shown, total }) }
}
type ShippedData = { readonly carrier: string; readonly tracking_number: string }

/** The newest word on each of its fields. */
async function orderAsItIs(order_id: string, events: Events): Promise<OrderData> {
  const own = await events([`order-${order_id}`], EVENTS_MAX)
  const told = own.filter(({ event_type }) => /^Order(Created|Updated)$/.test(event_type))
  return Object.assign({}, ...told.map(({ data }) => data)) as OrderData
}

async function customerOf(customer_id: string | null, events: Events): Promise<Address> {
  if (customer_id === null) return null
  const own = await events([`customer-${customer_id}`], EVENTS_MAX)
  const told = own.filter(({ event_type }) => /^Customer(Registered|Updated)$/.test(event_type))
  return told.length === 0 ? null : (Object.assign({}, ...told.map(({ data }) => data)) as Address)
}
