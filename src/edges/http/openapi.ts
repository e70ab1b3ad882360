// The API's description (OpenAPI 3.1), derived from the endpoints: it cannot differ from the
// routes.
import type { Schema } from '#kernel/schema.ts'
import { ANSWERED } from './command-endpoints.ts'
import { LABELS, metaInput } from './command-meta.ts'
import { type Endpoint, LABEL_PATTERN } from './endpoint.ts'
import { parameterWords } from './parameter-words.ts'
import { kindOf, problemKinds } from './problem.ts'
import { notesOf, wireName } from './schema-shape.ts'
import { type Document, exampleFields, wireSchema } from './wire-schema.ts'

type About = {
  readonly title: string
  readonly version: string
  /** A line about this service, before how the API works. */
  readonly description?: string
}

export function openApi(endpoints: readonly Endpoint[], about: About): Document {
  const { title, version, description = '' } = about
  const paths: Record<string, Record<string, Document>> = {}
  for (const endpoint of endpoints) {
    const { route, name } = endpoint
    for (const [nth, path] of [route.path, ...(route.aliases ?? [])].entries()) {
      const key = path.replaceAll(/:([A-Za-z_]+)/g, '{$1}')
      const operationId = nth === 0 ? name : `${name}_${nth + 1}`
      paths[key] ??= {}
      paths[key][route.method.toLowerCase()] = operationOf(endpoint, path, operationId)
    }
  }
  const tags = [...new Set(endpoints.map(({ route }) => route.tag))].sort()
  return {
    openapi: '3.1.0',
    info: {
      title,
      version,
      description: description === '' ? ABOUT : `${description}\n\n${ABOUT}`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This server' }],
    // Nobody is asked who they are: the ports belong on the loopback or behind a gateway.
    security: [],
    tags: tags.map((tag) => ({ name: tag, description: `All about ${tag}.` })),
    paths,
    components: { schemas: { Problem: PROBLEM } },
  }
}

const ABOUT = [
  'Amounts and quantities are decimals: send a number or its text (`29.99` or `"29.99"`), get a number.',
  'Commands take the header `Idempotency-Key`: repeated with the same key they have one effect and',
  'one answer. Their answer holds a `position`; a query with `min_position` has seen it.',
  'An answer marked `stale: true` waits for an operator to mend an event.',
].join('\n')

function operationOf(endpoint: Endpoint, path: string, operationId: string): Document {
  const { route } = endpoint
  const inBody = !asksInQuery(endpoint) && bodyNames(endpoint, path).length > 0
  return {
    operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(path === route.path ? {} : { description: `Another path for ${route.path}.` }),
    parameters: parametersOf(endpoint, path),
    ...(inBody ? { requestBody: bodyOf(endpoint, path) } : {}),
    ...(endpoint.takes === undefined ? {} : { requestBody: fileOf(endpoint.takes) }),
    responses: responsesOf(endpoint),
  }
}

/** A file's fields are beside it. */
const asksInQuery = ({ route, takes }: Endpoint) => route.method === 'GET' || takes !== undefined

const fileOf = (types: readonly string[]): Document => ({
  required: true,
  content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'string' } }])),
})

const pathNames = (path: string) => [...path.matchAll(/:([A-Za-z_]+)/g)].map(([, name]) => name!)

/** Fields that the path does not give; on the wire a path may name a field by an alias. */
function bodyNames({ input, kind }: Endpoint, path: string): readonly string[] {
  const given = new Set(pathNames(path))
  const own = Object.entries(input.properties)
    .filter(([name, schema]) => !namesOf(name, schema).some((wire) => given.has(wire)))
    .map(([name]) => name)
  // A user's path names the user: such a field is not who does it.
  const meta = Object.keys(metaInput.properties).filter((name) => !given.has(name))
  return kind === 'command' ? [...new Set([...own, ...meta])] : own
}

const namesOf = (name: string, schema: Schema) => [
  wireName(name, schema),
  ...(notesOf(schema)['x-aliases'] ?? []),
]

function parametersOf(endpoint: Endpoint, path: string): readonly Document[] {
  const { input, kind } = endpoint
  const inPath = pathNames(path).map((name): Document => {
    const found = Object.entries(input.properties).find(([field, schema]) =>
      namesOf(field, schema).includes(name),
    )
    if (found === undefined) throw new Error(`${endpoint.name}: no field for :${name} in ${path}`)
    const { description, ...schema } = wireSchema(found[1], 'in')
    return { name, in: 'path', required: true, ...told(description, name, 'path'), schema }
  })
  if (kind === 'command') return [...inPath, ...COMMAND_HEADERS]
  if (!asksInQuery(endpoint)) return inPath
  const required: readonly string[] = input.required ?? []
  const inQuery = bodyNames(endpoint, path).map((name): Document => {
    const { description, ...schema } = wireSchema(input.properties[name]!, 'in')
    const shown = wireName(name, input.properties[name]!)
    return {
      name: shown,
      in: 'query',
      required: required.includes(name),
      ...told(description, shown, 'query'),
      // In one parameter, with commas between.
      ...(schema.type === 'array' ? { style: 'form', explode: false } : {}),
      schema,
    }
  })
  return [...inPath, ...inQuery, ...(kind === 'query' ? [MIN_POSITION] : [])]
}

