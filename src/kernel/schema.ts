// The only file that knows the schema library. Commands, events, answers and routes are described
// with these words; the edge derives validation and OpenAPI from the same descriptions.
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { Format } from 'typebox/format'
import { Settings } from 'typebox/system'

export type Schema = TSchema
export type ObjectSchema = TObject
export type Infer<S extends Schema> = Static<S>

/**
 * What the edge must know beyond JSON Schema; kept in the schema under `x-kind` and `x-aliases`.
 */
export type FieldKind = 'money' | 'quantity' | 'decimal'
export type FieldOptions = {
  readonly description?: string
  /** Other names under which the wire accepts this field (`code` is also `sku`). */
  readonly aliases?: readonly string[]
  /** For documents, where none can be made up that fits. */
  readonly example?: unknown
}

const noted = ({ aliases, description, example }: FieldOptions = {}, kind?: FieldKind) => ({
  ...(description === undefined ? {} : { description }),
  ...(example === undefined ? {} : { examples: [example] }),
  ...(aliases === undefined ? {} : { 'x-aliases': aliases }),
  ...(kind === undefined ? {} : { 'x-kind': kind }),
})

export const object = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })
export const optional = <S extends TSchema>(schema: S) => Type.Optional(schema)
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()])
export const list = <S extends TSchema>(
  item: S,
  { min = 0, max = 10_000, ...options }: FieldOptions & { min?: number; max?: number } = {},
) => Type.Array(item, { minItems: min, maxItems: max, ...noted(options) })
/** Free text; `min` 1 unless told otherwise, so that "required" means something. */
export const text = ({
  min = 1,
  max = 500,
  ...options
}: FieldOptions & { min?: number; max?: number } = {}) =>
  Type.String({ minLength: min, maxLength: max, ...noted(options) })
const ID = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$'
const ID_WORDS = 'must be an id: letters, digits and . _ : -, at most 200, a letter or digit first'
/** An id: a UUID or a composed key. Letters, digits and `._:-`, at most 200 characters. */
export const id = (options: FieldOptions = {}) => Type.String({ pattern: ID, ...noted(options) })
export const uuid = (options: FieldOptions = {}) =>
  Type.String({ format: 'uuid', ...noted(options) })
export const instant = (options: FieldOptions = {}) =>
  Type.String({ format: 'date-time', ...noted(options) })
/** A calendar day, `2010-12-01`. */
export const day = (options: FieldOptions = {}) =>
  Type.String({ format: 'date', ...noted(options) })
export const flag = (options: FieldOptions = {}) => Type.Boolean(noted(options))
export const integer = ({
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
  ...options
}: FieldOptions & { min?: number; max?: number } = {}) =>
  Type.Integer({ minimum: min, maximum: max, ...noted(options) })
export const oneOf = <const V extends readonly string[]>(values: V, options: FieldOptions = {}) =>
  Type.Unsafe<V[number]>({ type: 'string', enum: [...values], ...noted(options) })
/** Any JSON object; for documents whose shape is not ours. */
export const json = (options: FieldOptions = {}) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', ...noted(options) })

/**
 * Inside: an integer of minor units in a field named `…_minor`. On the wire: a decimal, no suffix.
 */
export const money = (options: FieldOptions = {}) =>
  Type.Integer({
    minimum: Number.MIN_SAFE_INTEGER,
    maximum: Number.MAX_SAFE_INTEGER,
    ...noted(options, 'money'),
  })
/**
 * Inside: an integer of the product's smallest step. On the wire: a decimal with `quantity_scale`
 * digits.
 */
export const quantity = ({
  min = Number.MIN_SAFE_INTEGER,
  ...options
}: FieldOptions & { min?: number } = {}) =>
  Type.Integer({ minimum: min, maximum: Number.MAX_SAFE_INTEGER, ...noted(options, 'quantity') })
/**
 * An exact decimal in a command, as text (`"29.99"`). The wire takes a JSON number or a text and
 * reads it from its characters; the decider turns it into an integer once it knows the currency or
 * the unit.
 */
