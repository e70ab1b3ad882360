// Conditions on rows as plain data that can be joined, reused and sent: what they mean is told here
// once, for rows in memory; storage/read-model-sql.ts says the same in SQL, by the same vectors.
//
// A condition is true or false, never unknown: where there is no value, every comparison but
// `not`, `eq: null` and an `in` with null is false. So `not(s)` holds for exactly those rows for
// which `s` does not. Texts compare bytewise.
import { bytewise } from './bytewise.ts'
import type { Condition, Filter, Row, Specification, Table, Value } from './projection.ts'

/**
 * How deep specifications lie in each other, how many of them there are, empty ones too, and how
 * many conditions and listed values they have.
 */
export const DEPTH_MAX = 16
/** Engines take expressions of some 1,000 parts. */
export const PARTS_MAX = 500
export const CONDITIONS_MAX = 200
export const LISTED_MAX = 50_000

export const and = (...specifications: readonly Specification[]): Specification => ({
  and: specifications,
})
export const or = (...specifications: readonly Specification[]): Specification => ({
  or: specifications,
})
export const not = (specification: Specification): Specification => ({ not: specification })

/** Names that no column can have, since a specification begins with them. */
export const JOINTS = ['and', 'or', 'not'] as const

export type Node =
  | { readonly joint: 'and'; readonly parts: readonly Specification[] }
  | { readonly joint: 'or'; readonly parts: readonly Specification[] }
  | { readonly joint: 'not'; readonly part: Specification }
  | { readonly joint: null; readonly filter: Filter }

/** A specification as what it is: joined by one word, or a filter of columns. */
export function nodeOf(specification: Specification): Node {
  const given = specification as Readonly<Record<string, unknown>>
  // `specificationTrouble` has looked at what lies in them.
  if (Object.hasOwn(given, 'and')) return { joint: 'and', parts: given.and as Specification[] }
  if (Object.hasOwn(given, 'or')) return { joint: 'or', parts: given.or as Specification[] }
  if (Object.hasOwn(given, 'not')) return { joint: 'not', part: given.not as Specification }
  return { joint: null, filter: specification as Filter }
}

/** Each operator of a condition with what it is given; absent ones are no condition. */
export const operatorsOf = (condition: Condition | undefined): readonly [string, Value][] =>
  typeof condition === 'object' && condition !== null
    ? Object.entries(condition).filter(([, wanted]) => wanted !== undefined)
    : condition === undefined
      ? []
      : [['eq', condition]]

// ── what it means ─────────────────────────────────────────────────────────────────────────────

/** Whether a row is one of those meant. The specification is one without trouble. */
export function matches({ columns }: Table, specification: Specification): (row: Row) => boolean {
  const isDocument = (name: string) => {
    const column = columns[name]
    return (typeof column === 'object' ? column.kind : column) === 'json'
  }
  const holds = (row: Row, one: Specification): boolean => {
    const node = nodeOf(one)
    if (node.joint === 'not') return !holds(row, node.part)
    if (node.joint === 'and') return node.parts.every((part) => holds(row, part))
    if (node.joint === 'or') return node.parts.some((part) => holds(row, part))
    return Object.entries<Condition | undefined>(node.filter).every(([name, condition]) => {
      const value = row[name] ?? null
      // A document is searched as the text that it is.
      const plain = value !== null && isDocument(name) ? JSON.stringify(value) : value
      return operatorsOf(condition).every(([operator, wanted]) => fulfils(plain, operator, wanted))
    })
  }
  return (row) => holds(row, specification)
}

function fulfils(value: Value, operator: string, wanted: Value): boolean {
  if (operator === 'in') return (wanted as readonly Value[]).some((one) => isSame(value, one))
  if (operator === 'not') return !isSame(value, wanted)
  if (operator === 'eq') return isSame(value, wanted)
  if (value === null) return false
  switch (operator) {
    case 'contains':
      return lowered(String(value)).includes(lowered(asStored(wanted)))
    case 'starts':
      return String(value).startsWith(asStored(wanted))
    case 'gt':
      return compared(value, wanted) > 0
    case 'gte':
      return compared(value, wanted) >= 0
    case 'lt':
      return compared(value, wanted) < 0
    default:
      return compared(value, wanted) <= 0
  }
}

const isSame = (value: Value, wanted: Value) =>
  value === null || wanted === null ? value === wanted : compared(value, wanted) === 0

