// To a customer whose order is on its way.
import { type Letter, letter } from './template.ts'

export type ShippedOrder = {
  readonly shop: string
  readonly order_number: string
  readonly name: string | null
  readonly carrier: string
  readonly tracking_number: string
}

export const orderShipped = (order: ShippedOrder): Letter =>
  letter(`Your order ${order.order_number} is on its way`, [
    order.name === null ? 'Hello,' : `Hello ${order.name},`,
    '',
    `your order ${order.order_number} was handed to ${order.carrier}.`,
    `Tracking number: ${order.tracking_number}`,
    '',
    order.shop,
  ])
