// The model shop with two products and words for orders, for tests of what becomes of them.
import { deepEqual, ok } from 'node:assert/strict'
import type { Row } from '#kernel/projection.ts'
import { type ModelShop, openShop } from './model-shop.ts'

export type Settings = Record<string, unknown>
export const PAID: Settings = { 'payments.default_method': 'credit_card', 'retry.base_ms': 1 }
export const TAXED: Settings = { ...PAID, 'money.taxes': ['standard:VAT:20', 'reduced:VAT:5'] }

/** Cups at 5.00 by the piece, tea at 3.33 by the gram. */
async function openOrders(settings: Settings = PAID) {
  const shop = await openShop('memory', settings)
  const settle = (between = async () => {}) => shop.settle(between)
  const done = async (type: string, input: object) => {
    const outcome = await shop.send(type, input)
    if (!outcome.ok) throw new Error(`${type}: ${JSON.stringify(outcome.rejection)}`)
    return outcome.response
  }
  const refused = async (type: string, input: object) => {
    const outcome = await shop.send(type, input)
    ok(!outcome.ok, `${type} was accepted`)
    return outcome.rejection
  }
  const product = async (code: string, more: object) => {
    const fields = { code, name: code, sell_price: '5.00', currency: 'USD', ...more }
    return String((await done('CreateProduct', fields)).product_id)
  }
  const { unit_id } = await done('CreateUnit', { name: 'kg', precision: 3 })
  const cup = await product('CUP', {})
  const tea = await product('TEA', { sell_price: '3.33', unit_id, tax_class: 'reduced' })
  await done('AddStock', { product_id: cup, quantity: '20' })
  await done('AddStock', { product_id: tea, quantity: '10' })
  const order = async (more: object = {}) => {
    const items = [
      { product_id: cup, quantity: '4' },
      { product_id: tea, quantity: '1.5' },
    ]
    const { order_id } = await done('CreateOrder', { customer_id: 'c-1', items, ...more })
    return String(order_id)
  }
  /** Confirmed, with its label. */
  const confirmed = async (more: object = {}) => {
    const order_id = await order(more)
    await settle()
    return order_id
  }
  const row = async (order_id: string) => {
    const found = await shop.get('GetOrder', { order_id })
    ok(found !== null)
    return found
  }
  return { ...shop, settle, done, refused, order, confirmed, row, cup, tea }
}
export type OrderShop = Awaited<ReturnType<typeof openOrders>>
export const using = async (settings: Settings, run: (shop: OrderShop) => Promise<void>) => {
  const shop = await openOrders(settings)
  try {
    await run(shop)
    deepEqual(shop.trouble, [])
  } finally {
    await shop[Symbol.asyncDispose]()
  }
}

/** What the provider holds of this order: taken less given back. */
export async function heldOf(shop: ModelShop, order_id: string): Promise<number> {
  const ledger = await shop.provider.ledger()
  return ledger
    .filter(({ authorization, answer }) => authorization.startsWith(order_id) && isDone(answer))
    .reduce((sum, { kind, amount_minor }) => sum + signOf(kind) * amount_minor, 0)
}
const isDone = ({ status }: { readonly status: string }) => status === 'succeeded'
const signOf = (kind: string) => (kind === 'capture' ? 1 : kind === 'refund' ? -1 : 0)

export const stockOf = async (shop: OrderShop, product_id: string) => {
  const row = await shop.get('GetInventory', { product_id })
  return [row?.quantity, row?.reserved_quantity]
}
export const statusesOf = ({ status, payment_status, fulfillment_status, return_status }: Row) => [
  ...[status, payment_status, fulfillment_status, return_status],
]
