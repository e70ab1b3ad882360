// Everything that has a history: where it is asked for, and which streams tell it.
import { productReadView } from '#contexts/catalog/public.ts'
import { stockKey } from '#contexts/inventory/public.ts'
import { orderViews } from '#contexts/orders/public.ts'
import { registerKey, saleRefunds } from '#contexts/sales/public.ts'
import { shipments } from '#contexts/shipping/public.ts'
import { storeIdOf } from '#contexts/stores/public.ts'
import { streamOf } from '#kernel/message.ts'
import type { Reader } from '#kernel/query.ts'
import type { Told } from './history-query.ts'
import type { Measures } from './words.ts'

const PARCELS_MAX = 100

export const told: readonly Told[] = [
  {
    ...single('product', 'products', 'a product'),
    measures: ({ product_id = '' }, reader) => ofProduct(reader, product_id),
  },
  single('department', 'departments', 'a department'),
  single('unit', 'units', 'a unit'),
  single('store', 'stores', 'a store'),
  single('customer', 'customers', 'a customer'),
  single('user', 'users', 'a user'),
  {
    type: 'GetStockHistory',
    path: '/api/v1/inventory/:product_id/history',
    tag: 'inventory',
    of: "a product's stock in a store",
    names: ['product_id'],
    optionally: ['store_id'],
    streams: async ({ product_id = '', store_id }) => [
      streamOf('stock', stockKey(product_id, storeIdOf(store_id))),
    ],
    measures: ({ product_id = '' }, reader) => ofProduct(reader, product_id),
  },
  {
    ...single('reservation', 'inventory/reservations', 'a reservation'),
    tag: 'inventory',
  },
  {
    ...single('order', 'orders', 'an order'),
    streams: async ({ order_id = '' }, reader) => orderStreams(reader, order_id),
  },
  single('payment', 'payments', 'a payment'),
  single('transfer', 'transfers', 'a transfer'),
  {
    type: 'GetStockCountHistory',
    path: '/api/v1/stock-counts/:count_id/history',
    tag: 'stock counts',
    of: 'a stock count',
    names: ['count_id'],
    streams: async ({ count_id = '' }) => [streamOf('stock_count', count_id)],
  },
  { ...single('discrepancy', 'inventory/discrepancies', 'a discrepancy'), tag: 'inventory' },

  single('sale', 'sales', 'a sale'),
  {
    ...single('refund', 'sales/refunds', 'a refund at the till'),
    tag: 'sales',
    streams: async ({ refund_id = '' }, reader) => refundStreams(reader, refund_id),
  },
  {
    ...single('register', 'registers', 'a register'),
    tag: 'cash sessions',
    optionally: ['store_id'],
    streams: async ({ register_id = '', store_id }) => [
      streamOf('register', registerKey(storeIdOf(store_id), register_id)),
    ],
  },
  single('return', 'returns', 'a return'),

  single('shipment', 'shipments', 'a shipment'),
  {
    type: 'GetErasureHistory',
    path: '/api/v1/erasures/:subject/history',
    tag: 'privacy',
    of: 'an erasure',
    names: ['subject'],
    streams: async ({ subject = '' }) => [streamOf('erasure', subject)],
  },
  {
    ...single('webhook', 'admin/webhooks', 'a webhook'),
    tag: 'webhooks',
    hides: ['secret'],
  },
]

/** A thing with one stream of its own. */
function single(type: string, folder: string, of: string): Told {
  const field = `${type}_id`
  return {
    type: `Get${type[0]!.toUpperCase()}${type.slice(1)}History`,
    path: `/api/v1/${folder}/:${field}/history`,
    tag: folder,
    of,
    names: [field],
    streams: async (names) => [streamOf(type, names[field]!)],
  }
}

async function ofProduct(reader: Reader, product_id: string): Promise<Measures> {
  const row =
    (await reader.get(productReadView, product_id)) ??
    // The table may be behind the log, which the history is read from.
    (await reader.past(productReadView, product_id, { position: Number.MAX_SAFE_INTEGER }))
  if (row === null) return {}
  const { currency, quantity_scale } = row
  return { currency: String(currency), quantity_scale: Number(quantity_scale) }
}

/** Without a receipt it has a stream of its own, otherwise its sale tells of it. */
async function refundStreams(reader: Reader, refund_id: string): Promise<readonly string[] | null> {
  const row = await reader.get(saleRefunds, refund_id)
  if (row === null) return null
  return [
    row.sale_id === null
      ? streamOf('sale_refund', refund_id)
      : streamOf('sale', String(row.sale_id)),
  ]
}

/** An order is told by all that was done for it: its stock, its saga, its money, its parcels. */
async function orderStreams(reader: Reader, order_id: string): Promise<readonly string[] | null> {
  const row = await reader.get(orderViews, order_id)
  if (row === null) return null
  const own = ['order', 'reservation', 'saga', 'shipment'].map((type) => streamOf(type, order_id))
  const paid = typeof row.payment_id === 'string' ? [streamOf('payment', row.payment_id)] : []
  const parcels = await reader.find(shipments, { where: { order_id }, limit: PARCELS_MAX })
  const sent = parcels.items.map(({ shipment_id }) => streamOf('shipment', String(shipment_id)))
  return [...own, ...paid, ...sent]
}