export const decimal = ({ signed = false, ...options }: FieldOptions & { signed?: boolean } = {}) =>
  Type.String({
    pattern: `^${signed ? '-?' : ''}[0-9]{1,16}(\\.[0-9]{1,9})?$`,
    ...noted(options, 'decimal'),
  })

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: FieldErrors }
/** Field path (`items.0.quantity`) to what is wrong with it, at most 20. */
export type FieldErrors = Readonly<Record<string, string>>

/** Years 1 to 9999: beyond them neither the text's order nor every store's calendar holds. */
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z')
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')
/** In UTC; a leap second, which RFC 3339 allows, is a moment that no clock of ours shows (NaN). */
const isMoment = (text: string): boolean => {
  const ms = Date.parse(text)
  return ms >= FIRST_MS && ms <= LAST_MS
}
const isRfcDateTime = Format.Get('date-time')!
const isDate = Format.Get('date')!
Format.Set('date-time', (text) => isRfcDateTime(text) && isMoment(text))
Format.Set('date', (text) => isDate(text) && isMoment(text))

export const ERRORS_MAX = 20
// The library stops at 8; some of what it finds is told twice and left out below.
Settings.Set({ maxErrors: 3 * ERRORS_MAX })
const compiled = new WeakMap<TSchema, Validator>()

/** Checks a value against a schema; all field errors together. Compiles each schema once. */
export function check<S extends TSchema>(schema: S, value: unknown): Checked<Static<S>> {
  let validator = compiled.get(schema)
  if (validator === undefined) {
    validator = Compile(schema) as unknown as Validator
    compiled.set(schema, validator)
  }
  // The validator has just said that the value has the schema's shape.
  if (validator.Check(value)) return { ok: true, value: value as Static<S> }
  const errors: Record<string, string> = Object.create(null)
  for (const error of validator.Errors(value)) {
    if (Object.keys(errors).length >= ERRORS_MAX) break
    if (error.keyword === 'boolean') continue // the twin of additionalProperties
    for (const [field, message] of fieldErrors(error).slice(0, ERRORS_MAX))
      errors[field] ??= message
  }
  return { ok: false, errors }
}

type LibraryError = { keyword: string; instancePath: string; message: string; params: object }

function fieldErrors({ keyword, instancePath, message, params }: LibraryError): [string, string][] {
  const path = instancePath.slice(1).replaceAll('/', '.')
  const below = (name: string) => (path === '' ? name : `${path}.${name}`)
  if (keyword === 'additionalProperties' && 'additionalProperties' in params)
    return (params.additionalProperties as string[]).map((name) => [
      below(name),
      'is not a known field',
    ])
  if (keyword === 'required' && 'requiredProperties' in params)
    return (params.requiredProperties as string[]).map((name) => [below(name), 'is required'])
  if (keyword === 'enum' && 'allowedValues' in params)
    return [[path, `must be one of ${(params.allowedValues as string[]).join(', ')}`]]
  return [[path || '(body)', inWords({ keyword, instancePath, message, params })]]
}

const FORMATS: Readonly<Record<string, string>> = {
  date: 'must be a day of the calendar, like 2026-01-31',
  'date-time': 'must be an instant, like 2026-01-31T12:00:00Z',
  uuid: 'must be a UUID, like 01939b5a-7c1e-7000-8000-000000000001',
}

/** What would do, in words; the library's own where these know nothing better. */
function inWords({ keyword, message, params }: LibraryError): string {
  // What the library tells beside each of these keywords.
  const { limit, format, pattern } = params as Readonly<Record<string, unknown>>
  const ones = limit === 1 ? '' : 's'
  switch (keyword) {
    case 'minLength':
      return `must have at least ${limit} character${ones}`
    case 'maxLength':
      return `must have at most ${limit} character${ones}`
    case 'minItems':
      return `must have at least ${limit} item${ones}`
    case 'maxItems':
      return `must have at most ${limit} item${ones}`
    case 'minimum':
      return `must be at least ${limit}`
    case 'maximum':
      return `must be at most ${limit}`
    case 'format':
      return FORMATS[String(format)] ?? message
    case 'pattern':
      return pattern === ID ? ID_WORDS : message
    default:
      return message
  }
}