const compared = (value: Value, wanted: Value): number =>
  typeof value === 'string' ? bytewise(value, asStored(wanted)) : Number(value) - Number(wanted)

/** Half a character reaches no database as such. */
const asStored = (wanted: Value) => String(wanted).toWellFormed()

/** ASCII letters only: what every engine agrees on without a locale. */
const lowered = (text: string) => text.replaceAll(/[A-Z]+/g, (some) => some.toLowerCase())

// ── what is wrong with it ─────────────────────────────────────────────────────────────────────

export type Trouble = { readonly field: string; readonly message: string }
type Count = { parts: number; conditions: number }

/** Why nobody can answer this; null where everybody can. */
export function specificationTrouble(table: Table, specification: Specification): Trouble | null {
  return troubleIn(table, specification, 1, { parts: 0, conditions: 0 })
}

function troubleIn(table: Table, one: unknown, depth: number, count: Count): Trouble | null {
  if (depth > DEPTH_MAX) return where(`is more than ${DEPTH_MAX} deep`)
  count.parts++
  if (count.parts > PARTS_MAX) return where(`has more than ${PARTS_MAX} parts`)
  if (typeof one !== 'object' || one === null || Array.isArray(one))
    return where('is made of objects: columns, or one of and, or, not')
  const names = Object.keys(one)
  const joints = JOINTS.filter((joint) => Object.hasOwn(one, joint))
  if (joints.length === 0) return troubleInFilter(table, one as Filter, count)
  if (names.length > 1) return where(`has ${joints[0]} beside something else`)
  const within = (one as Readonly<Record<string, unknown>>)[joints[0]!]
  if (joints[0] === 'not') return troubleIn(table, within, depth + 1, count)
  if (!Array.isArray(within)) return where(`takes a list for ${joints[0]}`)
  return firstTrouble(within, (part) => troubleIn(table, part, depth + 1, count))
}

const where = (message: string): Trouble => ({ field: 'where', message })

function troubleInFilter(table: Table, filter: Filter, count: Count): Trouble | null {
  return firstTrouble(Object.entries<Condition | undefined>(filter), ([name, condition]) => {
    if (!Object.hasOwn(table.columns, name))
      return { field: name, message: `is not a column of ${table.name}` }
    const column = table.columns[name]!
    const kind = typeof column === 'string' ? column : column.kind
    return firstTrouble(operatorsOf(condition), ([operator, wanted]) => {
      count.conditions++
      if (count.conditions > CONDITIONS_MAX)
        return where(`has more than ${CONDITIONS_MAX} conditions`)
      const message = operatorTrouble(kind, operator, wanted)
      return message === null ? null : { field: name, message }
    })
  })
}

function firstTrouble<T>(all: readonly T[], look: (one: T) => Trouble | null): Trouble | null {
  for (const one of all) {
    const trouble = look(one)
    if (trouble !== null) return trouble
  }
  return null
}

const TEXTS = new Set(['text', 'instant', 'day'])

function operatorTrouble(kind: string, operator: string, wanted: unknown): string | null {
  switch (operator) {
    case 'eq':
    case 'not':
      return wanted === null ? null : valueTrouble(kind, wanted)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return valueTrouble(kind, wanted)
    case 'in': {
      if (!Array.isArray(wanted)) return 'takes a list for in'
      if (wanted.length > LISTED_MAX) return `takes at most ${LISTED_MAX} values for in`
      // By its place: what is wrong may be that there is nothing.
      const wrong = wanted.findIndex((one) => one !== null && valueTrouble(kind, one) !== null)
      return wrong < 0 ? null : valueTrouble(kind, wanted[wrong])
    }
    case 'contains':
    case 'starts':
      if (!TEXTS.has(kind) && !(kind === 'json' && operator === 'contains'))
        return `is no text, so ${operator} means nothing`
      return typeof wanted === 'string' ? null : `takes a text for ${operator}`
    default:
      return `cannot be asked for ${operator}`
  }
}

/** Refused when the column could never hold a value of this kind. */
function valueTrouble(kind: string, value: unknown): string | null {
  if (kind === 'json') return 'is a document and can only be compared with null'
  if (kind === 'bool') return typeof value === 'boolean' ? null : `takes ${kind}`
  if (TEXTS.has(kind)) return typeof value === 'string' ? null : `takes ${kind}`
  return Number.isSafeInteger(value) ? null : `takes ${kind}`
}
