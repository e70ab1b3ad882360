// What the product is told for each product and invoice of the file. Pure. All ids are made from
// the source, the kind and the key, so that a second run says the same and nothing is done twice.
import { v5 } from 'uuid'
import { exponentOf, unscaled } from '#kernel/money.ts'
import type { SendMeta } from '#kernel/waiting.ts'
import { CURRENCY, type Invoice, type Line } from './retail-invoice.ts'
import type { Customer, Product } from './retail-survey.ts'

export type Told = {
  readonly type: string
  readonly input: object
  readonly meta: SendMeta & { readonly command_id: string }
}

const NAMESPACE = '6f1c1d5a-0d0b-5c3e-9a51-3d6c4f0f8a77'
const ORIGIN = 'online-retail'

export const idOf = (kind: string, key: string): string =>
  v5(`${ORIGIN}\n${kind}\n${key}`, NAMESPACE)

export type RetailCommands = {
  /** From now on this code means that product. */
  use(code: string, productId: string): void
  createProduct(product: Product): Told
  registerCustomer(customer: Customer): Told
  /** None for a product that never leaves. */
  openStock(product: Product): readonly Told[]
  createOrder(invoice: Invoice): Told
  shipOrder(invoice: Invoice): Told
  recordReturn(invoice: Invoice): Told
  /** One a product; none for a product whose corrections cancel out. */
  adjustStock(invoice: Invoice): readonly Told[]
}

/**
 * Before the shop's first invoice its products and their stock are there, at that moment. The
 * payment method is said only where the shop has no default: the file does not tell how anything
 * was paid.
 */
export function retailCommands(openedAt: string, paymentMethod?: string): RetailCommands {
  const productIds = new Map<string, string>()
  const productId = (code: string): string => {
    const known = productIds.get(code) ?? idOf('product', code)
    productIds.set(code, known)
    return known
  }
  return {
    use: (code, id) => void productIds.set(code, id),
    createProduct: ({ code, name, sell_price_minor }) =>
      told('CreateProduct', idOf('create-product', code), openedAt, {
        product_id: idOf('product', code),
        code,
        name,
        sell_price: price(sell_price_minor),
        currency: CURRENCY,
      }),
    // The number is all that the file knows of them, so it is their name.
    registerCustomer: ({ customer_id, since }) =>
      told('RegisterCustomer', idOf('register-customer', customer_id), since, {
        customer_id: idOf('customer', customer_id),
        name: customer_id,
        currency: CURRENCY,
      }),
    // The quantity is part of the key: a longer file that needs more brings more.
    openStock: ({ code, opening_stock }) =>
      opening_stock === 0
        ? []
        : [
            told('AddStock', idOf('open-stock', `${code}\n${opening_stock}`), openedAt, {
              product_id: productId(code),
              quantity: String(opening_stock),
              reason: 'opening stock',
              reference: ORIGIN,
            }),
          ],
    createOrder: ({ number, time, customer_id, country, lines }) =>
      told('CreateOrder', idOf('create-order', number), time, {
        order_id: idOf('order', number),
        order_number: number,
        currency: CURRENCY,
        items: lines.map(({ code, quantity, unit_price_minor }) => ({
          product_id: productId(code),
          quantity: String(quantity),
          price: price(unit_price_minor),
        })),
        ...(customer_id === null ? {} : { customer_id: idOf('customer', customer_id) }),
        ...(country === null ? {} : { country }),
        ...(paymentMethod === undefined ? {} : { payment: { method: paymentMethod } }),
      }),
    shipOrder: ({ number, time }) =>
      told('ShipOrder', idOf('ship-order', number), time, { order_id: idOf('order', number) }),
    recordReturn: ({ number, time, customer_id, country, lines }) =>
      told('RecordReturn', idOf('record-return', number), time, {
        return_id: idOf('return', number),
        reference: number,
        customer_id: customer_id === null ? null : idOf('customer', customer_id),
        country,
        currency: CURRENCY,
        lines: lines.map(({ code, quantity, unit_price_minor }) => ({
          product_id: productId(code),
          code,
          quantity,
          quantity_scale: 0,
          unit_price_minor,
        })),
        cause: 'credit note',
        original_order_id: null,
      }),
    adjustStock: ({ number, time, lines }) =>
      adjustments(lines).map(({ code, units, reason }) =>
        told('AdjustInventory', idOf('adjust-stock', `${number}\n${code}`), time, {
          product_id: productId(code),
          adjustment: String(units),
          reason,
          reference: number,
        }),
      ),
  }
}

const told = (type: string, command_id: string, occurred_at: string, input: object): Told => ({
  type,
  input,
  meta: { command_id, occurred_at, source: 'import' },
})

const price = (minor: number): string => unscaled(minor, exponentOf(CURRENCY))

const REASON_MAX = 200

function adjustments(
  lines: readonly Line[],
): readonly { readonly code: string; readonly units: number; readonly reason: string }[] {
  return [...Map.groupBy(lines, ({ code }) => code)]
    .map(([code, ofProduct]) => ({
      code,
      units: ofProduct.reduce((sum, { quantity }) => sum + quantity, 0),
      // What the shop's people wrote there is the reason: "damaged", "found", "wet pallet".
      reason: (ofProduct[0]?.description || 'stock correction').slice(0, REASON_MAX),
    }))
    .filter(({ units }) => units !== 0)
}
