// To a customer whose order is paid and will be sent.
import { type Letter, letter } from './template.ts'

export type ConfirmedOrder = {
  readonly shop: string
  readonly order_number: string
  readonly name: string | null
  /** Each with its amount as people read it. */
  readonly lines: readonly {
    readonly name: string
    readonly units: string
    readonly amount: string
  }[]
  readonly total: string
}

export const orderConfirmation = (order: ConfirmedOrder): Letter =>
  letter(`Your order ${order.order_number}`, [
    order.name === null ? 'Hello,' : `Hello ${order.name},`,
    '',
    `thank you. Your order ${order.order_number} is confirmed:`,
    '',
    ...order.lines.map(({ name, units, amount }) => `  ${units} × ${name}   ${amount}`),
    '',
    `Total: ${order.total}`,
    '',
    order.shop,
  ])
