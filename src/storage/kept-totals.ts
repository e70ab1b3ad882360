// Totals that engines keep beside the rows of a table: which questions they answer.
import type { Group, Specification } from '#kernel/projection.ts'
import { nodeOf, specificationTrouble } from '#kernel/specification.ts'
import type { Shape } from './table-shape.ts'

/** How many rows a total counts; no column of a projection has such a name. */
export const ROWS = '"#rows"'

export function isKept({ definition }: Shape, query: Group): boolean {
  const { totals } = definition
  const { where = {}, by, sums } = query
  // What is no question at all is refused where it is made into SQL.
  if (totals === undefined || specificationTrouble(definition, where) !== null) return false
  const parts = by.map((part) => (typeof part === 'string' ? part : part.column))
  return (
    [...columnsIn(where), ...parts].every((name) => totals.by.includes(name)) &&
    sums.every((name) => totals.sums.includes(name))
  )
}

export function columnsIn(where: Specification): readonly string[] {
  const node = nodeOf(where)
  if (node.joint === null) return Object.keys(node.filter)
  return node.joint === 'not' ? columnsIn(node.part) : node.parts.flatMap(columnsIn)
}
