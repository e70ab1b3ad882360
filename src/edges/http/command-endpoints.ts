// Commands over HTTP, all alike: Idempotency-Key and If-Match on the way in; position, version, ETag
// and Location on the way out.
import type { Command, Route } from '#kernel/decider.ts'
import type { FieldErrors } from '#kernel/schema.ts'
import { integer, object, optional, text } from '#kernel/schema.ts'
import type { Outcome, Send, SendMeta } from '#kernel/waiting.ts'
import type { Answer } from './answer.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import { badFields, type Call, type Endpoint, givenIn, headerOf, LABEL } from './endpoint.ts'
import { problem } from './problem.ts'

/** What every command takes beside its own fields. A command's own field of such a name stays its own. */
export const metaInput = object({
  command_id: optional(text({ max: 200, description: 'The same as the header Idempotency-Key.' })),
  expected_version: optional(
    integer({ min: 0, description: 'Refuses with 409 when the version is another; as If-Match.' }),
  ),
  user_id: optional(text({ max: 200, description: 'Who does this; kept with the events.' })),
  correlation_id: optional(text({ max: 200, description: 'The same as X-Correlation-Id.' })),
  causation_id: optional(
    text({ max: 200, description: 'What caused this; kept with the events.' }),
  ),
})
const META_NAMES = Object.keys(metaInput.properties)
/** What every command answers beside its own fields. */
export const ANSWERED = ['position', 'version'] as const

export type CommandRoute = Command & { readonly route: Route }

/** `readPaths`: the paths that can be read, for Location. */
export function commandEndpoints(
  commands: readonly CommandRoute[],
  send: Send,
  readPaths: readonly string[],
): readonly Endpoint[] {
  return commands.map((command) => commandEndpoint(command, send, readPaths))
}

function commandEndpoint(
  command: CommandRoute,
  send: Send,
  readPaths: readonly string[],
): Endpoint {
  const { route, type, input, answer } = command
  const read = inputReader(input)
  const readMeta = inputReader(metaInput)
  const write = commandWriter(command)
  const locate = locator(command, readPaths)
  const metaNames = META_NAMES.filter((name) => !(name in input.properties))
  return {
    name: type,
    route,
    kind: 'command',
    input,
    answer,
    problems: ['concurrency_conflict', 'business_rule_violated', 'outcome_unknown'],
    async handle(call) {
      const { path, query, body } = givenIn(call, route.method)
      const [own, about] = split(body, metaNames)
      const fields = read({ path, query, body: own })
      const meta = readMeta({ path: {}, query: {}, body: about })
      const errors: FieldErrors = {
        ...(fields.ok ? {} : fields.errors),
        ...(meta.ok ? {} : meta.errors),
      }
      if (!fields.ok || !meta.ok) throw badFields(errors)
      const sendMeta = metaFrom(meta.value, call)
      const outcome = await send(type, fields.value, sendMeta)
      const correlationId = sendMeta.correlation_id ?? call.correlationId
      if (!outcome.ok) return problem(outcome.rejection, correlationId)
      return answered(outcome, write(outcome), route.status ?? 200, {
        'x-correlation-id': correlationId,
        ...locate(outcome.response),
      })
    },
  }
}

type Done = Extract<Outcome, { ok: true }>

function answered(
  { version, replayed }: Done,
  json: string,
  status: number,
  headers: Readonly<Record<string, string>>,
): Answer {
  return {
    status,
    headers: {
      ...headers,
      ...(version > 0 ? { etag: `"${version}"` } : {}),
      ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
    },
    text: json,
  }
}

function commandWriter({ answer }: Command): (outcome: Done) => string {
  const write = answerWriter(answer)
  return ({ response, position, version }) => {
    const own = write(withoutAnswered(response))
    return `${own.slice(0, -1)}${own === '{}' ? '' : ','}"position":${position},"version":${version}}`
  }
}

/** The append's own position and version win over what a decision may have put under these names. */
function withoutAnswered(response: Readonly<Record<string, unknown>>): object {
  if (!('position' in response || 'version' in response)) return response
  return { ...response, position: undefined, version: undefined }
}

type Fields = Readonly<Record<string, unknown>>

function split(body: Fields, names: readonly string[]): [own: Fields, about: Fields] {
  if (!names.some((name) => Object.hasOwn(body, name))) return [body, {}]
  const own: Record<string, unknown> = {}
  const about: Record<string, unknown> = {}
  for (const name in body) (names.includes(name) ? about : own)[name] = body[name]
  return [own, about]
}

function metaFrom(given: SendMeta, call: Call): SendMeta {
  const key = headerOf(call.headers, 'Idempotency-Key')
  const correlation = headerOf(call.headers, 'X-Correlation-Id')
  const match = versionIn(call.headers['if-match'])
  const errors: Record<string, string> = {}
  for (const name of ['command_id', 'user_id', 'correlation_id', 'causation_id'] as const)
    if (given[name] !== undefined && !LABEL.test(given[name]))
      errors[name] = 'must be 1 to 200 printable ASCII characters'
  if (key !== undefined && (given.command_id ?? key) !== key)
    errors.command_id = 'differs from the header Idempotency-Key'
  if (correlation !== undefined && (given.correlation_id ?? correlation) !== correlation)
    errors.correlation_id = 'differs from the header X-Correlation-Id'
  if (match !== undefined && (given.expected_version ?? match) !== match)
    errors.expected_version = 'differs from the header If-Match'
  if (Object.keys(errors).length > 0) throw badFields(errors)
  const commandId = key ?? given.command_id
  const expected = match ?? given.expected_version
  return {
    ...given,
    correlation_id: given.correlation_id ?? call.correlationId,
    ...(commandId === undefined ? {} : { command_id: commandId }),
    ...(expected === undefined ? {} : { expected_version: expected }),
    source: 'api',
  }
}

function versionIn(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const match = /^"([0-9]{1,15})"$/.exec(header)
  if (match === null)
    throw badFields({ 'If-Match': 'must be one version in quotes, as ETag gives it: "3"' })
  return Number(match[1])
}

/** Where what was created can be read: the path below the command's own that names its id. */
function locator(
  { route, creates }: CommandRoute,
  readPaths: readonly string[],
): (response: Fields) => Readonly<Record<string, string>> {
  const below = new RegExp(`^${route.path.replaceAll('.', '\\.')}/:([A-Za-z_]+)$`)
  const names = readPaths.map((path) => below.exec(path)?.[1]).filter((name) => name !== undefined)
  if (route.status !== 201 || names.length === 0) return () => ({})
  return (response) => {
    for (const name of [creates, ...names])
      if (name !== undefined && typeof response[name] === 'string')
        return { location: `${route.path}/${encodeURIComponent(response[name])}` }
    return {}
  }
}
