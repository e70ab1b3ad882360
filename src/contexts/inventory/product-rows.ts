// Rows of stock know their product's id; what else an answer needs comes from the product's row.
import { productReadView } from '#contexts/catalog/public.ts'
import type { Find, Projection, Row } from '#kernel/projection.ts'
import type { Reader } from '#kernel/query.ts'

/** Products that are asked for at once, and rows in one page of a question without a limit. */
const BATCH = 500

/** All rows, page by page. */
export async function allRows(
  reader: Reader,
  projection: Projection,
  find: Omit<Find, 'limit' | 'cursor'>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  let cursor: string | null = null
  do {
    const page = await reader.find(projection, {
      ...find,
      limit: BATCH,
      ...(cursor === null ? {} : { cursor }),
    })
    rows.push(...page.items)
    cursor = page.next_cursor
  } while (cursor !== null)
  return rows
}

export async function productRows(
  reader: Reader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Row>> {
  const distinct = [...new Set(ids)]
  const rows = new Map<string, Row>()
  for (let from = 0; from < distinct.length; from += BATCH) {
    const wanted = distinct.slice(from, from + BATCH)
    const where = { product_id: { in: wanted } }
    const { items } = await reader.find(productReadView, { where, limit: BATCH })
    for (const row of items) rows.set(String(row.product_id), row)
  }
  return rows
}

/**
 * Each row with what is wanted of its product; without it where the product's row is not there yet.
 */
export async function withProducts(
  reader: Reader,
  rows: readonly Row[],
  wanted: (product: Row) => Row,
): Promise<readonly Row[]> {
  const products = await productRows(
    reader,
    rows.map((row) => String(row.product_id)),
  )
  return rows.map((row) => {
    const product = products.get(String(row.product_id))
    return product === undefined ? row : { ...row, ...wanted(product) }
  })
}
