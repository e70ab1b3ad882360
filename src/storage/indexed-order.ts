// Whether rows can be gone through in the order that a question asks for, without sorting them.
import type { Find, Specification } from '#kernel/projection.ts'
import { nodeOf, operatorsOf } from '#kernel/specification.ts'
import type { Shape } from './table-shape.ts'

/** Whether an index has the rows in the order asked for, but for what the key decides. */
export const isIndexed = (shape: Shape, query: Pick<Find, 'where' | 'sort'>): boolean =>
  indexesInOrder(shape, query).length > 0

/** Those that have it. */
export function indexesInOrder(
  { key, definition }: Shape,
  { where = {}, sort = [] }: Pick<Find, 'where' | 'sort'>,
): readonly (readonly string[])[] {
  const fixed = new Set(fixedIn(where))
  const asked = sort.filter(({ column }) => !fixed.has(column) && column !== key)
  const [first] = asked
  if (asked.some(({ descending = false }) => descending !== (first?.descending ?? false))) return []
  const indexes = [...(definition.indexes ?? []), ...(definition.unique ?? []), [key]]
  return indexes.filter((names) => {
    const free = names.filter((name) => !fixed.has(name) && name !== key)
    if (asked.length === 0) return free.length === 0
    return asked.every(({ column }, at) => free[at] === column)
  })
}

/** Columns that have one value only. */
function fixedIn(where: Specification): readonly string[] {
  const node = nodeOf(where)
  if (node.joint === 'and') return node.parts.flatMap(fixedIn)
  if (node.joint !== null) return []
  return Object.entries(node.filter)
    .filter(([, condition]) => operatorsOf(condition).some(([operator]) => operator === 'eq'))
    .map(([name]) => name)
}
