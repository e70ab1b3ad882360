// Cursors and order of `find`, the same in every engine: nulls first ascending, text bytewise, the
// key last. A cursor is the place of a page's last row; it only fits the sort it came from.
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

const signature = (shape: Shape, order: readonly Order[]) =>
  `${shape.columnsHash}:${order.map(({ column, descending }) => (descending ? '-' : '+') + column.name)}`

export function cursorAt(shape: Shape, order: readonly Order[], row: Row): string {
  const place = [signature(shape, order), ...order.map(({ column }) => row[column.name])]
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** The values of the row the cursor stands at, in the order's columns. */
export function placeOf(shape: Shape, order: readonly Order[], cursor: string): readonly Value[] {
  let place: unknown
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw new InvalidQuery('cursor', 'is not one of ours')
  }
  if (!Array.isArray(place) || place.length !== order.length + 1)
    throw new InvalidQuery('cursor', 'does not belong to this query')
  const [signed, ...values] = place as [unknown, ...Value[]]
  if (signed !== signature(shape, order))
    throw new InvalidQuery('cursor', 'belongs to another query or an older version of the table')
  order.forEach(({ column }, at) => {
    if (!placeable(column, values[at])) throw new InvalidQuery('cursor', 'was changed on the way')
  })
  return values
}

const placeable = ({ kind, nullable }: ShapeColumn, value: Value | undefined): boolean =>
  value === null ? nullable : value !== undefined && fits(kind, value)
