// How PostgreSQL is asked, so that it answers as every other engine does: texts bytewise (their
// columns are COLLATE "C"), instants and days compared and cut as the texts they are shown as.
import {
  type Bind,
  type Comparison,
  type Dialect,
  type Plain,
  quoted,
  successor,
} from '#storage/read-model-sql.ts'
import { fits, type ShapeColumn } from '#storage/table-shape.ts'

export type PgValue = Plain | null | readonly (Plain | null)[]

export const postgresDialect: Dialect<PgValue> = {
  bind: (values) => (value) => {
    values.push(value)
    return `$${values.length}`
  },
  compare: (column, operator, value, bind) =>
    typeof value === 'string'
      ? comparedText(column, operator, value, bind)
      : `${quoted(column.name)} ${operator} ${bind(value)}`,
  differs: (column, value, bind) =>
    canHold(column, value) ? `${quoted(column.name)} IS DISTINCT FROM ${bind(value)}` : 'TRUE',
  among: (column, list, bind) =>
    `${quoted(column.name)} = ANY(${bind(list.filter((value) => canHold(column, value)))})`,
  // No pattern, so nothing in the text is special.
  contains: (column, text, bind) =>
    text.includes('\0') ? 'FALSE' : `strpos(lower(${asText(column)}), ${bind(lowered(text))}) > 0`,
  /** As a range, so that an index helps: all that begin so lie between it and its successor. */
  starts(column, prefix, bind) {
    if (prefix.includes('\0')) return 'FALSE'
    const from = comparedText(column, '>=', prefix, bind)
    const end = successor(prefix)
    return end === null ? from : `${from} AND ${comparedText(column, '<', end, bind)}`
  },
  prefix: (column, length, bind) => `left(${asText(column)}, ${bind(Math.min(length, INT_MAX))})`,
  sorted: ({ column, descending }) =>
    quoted(column.name) + (descending ? ' DESC' : '') + nulls(column, descending),
  sortedBy: (number) => `${number} NULLS FIRST`,
}

const INT_MAX = 2 ** 31 - 1

/** As the table's indexes are; where there are no nulls, nothing is said, as nothing is there. */
export const nulls = ({ nullable }: ShapeColumn, descending = false) =>
  nullable ? ` NULLS ${descending ? 'LAST' : 'FIRST'}` : ''

/** Flags and numbers always; a text that is no day of the calendar is in no column of days. */
const canHold = ({ kind }: ShapeColumn, value: Plain) =>
  typeof value !== 'string' || fits(kind, value.toWellFormed())

/** ASCII letters only, as lower() under COLLATE "C" does. */
const lowered = (text: string) => text.replaceAll(/[A-Z]+/g, (some) => some.toLowerCase())

function asText({ kind, name }: ShapeColumn): string {
  const column = quoted(name)
  switch (kind) {
    case 'instant':
      return `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') COLLATE "C"`
    case 'day':
      return `to_char(${column}, 'YYYY-MM-DD') COLLATE "C"`
    case 'json':
      return `${column}::text COLLATE "C"`
    default:
      return column
  }
}

// ── comparing ─────────────────────────────────────────────────────────────────────────────────

function comparedText(
  column: ShapeColumn,
  operator: Comparison,
  value: string,
  bind: Bind,
): string {
  const name = quoted(column.name)
  if (column.kind === 'instant' || column.kind === 'day') {
    if (operator === '=') return canHold(column, value) ? `${name} = ${bind(value)}` : 'FALSE'
    return comparedTime(column.kind, name, operator, value, bind)
  }
  if (!value.includes('\0')) return `${name} ${operator} ${bind(value)}`
  // No text holds a NUL: all that lie behind what comes before it lie behind the whole.
  if (operator === '=') return 'FALSE'
  const before = bind(value.slice(0, value.indexOf('\0')))
  return operator.startsWith('>') ? `${name} > ${before}` : `${name} <= ${before}`
}

const DAY_MS = 86_400_000
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z')
const END_MS = Date.parse('9999-12-31T23:59:59.999Z') + 1
/** All values of a kind in their order, as numbers and as texts. */
const TIMES = {
  instant: { first: FIRST_MS, end: END_MS, text: (n: number) => new Date(n).toISOString() },
  day: {
    first: FIRST_MS / DAY_MS,
    end: END_MS / DAY_MS,
    text: (n: number) => new Date(n * DAY_MS).toISOString().slice(0, 10),
  },
} as const

/** Any text may be asked for, `2010-12` too; what counts is where it lies among those there are. */
function comparedTime(
  kind: keyof typeof TIMES,
  name: string,
  operator: Comparison,
  value: string,
  bind: Bind,
): string {
  const behind = operator === '>' || operator === '<='
  const first = firstTime(kind, (text) => (behind ? text > value : text >= value))
  const after = operator.startsWith('>')
  if (first === null) return after ? 'FALSE' : `${name} IS NOT NULL`
  return `${name} ${after ? '>=' : '<'} ${bind(first)}`
}

/** By halving: it is false for all before the first and true from there on. */
function firstTime(kind: keyof typeof TIMES, isFrom: (text: string) => boolean): string | null {
  const { first, end, text } = TIMES[kind]
  let [low, high] = [first, end]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isFrom(text(middle))) high = middle
    else low = middle + 1
  }
  return low === end ? null : text(low)
}
