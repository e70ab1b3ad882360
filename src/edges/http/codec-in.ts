// The one codec of the edge, inward: path, query string and body become a command's or a query's
// input. It follows the schema: exact decimals from their characters, aliases, money in its
// currency.
import { closest } from '#kernel/closest.ts'
import { exponentOf, scaled } from '#kernel/money.ts'
import { check, type FieldErrors, type ObjectSchema, type Schema } from '#kernel/schema.ts'
import {
  exactNumber,
  isNumber,
  NumberText,
  numberFrom,
  plainDecimal,
  readJson,
} from './json-text.ts'
import { branchesOf, isAmount, notesOf, shapeOf, wireName } from './schema-shape.ts'

export type Input =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly errors: FieldErrors }

/**
 * What was given, by where it stood. Texts of path and query string are read by the field's type.
 */
export type Given = {
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** Reads inputs of this schema; all field errors together. Made once per endpoint. */
export function inputReader(schema: ObjectSchema): (given: Given) => Input {
  const fields = fieldsOf(schema)
  const renamed = renamedFields(schema)
  return ({ path, query, body }) => {
    const reading: Reading = { errors: Object.create(null), hints: new Map(), failed: false }
    const sources = [texts(path, fields), texts(query, fields), body]
    const value = readFields(sources, fields, reading, '')
    const checked = check(schema, value)
    if (checked.ok && !reading.failed) return { ok: true, value: value }
    const errors = checked.ok ? {} : hinted(inWireWords(checked.errors, renamed), reading)
    return { ok: false, errors: { ...errors, ...reading.errors } }
  }
}

/** What one reading knows and finds; currency and scale are those of the nearest object around. */
type Reading = {
  readonly errors: Record<string, string>
  /** By the path of what nobody knows: what was meant, most likely; null: nothing is near. */
  readonly hints: Map<string, string | null>
  failed: boolean
  currency?: string | undefined
  scale?: number | undefined
}
/** `at` is the path of the value, for errors. */
type Decode = (value: unknown, reading: Reading, above: string, name: string) => unknown
type Field = { readonly name: string; readonly schema: Schema; readonly decode: Decode }
/** By every name that the wire may use. */
type Fields = ReadonlyMap<string, Field>

function fieldsOf(schema: Schema): Fields {
  const fields = new Map<string, Field>()
  for (const [name, property] of Object.entries(shapeOf(schema).properties ?? {})) {
    const field = { name, schema: property, decode: decoderOf(property, name) }
    // Cents sent under their inside name would be taken for what they are not.
    if (wireName(name, property) !== name) fields.set(name, { ...field, decode: unknownField })
    for (const given of [wireName(name, property), ...(notesOf(property)['x-aliases'] ?? [])])
      fields.set(given, field)
  }
  return fields
}

function decoderOf(schema: Schema, name = ''): Decode {
  const { type, properties, items } = shapeOf(schema)
  const branches = branchesOf(schema)
  const kind = notesOf(schema)['x-kind']
  if (kind === 'decimal') return decimal(branches[0] ?? schema)
  if (isAmount(name, schema)) return money
  if (kind === 'quantity') return quantity
  if (branches.length > 1) return union(branches)
  if (branches[0] !== undefined && branches[0] !== schema) return decoderOf(branches[0], name)
  if (type === 'object' && properties !== undefined) {
    const fields = fieldsOf(schema)
    return (value, reading, above, at) =>
      isRecord(value)
        ? readFields([value], fields, reading, below(above, at))
        : plain(value, reading, above, at)
  }
  if (type === 'array' && items !== undefined) {
    const item = decoderOf(items)
    return (value, reading, above, at) =>
      Array.isArray(value)
        ? value.map((member, i) => item(member, reading, below(above, at), String(i)))
        : plain(value, reading, above, at)
  }
  return plain
}

function readFields(
  sources: readonly Readonly<Record<string, unknown>>[],
  fields: Fields,
  reading: Reading,
  at: string,
): Record<string, unknown> {
  const { currency, scale } = reading
  const target: Record<string, unknown> = {}
  const givenAs: Record<string, string> = Object.create(null)
  for (const source of sources) {
    // Money and quantities need these before their own turn comes.
    if (typeof source.currency === 'string') reading.currency = source.currency
    if (typeof source.quantity_scale === 'number') reading.scale = source.quantity_scale
    for (const given in source) {
      const field = fields.get(given)
      if (field === undefined) guess(reading, at, given, fields)
      const name = field?.name ?? given
      const value = (field?.decode ?? plain)(source[given], reading, at, given)
      const earlier = givenAs[name]
      if (earlier !== undefined && !same(target[name], value))
        fail(
          reading,
          at,
          given,
          earlier === given ? 'is given twice, differently' : `differs from ${earlier}`,
        )
      givenAs[name] = given
      target[name] = value
    }
  }
  reading.currency = currency
  reading.scale = scale
  return target
}

/** Names that are longer than any of ours are no slips of the pen. */
const GUESSED_LENGTH_MAX = 40

function guess({ hints }: Reading, at: string, given: string, fields: Fields): void {
  // A guess costs time, found or not: there are no more of them than errors that are told.
  if (given.length > GUESSED_LENGTH_MAX || hints.size >= ERRORS_MAX) return
  const known = [...fields].filter(([, { decode }]) => decode !== unknownField)
  const near = closest(
    given,
    known.map(([name]) => name),
  )
  hints.set(below(at, given), near)
}

const hinted = (errors: FieldErrors, { hints }: Reading): FieldErrors =>
  Object.fromEntries(
    Object.entries(errors).map(([field, words]) => {
      const near = words === UNKNOWN ? (hints.get(field) ?? null) : null
      return [field, near === null ? words : `${words}; did you mean ${near}?`]
    }),
  )

const UNKNOWN = 'is not a known field'
const unknownField: Decode = (_, reading, above, name) => {
  fail(reading, above, name, UNKNOWN)
  return 0
}

/** A value that no rule of ours touches; only its numbers must survive, however deep they lie. */
const plain: Decode = (value, reading, above, name) => {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof NumberText) {
    const exact = exactNumber(value.source)
    if (exact === undefined) fail(reading, above, name, 'is a number that cannot be kept exactly')
    return exact ?? 0
  }
  const at = below(above, name)
  if (Array.isArray(value)) return value.map((item, i) => plain(item, reading, at, String(i)))
  const members: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) members[key] = plain(member, reading, at, key)
  return members
}

