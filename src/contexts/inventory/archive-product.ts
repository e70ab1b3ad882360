// Archiving a product. It stands here and not in the catalogue, because the rule is about its
// stock: what is in stock or promised is not archived, unless the sender insists.
import { answered, product, productAnswer } from '#contexts/catalog/public.ts'
import { accept, ask, command, noSuch, reject } from '#kernel/decider.ts'
import { decimalNumber } from '#kernel/money.ts'
import { flag, id, object, optional } from '#kernel/schema.ts'
import { stockItem, stockKey } from './stock.ts'
import { stockedProduct } from './stocked-product.ts'

export const deleteProduct = command({
  type: 'DeleteProduct',
  input: object({
    product_id: id({ aliases: ['id'] }),
    force: optional(flag({ description: 'Also with stock or open reservations.' })),
  }),
  reads: ({ product_id }) => [product.at(product_id), stockedProduct.seen(product_id)],
  decide: ({ product_id, force = false }, given) => {
    const state = given.state(product.at(product_id))
    if (state === null) return noSuch('product', product_id)
    const response = answered(product_id, { ...state, is_active: false })
    if (!state.is_active) return accept([], response)
    if (!force) {
      const stores = given.state(stockedProduct.seen(product_id))
      const items = stores.map((store_id) => stockItem.seen(stockKey(product_id, store_id)))
      const lacking = given.lacking(items)
      if (lacking.length > 0) return ask(lacking)
      const shown = (value: number) => decimalNumber(value, state.quantity_scale)
      const left = stores.flatMap((store_id, i) => {
        const { quantity = 0, reserved = 0, incoming = 0 } = given.state(items[i]!) ?? {}
        return quantity === 0 && reserved === 0 && incoming === 0
          ? []
          : [
              {
                store_id,
                quantity: shown(quantity),
                reserved_quantity: shown(reserved),
                incoming_quantity: shown(incoming),
              },
            ]
      })
      if (left.length > 0)
        return reject(
          'invalid_state',
          'The product is in stock, promised or on its way; force archives it.',
          {
            details: { stores: left },
          },
        )
    }
    const archived = product.event('ProductArchived', { product_id })
    return accept([product.write(product_id, [archived])], response)
  },
  answer: productAnswer,
  route: {
    method: 'DELETE',
    path: '/api/v1/products/:product_id',
    tag: 'products',
    summary: 'Archive a product: hidden from lists, its history stays',
  },
})
