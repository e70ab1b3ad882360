// What a file may have in a column, and how a cell becomes a command's field. The same columns are
// read from CSV, where every cell is text, and from JSON lines.

import { NumberText, readJson } from '#edges/http/json-text.ts'
import { closest } from '#kernel/closest.ts'

export type Column = {
  readonly name: string
  readonly kind: 'text' | 'decimal' | 'integer' | 'flag' | 'json'
  /** Other names that are taken for it. */
  readonly aliases?: readonly string[]
  /** A row without it is wrong. */
  readonly isRequired?: boolean
  /** Read from files, never written to them. */
  readonly isInputOnly?: boolean
}
/** Of one row: what the file says. Absent: it says nothing; null: it is to be emptied. */
export type Fields = Readonly<Record<string, unknown>>
export type Errors = Readonly<Record<string, string>>
/** `line`: where it begins in the file, from 1. */
export type FileRow =
  | { readonly line: number; readonly fields: Fields }
  | { readonly line: number; readonly errors: Errors }

/** Nothing of the file can be believed from here on, and why. */
export class FileBroken extends Error {
  override readonly name = 'FileBroken'
}

/** The columns that these names stand for, in their order. Throws FileBroken, all mistakes told. */
export function columnsNamed(
  names: readonly string[],
  known: readonly Column[],
): readonly Column[] {
  // To guess what each was meant to be takes time.
  if (names.length > NAMES_MAX)
    throw new FileBroken(`There are ${names.length} columns, more than any file of ours has.`)
  const mistakes: string[] = []
  const all = known.flatMap(({ name, aliases = [] }) => [name, ...aliases])
  const found = names.map((given) => {
    const name = given.trim().toLowerCase()
    const column = known.find((one) => one.name === name || one.aliases?.includes(name))
    if (column !== undefined) return column
    const near = closest(name, all)
    const shown = given.length > NAME_SHOWN_MAX ? `${given.slice(0, NAME_SHOWN_MAX)}…` : given
    mistakes.push(`"${shown}" is not a column${near === null ? '' : `; did you mean ${near}?`}`)
    return null
  })
  for (const column of known)
    if (found.filter((one) => one === column).length > 1)
      mistakes.push(`${column.name} is there twice`)
  const missing = known.filter((column) => column.isRequired && !found.includes(column))
  if (missing.length > 0) mistakes.push(`${missing.map(({ name }) => name).join(', ')} is missing`)
  if (mistakes.length > 0)
    throw new FileBroken(
      `The columns are not right: ${mistakes.slice(0, MISTAKES_MAX).join('; ')}. ` +
        `There are ${known.map(({ name }) => name).join(', ')}.`,
    )
  return found.filter((column) => column !== null)
}
const NAMES_MAX = 200
const NAME_SHOWN_MAX = 40
const MISTAKES_MAX = 10

const DECIMAL = /^-?[0-9]{1,16}(\.[0-9]{1,9})?$/
const WHOLE = /^[0-9]{1,9}$/

/** A cell of a CSV file; undefined: an empty one says nothing. */
export function cellOf({ kind }: Column, text: string): Cell | undefined {
  if (text.trim() === '') return undefined
  if (text.includes('\0')) return { error: 'holds a NUL character' }
  if (kind === 'json') return jsonOf(text)
  return kind === 'text' ? { value: unescaped(text) } : plainOf(kind, text.trim())
}

/** A member of a JSON line. */
export function memberOf({ kind }: Column, value: unknown): Cell {
  if (value === null || kind === 'json') return { value: plain(value) }
  if ((value instanceof NumberText || typeof value === 'number') && kind !== 'flag') {
    const source = value instanceof NumberText ? value.source : String(value)
    return kind === 'text' ? { value: source } : plainOf(kind, source)
  }
  if (typeof value === 'boolean' && kind === 'flag') return { value }
  if (typeof value !== 'string') return { error: `must be ${WANTED[kind]}` }
  return kind === 'text' ? { value } : plainOf(kind, value)
}

type Cell = { readonly value: unknown } | { readonly error: string }

const WANTED = {
  text: 'a text',
  decimal: 'a decimal number such as 1.50',
  integer: 'a whole number',
  flag: 'true or false',
  json: 'JSON',
} as const

function plainOf(kind: 'decimal' | 'integer' | 'flag', text: string): Cell {
  switch (kind) {
    case 'decimal':
      if (DECIMAL.test(text)) return { value: text }
      return {
        error: text.includes(',')
          ? 'has a comma: decimals have a point, and no mark between thousands'
          : `must be ${WANTED.decimal}`,
      }
    case 'integer':
      return WHOLE.test(text) ? { value: Number(text) } : { error: `must be ${WANTED.integer}` }
    case 'flag': {
      const word = text.toLowerCase()
      return word === 'true' || word === 'false'
        ? { value: word === 'true' }
        : { error: `must be ${WANTED.flag}` }
    }
  }
}

function jsonOf(text: string): Cell {
  const read = readJson(text)
  return read.ok ? { value: plain(read.value) } : { error: read.problem }
}

/** Numbers as numbers again: within JSON of its own a field is its command's to judge. */
function plain(value: unknown): unknown {
  if (value instanceof NumberText) return Number(value.source)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
}

/** What every row needs, whatever the file's format. */
export function checkedRow(
  line: number,
  fields: { [name: string]: unknown },
  errors: { [name: string]: string },
  columns: readonly Column[],
): FileRow {
  for (const { name, isRequired } of columns)
    if (isRequired && fields[name] == null) errors[name] ??= 'is required'
  return Object.keys(errors).length > 0 ? { line, errors } : { line, fields }
}

// ── formulas ──────────────────────────────────────────────────────────────────────────────────

// What a spreadsheet would take for a formula gets an apostrophe on its way out, and loses it on
// its way in; so does what looks like an escaped one, so that nothing is ever lost or gained. The
// wide forms of the signs are formulas to spreadsheets of East Asia.
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/
const ESCAPED = /^'+[=+\-@\t\r\n＝＋－＠]/

export const escaped = (text: string): string => (FORMULA.test(text) ? `'${text}` : text)
const unescaped = (text: string): string => (ESCAPED.test(text) ? text.slice(1) : text)
