// A table's definition, checked once and kept in the form the engines work with. Shared by all
// engines, so that they take the same rows and refuse the same things.
import { createHash } from 'node:crypto'
import type { Column, ColumnKind, Row, Table, Totals, Value } from '#kernel/projection.ts'
import { WORDS_VERSION } from '#kernel/search-words.ts'
import { JOINTS } from '#kernel/specification.ts'
import { RowsRefused } from './read-models.ts'

export type ShapeColumn = {
  readonly name: string
  readonly kind: ColumnKind
  readonly nullable: boolean
}
export type Shape = {
  readonly definition: Table
  readonly table: string
  readonly key: string
  readonly columns: readonly ShapeColumn[]
  readonly column: ReadonlyMap<string, ShapeColumn>
  /** Some columns' words can be searched. */
  readonly searched: boolean
  /** The same for tables that hold the same rows, whatever their names and indexes. */
  readonly columnsHash: string
  /** The same for tables that are the same but for their names. */
  readonly hash: string
}

// What every SQL engine takes as a name, with room for the suffix of a table built beside another.
const NAME = /^[a-z][a-z0-9_]{0,53}$/
const SUFFIXED = /^[a-z][a-z0-9_]{0,62}$/
/** What engines keep beside the rows. */
const RESERVED = new Set([
  ...['projections', 'projection_generations', 'projection_holds', 'projection_tables'],
  ...['projection_numbers', 'parked', 'parked_keys', 'migrations'],
])
const shapes = new WeakMap<Table, Shape>()

/** Throws when the definition is not sound: a bug, found at start. */
export function shapeOf(table: Table): Shape {
  let shape = shapes.get(table)
  if (shape === undefined) {
    shape = checked(table)
    shapes.set(table, shape)
  }
  return shape
}

function checked(table: Table): Shape {
  if (!SUFFIXED.test(table.name) || RESERVED.has(table.name))
    throw new Error(`a projection's table cannot be named ${table.name}`)
  const columns = Object.entries(table.columns).map(([name, column]) => {
    if (!NAME.test(name) || (JOINTS as readonly string[]).includes(name))
      throw new Error(`${table.name}.${name} is not a column's name`)
    return typeof column === 'string'
      ? { name, kind: column, nullable: false }
      : { name, kind: column.kind, nullable: column.nullable ?? false }
  })
  const column = new Map(columns.map((one) => [one.name, one]))
  const key = column.get(table.key)
  if (key?.kind !== 'text' || key.nullable)
    throw new Error(`${table.name}.${table.key} is its key and must be a text that is never null`)
  const indexes = [...(table.indexes ?? []), ...(table.unique ?? [])]
  for (const name of indexes.flat()) {
    const kind = column.get(name)?.kind
    if (kind === undefined || kind === 'json')
      throw new Error(`${table.name} has an index over ${name}, which cannot have one`)
  }
  const searched = Object.entries(table.search ?? {})
  for (const [name] of searched)
    if (column.get(name)?.kind !== 'text')
      throw new Error(`${table.name} has a search over ${name}, which is no text`)
  if (table.totals !== undefined) checkTotals(table, table.totals, column)
  const rows: unknown[] = [
    table.key,
    columns.map(({ name, kind, nullable }) => [name, kind, nullable]),
    // What is stored for a search lies with the rows.
    ...(searched.length === 0 ? [] : [WORDS_VERSION, searched]),
    ...(table.totals === undefined ? [] : [table.totals.by, table.totals.sums]),
  ]
  return {
    definition: table,
    table: table.name,
    key: table.key,
    columns,
    column,
    searched: searched.length > 0,
    columnsHash: hashOf(rows),
    hash: hashOf([rows, table.indexes ?? [], table.unique ?? []]),
  }
}

function checkTotals(
  { name: table, columns: given }: Table,
  { by, sums }: Totals,
  columns: ReadonlyMap<string, ShapeColumn>,
): void {
  if (by.length === 0) throw new Error(`${table} keeps totals by no column`)
  if (new Set([...by, ...sums]).size !== by.length + sums.length)
    throw new Error(`${table} keeps totals that name a column twice`)
  for (const name of by)
    if (columns.get(name) === undefined || columns.get(name)!.kind === 'json')
      throw new Error(`${table} keeps totals by ${name}, which cannot be grouped by`)
  for (const name of sums)
    if (!isNumeric(columns.get(name)?.kind))
      throw new Error(`${table} keeps totals of ${name}, which cannot be summed`)
  // Reports of what differs show totals; one of a single row is that row's.
  for (const name of [...by, ...sums])
    if ((given[name] as Column).personal)
      throw new Error(`${table} keeps totals with ${name}, which tells of a person`)
}

