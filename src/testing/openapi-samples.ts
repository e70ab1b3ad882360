// Requests made from an OpenAPI document: as it allows them, almost so, and hostile ones. Seeded;
// knows nothing of the routes but what the document says, and ids that earlier answers brought.
import { attacked, JSON_TYPE, type Kind, oddSegment, type Sample } from './hostile-requests.ts'
import {
  jsonOf,
  jsonOfMembers,
  type Members,
  ODD_CURSORS,
  ODD_TEXTS,
  rawJson,
  WRONG_VALUES,
} from './hostile-values.ts'
import type { Random } from './random.ts'

export type JsonSchema = {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly pattern?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}
export type Parameter = {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: JsonSchema
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>
type Described = {
  readonly operationId: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content: Content }>>
}
/** One method at one path of the document. */
export type Operation = Omit<Described, 'requestBody'> & {
  readonly method: string
  readonly path: string
  readonly body: JsonSchema | null
  /** The media types of a file that it takes; none: it takes no file. */
  readonly files: readonly string[]
}

export function operationsOf(document: object): readonly Operation[] {
  const { paths } = document as { paths: Record<string, Record<string, Described>> }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody, ...operation }]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
      body: requestBody?.content['application/json']?.schema ?? null,
      files: Object.keys(requestBody?.content ?? {}).filter((type) => type !== 'application/json'),
    })),
  )
}

/** A value that an earlier answer had under this name; undefined: none was seen. */
type Known = (name: string) => string | undefined
/** `knownOf`: a value of the thing with this id. */
type Memory = {
  readonly known: Known
  readonly knownOf: (id: string, name: string) => string | undefined
}
/**
 * `seldom`: fields that spoil most requests, allowed though they are: a version that must hold.
 * `often`: fields that most requests need, though the document cannot say so.
 */
export type Habits = { readonly seldom?: readonly string[]; readonly often?: readonly string[] }

/** A request in parts, before it is written. */
type Parts = {
  readonly path: Readonly<Record<string, string>>
  readonly query: readonly (readonly [string, string])[]
  readonly headers: Readonly<Record<string, string>>
  readonly body: Members | null
  readonly file: { readonly type: string; readonly text: string } | null
}

export function samplesOf(random: Random, { known, knownOf }: Memory, habits: Habits = {}) {
  const { seldom = [] } = habits
  // The first thing that a request names is what it is about: its lines, its goods are asked for.
  let about: string | undefined
  const recalled: Known = (name) => {
    const own = about === undefined || random.chance(0.1) ? undefined : knownOf(about, name)
    const value = own ?? known(name)
    if (name.endsWith('_id')) about ??= value
    return value
  }
  const valuesOf = valueMaker(random, recalled, habits)
  const isGiven = ({ name, in: place, required = false }: Parameter) =>
    place === 'path' ||
    required ||
    random.chance(place === 'header' || seldom.includes(name) ? 0.05 : 0.25)
  const partsOf = (operation: Operation): Parts => {
    about = undefined
    const named = (place: Parameter['in']) =>
      operation.parameters.filter((one) => one.in === place && isGiven(one))
    const textOf = ({ name, schema }: Parameter) => {
      const value = valuesOf(schema, name)
      return typeof value === 'object' ? jsonOf(value) : String(value)
    }
    return {
      path: Object.fromEntries(
        named('path').map((one) => [one.name, encodeURIComponent(textOf(one))]),
      ),
      query: named('query').map((one) => [one.name, encodeURIComponent(textOf(one))] as const),
      headers: Object.fromEntries(named('header').map((one) => [one.name, textOf(one)])),
      body:
        operation.body === null
          ? null
          : Object.entries(valuesOf(operation.body, '(body)') as Record<string, unknown>),
      file:
        operation.files.length === 0
          ? null
          : { type: random.pick(operation.files), text: random.pick(FILES) },
    }
  }
  return {
    valid: (operation: Operation): Sample => written('valid', '', operation, partsOf(operation)),
    nearly: (operation: Operation): Sample => nearly(operation, partsOf(operation), random),
    hostile: (operation: Operation): Sample =>
      attacked(written('hostile', '', operation, partsOf(operation)), random),
  }
}

