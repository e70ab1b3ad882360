// Rows of stock know their product's id; what else an answer needs comes from the product's row.
import { productReadView } from '#contexts/catalog/public.ts'
import type { Row } from '#kernel/projection.ts'
import { everyRow, type Reader } from '#kernel/query.ts'

/** Products that are asked for at once. */
const BATCH = 500

export const allRows = (...asked: Parameters<typeof everyRow>): Promise<readonly Row[]> =>
  Array.fromAsync(everyRow(...asked))

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
  for (const id of distinct) {
    const row = rows.get(id) ?? (await fromTheLog(reader, id))
    if (row !== null) rows.set(id, row)
  }
  return rows
}

export const productRow = async (reader: Reader, id: string): Promise<Row | null> =>
  (await reader.get(productReadView, id)) ?? (await fromTheLog(reader, id))

/** Tables are not equally new: where stock is told of before its product is, the log knows it. */
const fromTheLog = (reader: Reader, id: string): Promise<Row | null> =>
  reader.past(productReadView, id, { position: Number.MAX_SAFE_INTEGER })

/** Each row with what is wanted of its product. */
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
