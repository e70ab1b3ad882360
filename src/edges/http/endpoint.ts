// One thing that the API offers at one path (and its aliases): the unit from which routes and the
// OpenAPI document are derived, so that neither can say what the other does not.
import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Rejection, Route } from '#kernel/decider.ts'
import type { FieldErrors, ObjectSchema, Schema } from '#kernel/schema.ts'
import type { Answer } from './answer.ts'
import type { Given } from './codec-in.ts'
import { readJson } from './json-text.ts'

export type Endpoint = {
  /** Unique; what it is called in OpenAPI. */
  readonly name: string
  readonly route: Route
  readonly kind: 'command' | 'query' | 'operation' | 'health'
  readonly input: ObjectSchema
  readonly answer: Schema
  /** Problem codes that are worth telling beside the usual ones. */
  readonly problems?: readonly string[]
  /** Its answers may come from a cache, which the header X-Cache tells. */
  readonly kept?: boolean
  /** Works as long as it has to: no time limit. */
  readonly unbounded?: boolean
  /**
   * Takes a file of these media types as its body, as it comes in; its fields are in the query
   * string then.
   */
  readonly takes?: readonly string[]
  /** Of an answer that is no JSON. */
  readonly gives?: readonly string[]
  readonly handle: (call: Call) => Promise<Answer>
}

/** A request as endpoints see it. */
export type Call = {
  readonly path: Readonly<Record<string, string>>
  readonly url: string
  readonly body: Buffer | undefined
  /** The body of an endpoint that takes files; it has not been read. */
  readonly stream?: Readable | undefined
  readonly headers: IncomingHttpHeaders
  readonly correlationId: string
}

/** Thrown where a request turns out to be unacceptable; becomes a problem document. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly rejection: Rejection
  constructor(rejection: Rejection) {
    super(rejection.message)
    this.rejection = rejection
  }
}
const ERRORS_MAX = 20
export const badFields = (errors: FieldErrors) =>
  new Refused({
    code: 'validation_failed',
    message: 'Some fields are not acceptable.',
    errors: Object.fromEntries(Object.entries(errors).slice(0, ERRORS_MAX)),
  })
const malformed = (place: string, problem: string) =>
  new Refused({
    code: 'malformed_request',
    message: `The request cannot be read: ${place} ${problem}.`,
    errors: { [place]: problem },
  })

/**
 * Everything that was given, still unjudged; a method without a body takes it from the query
 * string.
 */
export function givenIn(call: Call, method: Route['method']): Given {
  const query = queryOf(call.url)
  if (method !== 'GET' && method !== 'DELETE')
    for (const name in query) throw badFields({ [name]: 'belongs into the body' })
  return { path: pathOf(call.path), query, body: method === 'GET' ? {} : bodyOf(call) }
}

function pathOf(path: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name in path)
    if (path[name]!.includes('\0')) throw malformed(name, 'holds a NUL character')
  return path
}

/** The query string, each name once. */
export function queryOf(url: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null)
  const start = url.indexOf('?')
  if (start < 0 || start === url.length - 1) return found
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decoded(pair.slice(equals + 1))
    if (name === '__proto__') throw malformed(name, 'is not an allowed name')
    if (name in found) throw malformed(name, 'is given twice')
    if (value.includes('\0')) throw malformed(name, 'holds a NUL character')
    found[name] = value
  }
  return found
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw malformed('(query string)', 'has a broken percent encoding')
  }
}

const JSON_TYPE = /^application\/json(?: ?; ?charset="?utf-8"?)?$/i

function bodyOf({ body, headers }: Call): Readonly<Record<string, unknown>> {
  const type = headers['content-type']
  if (type !== undefined ? !JSON_TYPE.test(type) : body !== undefined && body.length > 0)
    throw new Refused({
      code: 'unsupported_media_type',
      message: 'Bodies are application/json in UTF-8; the Content-Type header must say so.',
    })
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new Refused({
      code: 'unsupported_media_type',
      message: 'Bodies are taken as they are: leave the Content-Encoding out.',
    })
  if (body === undefined || body.length === 0) return {}
  const text = body.toString('utf8')
  // Whatever is not UTF-8 has become a replacement character; one that was sent as such is rare.
  if (text.includes('\ufffd') && !Buffer.from(text).equals(body))
    throw malformed('(body)', 'is not UTF-8')
  const read = readJson(text)
  if (!read.ok) throw malformed(read.place, read.problem)
  if (typeof read.value !== 'object' || read.value === null || Array.isArray(read.value))
    throw malformed('(body)', 'must be a JSON object')
  // Just seen: an object that is no list. A lone NumberText has no fields, so the schema refuses
  // it.
  return read.value as Readonly<Record<string, unknown>>
}

/** Keys and ids in headers and bodies: one line of printable ASCII. */
export const LABEL_PATTERN = '^[!-~](?:[ -~]{0,198}[!-~])?$'
const LABEL = new RegExp(LABEL_PATTERN)
export const isLabel = (value: unknown): value is string =>
  typeof value === 'string' && LABEL.test(value)
export const NO_LABEL = 'must be 1 to 200 printable ASCII characters'