/** The text of a number or of a text; undefined for anything else. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  if (value instanceof NumberText) return plainDecimal(value.source) ?? value.source
  return typeof value === 'string' ? value : undefined
}

function decimal(schema: Schema): Decode {
  return (value, reading, above, name) => {
    const text = textOf(value)
    if (text === undefined) return value
    // One spelling for one number, so that a repeated command is known by its content.
    if (check(schema, text).ok) return plainDecimal(text) ?? text
    fail(reading, above, name, 'must be a decimal number, at most 16 digits and 9 decimals')
    return text
  }
}

const money: Decode = (value, reading, above, name) => {
  const text = textOf(value)
  if (text === undefined) return value
  if (reading.currency === undefined) {
    fail(reading, above, name, 'needs a currency beside it')
    return 0
  }
  return integerAt(text, exponentOf(reading.currency), reading, above, name)
}

const quantity: Decode = (value, reading, above, name) => {
  const text = textOf(value)
  return text === undefined ? value : integerAt(text, reading.scale ?? 0, reading, above, name)
}

function integerAt(text: string, scale: number, reading: Reading, above: string, name: string) {
  const result = scaled(text, scale)
  if (result.ok) return result.value
  fail(reading, above, name, result.reason)
  return 0
}

/** The first branch that takes the value; if none does, `check` will say what is wrong. */
function union(branches: readonly Schema[]): Decode {
  const choices = branches.map((schema) => ({ schema, decode: decoderOf(schema) }))
  return (value, reading, above, name) => {
    for (const { schema, decode } of choices) {
      const attempt: Reading = { ...reading, errors: Object.create(null), failed: false }
      const decoded = decode(value, attempt, above, name)
      if (!attempt.failed && check(schema, decoded).ok) return decoded
    }
    return plain(value, reading, above, name)
  }
}

// ── texts of paths and query strings ──────────────────────────────────────────────────────────

function texts(source: Readonly<Record<string, string>>, fields: Fields): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  for (const name in source) {
    const schema = fields.get(name)?.schema
    read[name] = schema === undefined ? source[name] : fromText(schema, source[name]!)
  }
  return read
}

/**
 * A text as the JSON it stands for; whatever is not of the field's type stays text, for `check` to
 * name.
 */
function fromText(schema: Schema, text: string): unknown {
  const [branch] = branchesOf(schema)
  const { type, items } = branch === undefined ? shapeOf(schema) : shapeOf(branch)
  switch (type) {
    case 'integer':
    case 'number':
      return isNumber(text) ? numberFrom(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    case 'array':
      if (items === undefined || text.startsWith('[')) return fromJson(text)
      return text.split(',').map((item) => fromText(items, item))
    case 'object':
      return fromJson(text)
    default:
      return text
  }
}

function fromJson(text: string): unknown {
  const read = readJson(text)
  return read.ok ? read.value : text
}

// ── errors ────────────────────────────────────────────────────────────────────────────────────

const below = (above: string, name: string) => (above === '' ? name : `${above}.${name}`)

const ERRORS_MAX = 20
function fail(reading: Reading, above: string, name: string, message: string): void {
  reading.failed = true
  if (Object.keys(reading.errors).length < ERRORS_MAX) reading.errors[below(above, name)] = message
}

/** Inside names that the wire spells otherwise. */
function renamedFields(schema: Schema, found = new Map<string, string>()): Map<string, string> {
  const { properties = {}, items } = shapeOf(schema)
  for (const [name, property] of Object.entries(properties)) {
    const wire = wireName(name, property)
    if (wire !== name) found.set(name, wire)
    renamedFields(property, found)
  }
  if (items !== undefined) renamedFields(items, found)
  for (const branch of branchesOf(schema)) if (branch !== schema) renamedFields(branch, found)
  return found
}

function inWireWords(errors: FieldErrors, renamed: ReadonlyMap<string, string>): FieldErrors {
  if (renamed.size === 0) return errors
  return Object.fromEntries(
    Object.entries(errors).map(([path, message]) => [
      path
        .split('.')
        .map((name) => renamed.get(name) ?? name)
        .join('.'),
      message,
    ]),
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof NumberText)

const same = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b)
