// What a product has cost, and when. One row per price, closed by the next one.
import { projection } from '#kernel/projection.ts'

export type PriceRow = {
  /** `<product_id>:<price_number>` */
  readonly price_id: string
  readonly product_id: string
  readonly price_number: number
  readonly sell_price_minor: number
  readonly cost_price_minor: number | null
  readonly currency: string
  readonly valid_from: string
  /** null: it is the price now. */
  readonly valid_to: string | null
  readonly changed_by: string | null
  /** By which it was written. */
  readonly command_id: string | null
  /** null: changed by hand, not at a time that was set before. */
  readonly schedule_id: string | null
}

const keyOf = (product_id: string, price_number: number) => `${product_id}:${price_number}`

export const priceHistory = projection<PriceRow>({
  name: 'price_history',
  version: 2,
  table: {
    name: 'price_history',
    key: 'price_id',
    columns: {
      price_id: 'text',
      product_id: 'text',
      price_number: 'int',
      sell_price_minor: 'money',
      cost_price_minor: { kind: 'money', nullable: true },
      currency: 'text',
      valid_from: 'instant',
      valid_to: { kind: 'instant', nullable: true },
      changed_by: { kind: 'text', nullable: true },
      command_id: { kind: 'text', nullable: true },
      schedule_id: { kind: 'text', nullable: true },
    },
    indexes: [['product_id', 'valid_from']],
  },
  on: {
    ProductCreated: {
      keys: ({ data }) => [keyOf(data.product_id, 1)],
      apply: (_, { data, occurred_at, metadata }, price_id) => ({
        price_id,
        product_id: data.product_id,
        price_number: 1,
        sell_price_minor: data.sell_price_minor,
        cost_price_minor: data.cost_price_minor,
        currency: data.currency,
        valid_from: occurred_at,
        valid_to: null,
        changed_by: data.user_id,
        command_id: metadata.command_id ?? null,
        schedule_id: null,
      }),
    },
    ProductPriceChanged: {
      keys: ({ data: { product_id, price_number } }) => [
        keyOf(product_id, price_number - 1),
        keyOf(product_id, price_number),
      ],
      apply: (row, { data, occurred_at, metadata }, price_id) => {
        if (price_id !== keyOf(data.product_id, data.price_number))
          return row && { ...row, valid_to: occurred_at }
        const { previous_sell_price_minor, schedule_id = null, ...price } = data
        const { command_id = null } = metadata
        return {
          ...price,
          price_id,
          valid_from: occurred_at,
          valid_to: null,
          command_id,
          schedule_id,
        }
      },
    },
  },
  sources: (key) => [`product-${key.slice(0, key.lastIndexOf(':'))}`],
})