/** As people send them: right, with a wrong row, with nothing. */
const FILES = [
  'code,name,sell_price\nFILE-1,Out of a file,5\nFILE-2,,5\n',
  'code,quantity\nFILE-1,3\n',
  'name,email\nSomebody,some.body@example.org\n',
  '{"code":"FILE-3","name":"A line","sell_price":4}\n',
  '',
]

function written(kind: Kind, about: string, { method, path }: Operation, parts: Parts): Sample {
  const filled = path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => parts.path[name] ?? '')
  const query = parts.query.map(([name, value]) => `${name}=${value}`).join('&')
  const { body, file } = parts
  const target = query === '' ? filled : `${filled}?${query}`
  if (file !== null) {
    const headers = { 'content-type': file.type, ...parts.headers }
    return { kind, about, method, path: target, headers, body: file.text }
  }
  return {
    kind,
    about,
    method,
    path: target,
    headers: { ...(body === null ? {} : JSON_TYPE), ...parts.headers },
    ...(body === null ? {} : { body: jsonOfMembers(body) }),
  }
}

// ── as the document allows ────────────────────────────────────────────────────────────────────

/** Makes values that fit a schema of the document. */
function valueMaker(random: Random, known: Known, { seldom = [], often = [] }: Habits) {
  const of = (schema: JsonSchema, name: string, isInBody = false): unknown => {
    if (schema.anyOf !== undefined) {
      const kinds = schema.anyOf.filter(({ type }) => type !== 'null')
      if (kinds.length < schema.anyOf.length && random.chance(0.2)) return null
      return of(random.pick(kinds), name, isInBody)
    }
    if (schema.enum !== undefined) return random.pick(schema.enum)
    if ('const' in schema) return schema.const
    if (Array.isArray(schema.type)) return amount(random, schema)
    switch (schema.type) {
      case 'object': {
        const { properties = {}, required = [] } = schema
        // Some with hardly anything, some with nearly all that may be there.
        const density = random.pick([0, 0, 0.1, 0.5, 0.9])
        const share = (field: string) =>
          seldom.includes(field) ? 0.05 : often.includes(field) ? 0.8 : density
        return Object.fromEntries(
          Object.entries(properties)
            .filter(([field]) => required.includes(field) || random.chance(share(field)))
            .map(([field, property]) => [field, of(property, field, true)]),
        )
      }
      case 'array': {
        const { items = {}, minItems = 0, maxItems = 3 } = schema
        // Often a single one: two of a kind are mostly refused.
        const most = random.chance(0.5) ? 1 : minItems + 2
        const length = Math.min(random.int(minItems, Math.max(minItems, most)), maxItems)
        return Array.from({ length }, () => of(items, name, isInBody))
      }
      case 'integer': {
        const seen = known(name)
        return seen !== undefined && random.chance(0.8) ? Number(seen) : whole(random, schema)
      }
      case 'number':
        return random.int(1, 50)
      case 'boolean':
        return random.chance(0.5)
      case 'string':
        return textFor(schema, name, isInBody, { random, known })
      default:
        return null
    }
  }
  return of
}

const amount = (random: Random, { pattern = '' }: JsonSchema): unknown => {
  const sign = pattern.startsWith('^-?') && random.chance(0.1) ? '-' : ''
  // Mostly little: of what is there, more was never ordered.
  const whole = random.chance(0.7) ? random.int(1, 3) : random.int(0, 40)
  const text = `${sign}${whole}${random.chance(0.1) ? `.${random.int(0, 99)}` : ''}`
  return random.chance(0.5) ? rawJson(text) : text
}

