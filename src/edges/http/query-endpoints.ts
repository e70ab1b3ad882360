// Queries over HTTP, all alike: min_position on the way in; 404 for null, ETag and Link on the way
// out.
import type { Rejection, Route } from '#kernel/decider.ts'
import type { Query } from '#kernel/query.ts'
import type { ObjectSchema } from '#kernel/schema.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import { badFields, type Call, type Endpoint, givenIn } from './endpoint.ts'
import { problem } from './problem.ts'
import { branchesOf, shapeOf } from './schema-shape.ts'

export type Ask = (
  type: string,
  input: object,
  options?: { readonly minPosition?: number },
) => Promise<
  | {
      readonly ok: true
      readonly result: unknown
      /** Where the answer comes from; absent: it is never kept. */
      readonly from?: 'hit' | 'miss' | 'stale'
      readonly ageMs?: number
    }
  | { readonly ok: false; readonly rejection: Rejection }
>

export type QueryRoute = Query & { readonly route: Route }

export const queryEndpoints = (queries: readonly QueryRoute[], ask: Ask): readonly Endpoint[] =>
  queries.map((query) => queryEndpoint(query, ask))

function queryEndpoint({ type, input, answer, route, keeping }: QueryRoute, ask: Ask): Endpoint {
  const read = inputReader(input)
  const write = answerWriter(answer)
  const ids = idsIn(route.path, input)
  const pages = ['cursor', 'offset'].filter((name) => name in input.properties)
  return {
    name: type,
    route,
    kind: 'query',
    input,
    answer,
    kept: keeping !== undefined,
    problems: [
      'projection_lagging',
      'unavailable',
      'circuit_open',
      'timeout',
      ...(route.path.includes(':') ? ['not_found'] : []),
    ],
    async handle(call) {
      const { path, query, body } = givenIn(call, route.method)
      const { min_position: minimum, ...own } = query
      const minPosition = positionIn(minimum, call.headers['x-min-position'])
      const fields = read({ path, query: own, body })
      if (!fields.ok) {
        // No thing can have such an id, so it is simply not there.
        if (Object.keys(fields.errors).every((name) => ids.has(name))) return notFound(call)
        throw badFields(fields.errors)
      }
      const asked = await ask(type, fields.value, minPosition === undefined ? {} : { minPosition })
      if (!asked.ok) return problem(asked.rejection, call.correlationId)
      const { result } = asked
      if (result === null || result === undefined) return notFound(call, asksThen(fields.value))
      const headers = { ...headersFor(result, call, pages), ...cacheHeaders(asked) }
      return { status: 200, headers, text: write(result) }
    },
  }
}

function notFound({ correlationId }: Call, isOfThen = false) {
  const message = isOfThen
    ? 'There was nothing under this id then.'
    : 'There is nothing under this id.'
  return problem({ code: 'not_found', message }, correlationId)
}
const asksThen = (input: object) => Object.keys(input).some((name) => name.startsWith('as_of'))

/**
 * Names in the path that are ids; a status or a day in a path is none, so a wrong one is an error.
 */
function idsIn(path: string, { properties }: ObjectSchema): ReadonlySet<string> {
  const names = [...path.matchAll(/:([A-Za-z_]+)/g)].map(([, name]) => name!)
  return new Set(
    names.filter((name) => {
      const [schema] = branchesOf(properties[name] ?? {})
      const { format, pattern }: { format?: string; pattern?: string } = schema ?? {}
      return format === 'uuid' || (pattern !== undefined && !('x-kind' in shapeOf(schema!)))
    }),
  )
}

function positionIn(parameter?: string, header?: string | string[]): number | undefined {
  const given = parameter ?? header
  if (given === undefined) return undefined
  const name = parameter === undefined ? 'X-Min-Position' : 'min_position'
  if (parameter !== undefined && header !== undefined && parameter !== header)
    throw badFields({ min_position: 'differs from the header X-Min-Position' })
  if (typeof given !== 'string' || !/^[0-9]{1,15}$/.test(given))
    throw badFields({ [name]: 'must be a position: a whole number' })
  return Number(given)
}

/**
 * ETag is the version, for If-Match. It does not promise the same body (a product's stock changes
 * without the product), so there is no 304 for it.
 */
function headersFor(result: unknown, call: Call, pages: readonly string[]): Record<string, string> {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return {}
  const { version } = result as { version?: unknown }
  // An order has items too: a page is what can be asked to go on.
  if (pages.length > 0) return linkOf(result, call, pages)
  return Number.isSafeInteger(version) ? { etag: `"${version}"` } : {}
}

/** `stale`: nobody could be asked, and this is the last that was known; Age says since when. */
const cacheHeaders = ({ from, ageMs }: { from?: string; ageMs?: number }) => ({
  ...(from === undefined ? {} : { 'x-cache': from }),
  ...(ageMs === undefined ? {} : { age: String(Math.floor(ageMs / 1_000)) }),
})

type Page = {
  readonly total?: number | null
  readonly limit?: number
  readonly offset?: number
  readonly next_cursor?: string | null
}

/** The next page, by cursor where there is one, otherwise by offset. */
function linkOf(
  { total, limit, offset = 0, next_cursor: cursor }: Page,
  { url }: Call,
  pages: readonly string[],
): Record<string, string> {
  const [path = '', text = ''] = url.split('?')
  const parameters = new URLSearchParams(text)
  // The last page of those that follow each other by cursor, however many there are before it.
  if (parameters.has('cursor') && typeof cursor !== 'string') return {}
  for (const name of ['cursor', 'offset']) parameters.delete(name)
  if (typeof cursor === 'string' && pages.includes('cursor')) parameters.set('cursor', cursor)
  else if (pages.includes('offset') && limit !== undefined && (total ?? 0) > offset + limit)
    parameters.set('offset', String(offset + limit))
  else return {}
  return { link: `<${path}?${parameters}>; rel="next"` }
}