export const isNumeric = (kind: ColumnKind | undefined): boolean =>
  kind === 'int' || kind === 'money' || kind === 'quantity'

const hashOf = (value: unknown) =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)

/**
 * The row as it will come back: absent nullable columns are null, instants are in UTC with
 * milliseconds. Throws RowsRefused for anything that an engine would refuse or change, so that a
 * bad row is one event's failure and never a batch's.
 */
export function fittedRow(shape: Shape, row: object, key?: string): Row {
  const given = row as Record<string, Value | undefined>
  let [absent, loose] = [0, false]
  for (const column of shape.columns) {
    const value = given[column.name]
    if (value === null || value === undefined) {
      if (!column.nullable) refuse(shape, column, value)
      if (value === undefined) absent++
    } else if (!fits(column.kind, value)) {
      if (column.kind !== 'instant' || instantOf(value) === null) refuse(shape, column, value)
      loose = true
    }
  }
  let present = 0
  for (const _ in given) present++
  const known = absent === 0 ? shape.columns.length : countKnown(shape, given)
  if (present !== known) {
    const stranger = Object.keys(given).find((name) => !shape.column.has(name))
    throw new RowsRefused(`${shape.table} has no column ${stranger}`)
  }
  if (key !== undefined && given[shape.key] !== key)
    throw new RowsRefused(`${shape.table} got a row of ${given[shape.key]} under the key ${key}`)
  return absent === 0 && !loose ? (row as Row) : filled(shape, given)
}

/** Whether a value comes back from this column as it went in. */
export function fits(kind: ColumnKind, value: Value): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string' && !value.includes('\0') && value.isWellFormed()
    case 'instant':
      return typeof value === 'string' && INSTANT.test(value) && isDay(value)
    case 'day':
      return typeof value === 'string' && DAY.test(value) && isDay(value)
    case 'int':
    case 'money':
    case 'quantity':
      return Number.isSafeInteger(value)
    case 'bool':
      return typeof value === 'boolean'
    case 'json':
      return typeof value !== 'function'
  }
}

/** A JSON column's value as it is stored. Only now it shows whether JSON can tell it. */
export function jsonText({ name }: ShapeColumn, value: Value): string {
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text !== undefined) return text
  } catch {
    // Never the value or what is said of it: it may tell of a person.
  }
  throw new RowsRefused(`the column ${name} got what JSON cannot hold`)
}

// A calendar that every engine has: from year 1 on, in four digits.
const DAY = /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/
const INSTANT =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** The thirty-first of a month that has none would come back as another day. */
function isDay(text: string): boolean {
  if (text.slice(8, 10) <= '28') return true
  const day = text.slice(0, 10)
  const time = Date.parse(`${day}T00:00:00.000Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day)
}

/** The same instant as it is stored: events may tell it in another zone or more roughly. */
function instantOf(value: Value): string | null {
  if (typeof value !== 'string' || !LOOSE_INSTANT.test(value) || !isDay(value)) return null
  const time = Date.parse(value)
  if (Number.isNaN(time)) return null
  const text = new Date(time).toISOString()
  return INSTANT.test(text) ? text : null
}
const LOOSE_INSTANT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function refuse(shape: Shape, { name, kind }: ShapeColumn, value: unknown): never {
  // Never the value itself: it may tell of a person, and errors are shown and stored.
  const got = value === null || value === undefined ? 'nothing' : `a ${typeof value}`
  throw new RowsRefused(`${shape.table}.${name} takes ${kind} and got ${got} that does not fit`)
}

const countKnown = (shape: Shape, row: object) =>
  shape.columns.reduce((known, { name }) => known + (Object.hasOwn(row, name) ? 1 : 0), 0)

function filled(shape: Shape, row: Record<string, Value | undefined>): Row {
  const whole: Record<string, Value> = {}
  for (const { name, kind } of shape.columns) {
    const value = row[name] ?? null
    whole[name] = kind === 'instant' && value !== null ? instantOf(value) : value
  }
  return whole
}