function whole(random: Random, { minimum, maximum }: JsonSchema): number {
  const least = minimum ?? -3
  const most = Math.max(least, Math.min(maximum ?? least + 60, least + 60))
  return random.chance(0.2) ? random.pick([least, maximum ?? most]) : random.int(least, most)
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function textFor(
  schema: JsonSchema,
  name: string,
  isInBody: boolean,
  { random, known }: { random: Random; known: Known },
): string {
  const { format, pattern, minLength = 0, maxLength = 500 } = schema
  // No two people have the same, no two requests.
  if (name === 'email' && random.chance(0.7)) return `e.${random.int(1, 999_999)}@example.org`
  if (name === 'command_id' && random.chance(0.7)) return uuid(random)
  // The id of what is to be made.
  if (isInBody && format === 'uuid' && random.chance(0.6)) return uuid(random)
  const seen = known(name)
  const fits = (text: string) =>
    (format !== 'uuid' || UUID.test(text)) &&
    (pattern === undefined || new RegExp(pattern).test(text)) &&
    text.length >= minLength &&
    text.length <= maxLength
  if (seen !== undefined && fits(seen) && random.chance(0.95)) return seen
  switch (format) {
    case 'uuid':
      return uuid(random)
    case 'date-time':
      return new Date(Date.UTC(2026, random.int(0, 11), random.int(1, 28))).toISOString()
    case 'date':
      return `2026-0${random.int(1, 9)}-${random.int(10, 28)}`
    default:
  }
  if (pattern !== undefined)
    return (
      [
        ...[`${name}-${random.int(1, 99_999)}`, '"1"', '3', '*', 'USD', 'a@b.example'],
        'https://hooks.invalid/in',
      ].find(fits) ?? '1'
    )
  const text = random.chance(0.5) ? random.pick(ODD_TEXTS) : `${name} ${random.int(1, 9)}`
  if (random.chance(0.1)) return 'x'.repeat(maxLength)
  return text.slice(0, maxLength).padEnd(minLength, 'x').toWellFormed()
}

export const uuid = (random: Random): string =>
  '01939b5a-7c1e-7000-8000-000000000000'.replaceAll('0', () => random.int(0, 15).toString(16))

// ── almost as it allows: one thing is wrong ───────────────────────────────────────────────────

function nearly(operation: Operation, parts: Parts, random: Random): Sample {
  const places = operation.parameters.filter((one) => one.in !== 'header')
  if (parts.body !== null && (places.length === 0 || random.chance(0.8))) {
    const [about, body] = spoiled(parts.body, random)
    return written('nearly', about, operation, { ...parts, body })
  }
  if (places.length === 0)
    return written('nearly', 'an unknown parameter', operation, { ...parts, query: [['x', '1']] })
  const { name, in: place } = random.pick(places)
  const value = /cursor/.test(name) ? random.pick(ODD_CURSORS) : oddSegment(random)
  const about = `${name} is ${value.slice(0, 60)}`
  if (place === 'path')
    return written('nearly', about, operation, { ...parts, path: { ...parts.path, [name]: value } })
  const others = parts.query.filter(([other]) => other !== name)
  return written('nearly', about, operation, { ...parts, query: [...others, [name, value]] })
}

/** One member, at any depth, is lost, changed, doubled or unheard of. */
function spoiled(members: Members, random: Random): [about: string, Members] {
  const at = random.int(0, members.length)
  const [name, value] = members[at] ?? [random.pick(['no_such_field', '__proto__', 'role']), 1]
  const deeper = typeof value === 'object' && value !== null && !('rawJson' in value)
  if (deeper && random.chance(0.7)) {
    const [about, inner] = spoiledWithin(value, random)
    return [`${name}.${about}`, members.with(at, [name, inner])]
  }
  const wrong = rawJson(random.pick(WRONG_VALUES))
  const about = `${name} is ${wrong.rawJson.slice(0, 60)}`
  if (at === members.length) return [`there is ${name}`, [...members, [name, wrong]]]
  switch (random.int(0, 9)) {
    case 0:
      return [`${name} is missing`, members.toSpliced(at, 1)]
    case 1:
      return [`${name} is there twice`, [...members, [name, random.chance(0.5) ? value : wrong]]]
    case 2:
      return [`${name} has another case`, members.with(at, [name.toUpperCase(), value])]
    default:
      return [about, members.with(at, [name, wrong])]
  }
}

function spoiledWithin(value: object, random: Random): [about: string, unknown] {
  if (!Array.isArray(value)) {
    const [about, members] = spoiled(Object.entries(value), random)
    return [about, rawJson(jsonOfMembers(members))]
  }
  if (value.length === 0) return ['0', [rawJson(random.pick(WRONG_VALUES))]]
  const at = random.int(0, value.length - 1)
  const item: unknown = value[at]
  if (typeof item !== 'object' || item === null)
    return [String(at), value.with(at, rawJson(random.pick(WRONG_VALUES)))]
  const [about, inner] = spoiledWithin(item, random)
  return [`${at}.${about}`, value.with(at, inner)]
}
