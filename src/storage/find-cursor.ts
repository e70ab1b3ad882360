// Cursors and order of `find`, the same in every engine: nulls first ascending, text bytewise, the
// key last. A cursor is the place of a page's last row; it only fits the question it came from.
import { createHash } from 'node:crypto'
import type { Find, Row, Value } from '#kernel/projection.ts'
import { InvalidQuery } from './read-models.ts'
import { fits, type Shape, type ShapeColumn } from './table-shape.ts'

export type Order = { readonly column: ShapeColumn; readonly descending: boolean }

/** The total order of a query: its sort, then the key unless it was named. */
export function orderOf(shape: Shape, sort: Find['sort']): readonly Order[] {
  const order: Order[] = []
  for (const { column: name, descending = false } of [...(sort ?? []), { column: shape.key }]) {
    const column = shape.column.get(name)
    if (column === undefined || column.kind === 'json')
      throw new InvalidQuery('sort', `names ${name}, by which ${shape.table} cannot be sorted`)
    if (!order.some((one) => one.column === column)) order.push({ column, descending })
    if (name === shape.key) break
  }
  return order
}

/** The rank of a search's hits, as a column that no table has. */
export const RANK: ShapeColumn = { name: '#rank', kind: 'int', nullable: false }

/** The same for questions whose pages follow each other: columns, order, conditions, search. */
export function signatureOf(shape: Shape, order: readonly Order[], query: Find): string {
  const sorted = order.map(({ column, descending }) => (descending ? '-' : '+') + column.name)
  const { where, search } = query
  if (where === undefined && search === undefined) return `${shape.columnsHash}:${sorted}`
  const asked = JSON.stringify([where ?? null, search?.text ?? null], inOneOrder)
  const hash = createHash('sha256').update(asked).digest('base64url').slice(0, 16)
  return `${shape.columnsHash}:${sorted}:${hash}`
}

/** Columns of a filter mean the same in any order. */
const inOneOrder = (_: string, value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

export function cursorAt(signature: string, order: readonly Order[], row: Row): string {
  const place = [signature, ...order.map(({ column }) => row[column.name])]
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** The values of the row the cursor stands at, in the order's columns. */
export function placeOf(
  signature: string,
  order: readonly Order[],
  cursor: string,
): readonly Value[] {
  let place: unknown
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw new InvalidQuery('cursor', 'is not one of ours: it is the next_cursor of an answer')
  }
  if (!Array.isArray(place) || place.length !== order.length + 1)
    throw new InvalidQuery('cursor', 'does not belong to this query')
  const [signed, ...values] = place as [unknown, ...Value[]]
  if (signed !== signature)
    throw new InvalidQuery('cursor', 'belongs to another query or an older version of the table')
  order.forEach(({ column }, at) => {
    if (!placeable(column, values[at])) throw new InvalidQuery('cursor', 'was changed on the way')
  })
  return values
}

const placeable = ({ kind, nullable }: ShapeColumn, value: Value | undefined): boolean =>
  value === null ? nullable : value !== undefined && fits(kind, value)
