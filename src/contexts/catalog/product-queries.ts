// Questions about products: one, in three shapes, or a list of them.
import { listOf } from '#kernel/list-of.ts'
import { asksNow, asOfFields, nowOrThen, PAGE_MAX, pageAnswer, paged } from '#kernel/listing.ts'
import type { Filter, Row } from '#kernel/projection.ts'
import { type Keeping, type Query, query, type Reader, variantKey } from '#kernel/query.ts'
import {
  flag,
  type Infer,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  optional,
  quantity,
  type Schema,
  text,
} from '#kernel/schema.ts'
import { NAME_MAX } from './product.ts'
import { productFields } from './product-answer.ts'
import { productReadView } from './product-read-view.ts'

/** How many a search answers where the sender does not say. */
const SEARCH_LIMIT = 100

const stockFields = {
  has_inventory: optional(flag()),
  stock_quantity: optional(quantity()),
  reserved_quantity: optional(quantity()),
  available_quantity: optional(quantity()),
}
const full = object({
  ...productFields,
  department_name: nullable(text()),
  unit_name: nullable(text()),
  quantity_in_stock: quantity(),
  in_stock: flag(),
  is_low_stock: flag(),
  stock_value_minor: nullable(money()),
  ...stockFields,
  created_at: instant(),
  updated_at: instant(),
  version: integer(),
  stale: optional(flag()),
})
const { id: itsId, product_id, code, sku, name, description, sell_price_minor } = productFields
const found = {
  id: itsId,
  product_id,
  code,
  sku,
  name,
  description,
  sell_price_minor,
  currency: productFields.currency,
  in_stock: flag(),
  stale: optional(flag()),
}
const searchResult = object(found)
const listItem = object({
  ...found,
  quantity_in_stock: quantity(),
  quantity_scale: integer(),
  department_name: nullable(text()),
  is_low_stock: flag(),
  is_active: flag(),
})

/** A product's row is in its own answers, and may be in any list. */
const ofProducts: Keeping<never>['of'] = [
  { projection: productReadView, names: (id) => [`product:${id}`, 'product_list'] },
]

const one = object({ product_id: id({ aliases: ['id'] }), ...asOfFields })
const path = '/api/v1/products'

/** `enriched`: shows the stock beside the product. */
export function productQueries({ enriched }: { readonly enriched: boolean }): readonly Query[] {
  const whole = (row: Row) => (enriched ? withStock(row) : withNames(row))
  const getter = (type: string, answer: Schema, shape: (row: Row) => object, variant = '') => ({
    type,
    keeping: {
      key: (input: Infer<typeof one>) =>
        asksNow(input) ? `product:${input.product_id}${variant}` : null,
      ttl: 'product' as const,
      of: ofProducts,
    },
    input: one,
    run: async (input: Infer<typeof one>, reader: Reader) => {
      const row = await readProduct(input, reader)
      return row === null ? null : shape(row)
    },
    answer,
  })
  return [
    query({
      ...getter('GetProduct', full, whole),
      route: {
        method: 'GET',
        path: `${path}/:product_id`,
        tag: 'products',
        summary: 'A product, with its stock over all stores; also as it was known at some time',
      },
    }),
    query(getter('GetProductById', full, whole)),
    query(getter('GetProductForEdit', full, whole)),
    query(getter('GetProductForList', listItem, (row) => picked(row, listItem), '#list')),
    query(
      getter('GetProductForSearch', searchResult, (row) => picked(row, searchResult), '#search'),
    ),
    query({
      type: 'SearchProducts',
      input: object({ ...searchFields, limit: searchLimit }),
      keeping: keptList('SearchProducts'),
      run: (input, reader) => search({ ...input, limit: input.limit ?? SEARCH_LIMIT }, reader),
      answer: pageAnswer(listItem),
      route: {
        method: 'GET',
        path,
        tag: 'products',
        summary: 'Products by words in code, name or description, and by filters',
      },
    }),
    query({
      type: 'ListProducts',
      input: searchInput,
      keeping: keptList('ListProducts'),
      run: search,
      answer: pageAnswer(listItem),
    }),
  ]
}

const readProduct = (input: Infer<typeof one>, reader: Reader): Promise<Row | null> =>
  nowOrThen(reader, productReadView, input.product_id, input)

const offered = listOf(productReadView, {
  filters: ['code', 'name', 'department_id', 'sell_price_minor', 'created_at', 'updated_at'],
  sort: ['code', 'name', 'sell_price_minor', 'quantity_in_stock', 'created_at', 'updated_at'],
  standard: ['code'],
})

const searchLimit = optional(
  integer({ min: 1, max: PAGE_MAX, description: `Default ${SEARCH_LIMIT}.` }),
)
const searchFields = {
  ...offered.fields,
  search_term: optional(
    text({
      max: NAME_MAX,
      aliases: ['q', 'search'],
      description:
        'Words of code, name or description, the last perhaps unfinished; mistyped ones are ' +
        'forgiven. Without a sort the best match comes first. Where it means very many, `total` ' +
        'is null.',
    }),
  ),
  code: optional(text({ aliases: ['sku'] })),
  department_id: optional(id()),
  in_stock_only: optional(flag()),
  low_stock_only: optional(flag()),
  include_inactive: optional(flag()),
  currency: optional(text({ max: 3, description: 'Needed beside a filter by price.' })),
}
const searchInput = object(searchFields)
type Search = Infer<typeof searchInput>

const keptList = (type: string): Keeping<typeof searchInput> => ({
  key: (input) => variantKey('product_list', type, input),
  ttl: 'product',
  of: ofProducts,
})

async function search(input: Search, reader: Reader) {
  const asked = { where: filterOf(input), search: input.search_term }
  const page = await reader.find(productReadView, offered.find(input, asked))
  return paged({ ...page, items: page.items.map((row) => picked(row, listItem)) }, input)
}

function filterOf(input: Search): Filter {
  const { code, department_id, in_stock_only, low_stock_only, include_inactive, currency } = input
  return {
    is_active: include_inactive ? undefined : true,
    code,
    department_id,
    in_stock: in_stock_only ? true : undefined,
    is_low_stock: low_stock_only ? true : undefined,
    currency,
  }
}

const withNames = (row: Row): Row => {
  const { has_inventory, stocked_stores, reserved_quantity, available_quantity, ...rest } = row
  return { ...rest, id: row.product_id!, sku: row.code! }
}

const withStock = (row: Row): Row => ({
  ...withNames(row),
  has_inventory: row.has_inventory!,
  stock_quantity: row.quantity_in_stock!,
  reserved_quantity: row.reserved_quantity!,
  available_quantity: row.available_quantity!,
})

/** Only what the answer names. */
function picked(row: Row, { properties }: { readonly properties: object }): Row {
  const named = withNames(row)
  return Object.fromEntries(
    Object.keys(properties)
      .filter((field) => field in named)
      .map((field) => [field, named[field]!]),
  )
}