const told = (description: unknown, name: string, place: 'path' | 'query') => ({
  description: description ?? parameterWords(name, place),
})

const COMMAND_HEADERS: readonly Document[] = [
  {
    name: 'Idempotency-Key',
    in: 'header',
    description: 'The command’s id; repeated, it has one effect and the first answer.',
    schema: { type: 'string', minLength: 1, maxLength: 200, pattern: LABEL_PATTERN },
  },
  {
    name: 'If-Match',
    in: 'header',
    description: 'The version that must still hold, as ETag gives it: `"3"`. Otherwise 409.',
    schema: { type: 'string', pattern: '^"[0-9]+"$' },
  },
]
const MIN_POSITION: Document = {
  name: 'min_position',
  in: 'query',
  description: 'Waits until the answer has seen this position (also as header X-Min-Position).',
  schema: { type: 'integer', minimum: 0 },
}

function bodyOf(endpoint: Endpoint, path: string): Document {
  const { input, kind } = endpoint
  const names = bodyNames(endpoint, path)
  const properties: Readonly<Record<string, Schema>> = {
    ...(kind === 'command' ? metaInput.properties : {}),
    ...input.properties,
  }
  const required = names.filter((name) => (input.required ?? []).includes(name))
  const own = names.filter((name) => name in input.properties)
  const fields = Object.fromEntries(own.map((name) => [name, input.properties[name]!]))
  const example = exampleFields(fields, required)
  return {
    required: required.length > 0,
    content: {
      'application/json': {
        schema: {
          type: 'object',
          properties: Object.fromEntries(
            names.map((name) => {
              const schema: Schema = properties[name]!
              return [wireName(name, schema), shownIn(schema)]
            }),
          ),
          ...(required.length === 0
            ? {}
            : { required: required.map((name) => wireName(name, properties[name]!)) }),
          additionalProperties: false,
        },
        // Where nothing must be there and nothing says what it is like, everything that may be.
        example: Object.keys(example).length > 0 ? example : exampleFields(fields, own),
      },
    },
  }
}

const labels = new Set<Schema>(LABELS.map((name) => metaInput.properties[name]))
const shownIn = (schema: Schema): Document => ({
  ...wireSchema(schema, 'in'),
  ...(labels.has(schema) ? { pattern: LABEL_PATTERN } : {}),
})

function responsesOf({ kind, route, answer, gives, ...more }: Endpoint): Document {
  const { kept = false, problems = [] } = more
  const schema = wireSchema(answer, 'out')
  const success = {
    description: 'Done',
    content:
      gives === undefined
        ? { 'application/json': { schema: kind === 'command' ? withAnswered(schema) : schema } }
        : Object.fromEntries(gives.map((type) => [type, { schema: { type: 'string' } }])),
    ...(kind === 'command' ? { headers: COMMAND_ANSWER_HEADERS } : {}),
    ...(kept ? { headers: KEPT_ANSWER_HEADERS } : {}),
  }
  const byStatus = new Map<number, string[]>()
  for (const code of ['malformed_request', 'validation_failed', ...problems]) {
    const { status } = kindOf(code)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const refused = [...byStatus].map(([status, codes]) => [
    String(status),
    { description: codes.map((code) => `\`${code}\``).join(', '), content: PROBLEM_CONTENT },
  ])
  return {
    [String(route.status ?? 200)]: success,
    ...(route.statusOf === undefined
      ? {}
      : { '202': { ...success, description: 'Accepted; it is still going on' } }),
    ...Object.fromEntries(refused),
    default: {
      description: 'Any other problem; /docs explains every `code`.',
      content: PROBLEM_CONTENT,
    },
  }
}

function withAnswered(schema: Document): Document {
  const { properties = {}, ...rest } = schema as { properties?: Document }
  const numbers = Object.fromEntries(ANSWERED.map((name) => [name, { type: 'integer' }]))
  return { type: 'object', ...rest, properties: { ...properties, ...numbers } }
}

const COMMAND_ANSWER_HEADERS: Document = {
  ETag: { description: 'The version after it.', schema: { type: 'string' } },
  'Idempotent-Replayed': {
    description: '`true` when it had been carried out before.',
    schema: { type: 'string' },
  },
}
const KEPT_ANSWER_HEADERS: Document = {
  'X-Cache': {
    description:
      '`hit`: kept and still right. `miss`: just read. `stale`: the store cannot be reached, and ' +
      'this is what was last read.',
    schema: { type: 'string', enum: ['hit', 'miss', 'stale'] },
  },
  Age: {
    description: 'Seconds since it was read, where it was kept.',
    schema: { type: 'integer' },
  },
}
const PROBLEM_CONTENT: Document = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
}
const PROBLEM: Document = {
  type: 'object',
  description: 'RFC 9457, with what a program needs to decide.',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', examples: Object.keys(problemKinds) },
    category: {
      type: 'string',
      enum: ['validation', 'business', 'infrastructure', 'timeout', 'rate_limit'],
    },
    errors: {
      type: 'object',
      description: 'Path of a field to what is wrong with it.',
      additionalProperties: { type: 'string' },
    },
    retryable: { type: 'boolean' },
    correlation_id: { type: 'string' },
  },
  required: [
    'type',
    'title',
    'status',
    'detail',
    'code',
    'category',
    'retryable',
    'correlation_id',
  ],
}
