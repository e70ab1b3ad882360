// Whether an answer is what an OpenAPI document promises for a request: the status, the kind of
// content and the shape. Answers what is wrong with it, in words; nothing wrong: no words.
import { check, type Schema } from '#kernel/schema.ts'
import type { Sample } from './hostile-requests.ts'
import { type JsonSchema, type Operation, operationsOf } from './openapi-samples.ts'

export type Answered = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/**
 * What any path may answer, because the request never came as far as the operation. 503 only with
 * its reason.
 */
const ANY_PATH = [400, 403, 404, 405, 413, 415, 421, 431, 503]
const PROBLEM_TYPE = 'application/problem+json'
/** Words of the inside: stacks, SQL, files. */
const INSIDE = /\n\s+at |node:internal|\.ts:\d|\bSELECT\b.*\bFROM\b|SQLITE_|node_modules|\/src\//

/** Makes the judge of one document's answers. */
export function answerJudge(
  document: object,
): (sent: Sample, answer: Answered) => readonly string[] {
  const { components } = document as { components: { schemas: { Problem: JsonSchema } } }
  const places = placesOf(operationsOf(document))
  const { Problem } = components.schemas
  return (sent, answer) => {
    const at = operationsAt(places, sent)
    const faults = [...commonFaults(sent, answer)]
    if (sent.method === 'OPTIONS' && answer.status === 204) return faults
    if (answer.text === '' && sent.method === 'HEAD') return faults
    if (answer.status >= 400) return [...faults, ...problemFaults(Problem, at, answer)]
    if (at.length === 0 && !isPage(sent.path)) faults.push('answered though there is no such path')
    if (at.length === 0) return faults
    const refused = at.map((operation) => successFaults(operation, answer))
    return refused.some((found) => found.length === 0) ? faults : [...faults, ...refused[0]!]
  }
}

const PAGES = ['/openapi.json', '/docs', '/docs.css', '/docs.js']
const isPage = (path: string) => PAGES.includes(decoded(bareOf(path)))
/** Without the query string, and without the host that an address may begin with. */
const bareOf = (path: string) => path.split(/[?#]/)[0]!.replace('http://localhost', '')

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** An operation, ready to be compared with paths. */
type Place = { readonly operation: Operation; readonly pattern: RegExp }

/** The one with most words first: a word goes before a parameter. */
function placesOf(operations: readonly Operation[]): readonly Place[] {
  const words = ({ path }: Operation) =>
    path.split('/').filter((one) => !one.startsWith('{')).length
  const sorted = operations.toSorted((a, b) => words(b) - words(a))
  return sorted.map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll(/\{[^}]+\}/g, '[^/]*')}$`, 's'),
  }))
}

/** Those that the path may mean. */
function operationsAt(places: readonly Place[], { method, path }: Sample) {
  const asked = bareOf(path)
  const plain = decoded(asked)
  return places
    .filter(
      ({ operation, pattern }) =>
        (operation.method === method || (method === 'HEAD' && operation.method === 'GET')) &&
        (pattern.test(asked) || pattern.test(plain)),
    )
    .map(({ operation }) => operation)
}

function* commonFaults(sent: Sample, { status, headers, text }: Answered) {
  if (status >= 500 && status !== 503) yield `status ${status}: ${text}`
  if (status < 200 || status >= 600 || (status >= 300 && status < 400)) yield `status ${status}`
  if (headers['x-content-type-options'] !== 'nosniff') yield 'lacks the headers of every answer'
  if ((headers['x-correlation-id'] ?? '') === '') yield 'lacks a correlation id'
  if (status >= 400 && INSIDE.test(text)) yield `tells of the inside: ${text.slice(0, 300)}`
  if (headers['set-cookie'] !== undefined) yield 'sets a cookie'
  if (status !== 204 && sent.method !== 'HEAD' && text === '') yield 'is empty'
}

function problemFaults(
  shape: JsonSchema,
  at: readonly Operation[],
  { status, headers, text }: Answered,
): readonly string[] {
  const isProblem = headers['content-type'] === PROBLEM_TYPE
  const told = at.some(({ responses }) => String(status) in responses)
  // Health says 503 in the shape of its own answer.
  if (!isProblem && status === 503 && at.length > 0) return jsonFaults(okSchema(at[0]!), text)
  const problem = parsed(text) as { status?: unknown; detail?: unknown; correlation_id?: unknown }
  return [
    ...(isProblem ? [] : [`${status} with ${headers['content-type']}`]),
    ...(told || ANY_PATH.includes(status) ? [] : [`${status} is not documented: ${text}`]),
    ...jsonFaults(shape, text),
    ...(problem?.status === status ? [] : ['the status differs inside']),
    ...(status !== 503 || String(problem?.detail ?? '') !== '' ? [] : ['503 without a reason']),
    ...(problem?.correlation_id === headers['x-correlation-id']
      ? []
      : ['the correlation id differs inside']),
  ]
}

const okSchema = ({ responses }: Operation): JsonSchema => {
  const [status] = Object.keys(responses).filter((one) => one.startsWith('2'))
  return responses[status!]!.content['application/json']!.schema
}

function successFaults(operation: Operation, { status, headers, text }: Answered) {
  const documented = operation.responses[String(status)]
  if (documented === undefined) return [`${operation.operationId} documents no ${status}`]
  const shape = documented.content['application/json']?.schema ?? {}
  const type = headers['content-type'] ?? ''
  // A file, of a kind that the document names.
  if (type !== 'application/json' && Object.hasOwn(documented.content, type.split(';')[0]!))
    return []
  if (type !== 'application/json') return [`${status} with ${type}`]
  return [...jsonFaults(shape, text), ...unnamed(shape, parsed(text), '')]
}

function jsonFaults(shape: JsonSchema, text: string): readonly string[] {
  const value = parsed(text)
  if (value === undefined) return [`is not JSON: ${text.slice(0, 200)}`]
  // The document's schemas are JSON Schema, as the kernel's are.
  const checked = check(shape as Schema, value)
  if (checked.ok) return []
  return Object.entries(checked.errors).map(([place, message]) => `${place} ${message}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Members that the document does not name; `stale` may mark whatever waits for an operator. */
function unnamed(shape: JsonSchema, value: unknown, at: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  if (shape.anyOf !== undefined) {
    const found = shape.anyOf.map((one) => unnamed(one, value, at))
    return found.some((one) => one.length === 0) ? [] : found[0]!
  }
  const { items, properties } = shape
  if (Array.isArray(value))
    return items === undefined ? [] : value.flatMap((item, i) => unnamed(items, item, `${at}.${i}`))
  if (properties === undefined) return []
  return Object.entries(value).flatMap(([name, member]) =>
    Object.hasOwn(properties, name)
      ? unnamed(properties[name]!, member, `${at}.${name}`)
      : name === 'stale'
        ? []
        : [`${at}.${name} is not documented`],
  )
}
