// Commands over HTTP, all alike: Idempotency-Key and If-Match on the way in; position, version,
// ETag and Location on the way out.
import type { Command, Route } from '#kernel/decider.ts'
import type { Outcome, Send } from '#kernel/waiting.ts'
import type { Answer } from './answer.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import { metaReader } from './command-meta.ts'
import { badFields, type Endpoint, givenIn } from './endpoint.ts'
import { problem } from './problem.ts'

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
  const readMeta = metaReader(input)
  const write = commandWriter(command)
  const locate = locator(command, readPaths)
  return {
    name: type,
    route,
    kind: 'command',
    input,
    answer,
    problems: [
      'not_found',
      'concurrency_conflict',
      'invalid_state',
      ...(route.status === 201 ? ['already_exists'] : []),
      'payload_too_large',
      'unsupported_media_type',
      'business_rule_violated',
      'idempotency_key_reused',
      'outcome_unknown',
      'storage_full',
      'unavailable',
      'circuit_open',
      'timeout',
    ],
    async handle(call) {
      const { path, query, body } = givenIn(call, route.method)
      const { meta, errors, rest } = readMeta(body, call)
      const fields = read({ path, query, body: rest })
      if (!fields.ok) throw badFields({ ...errors, ...fields.errors })
      if (errors !== undefined) throw badFields(errors)
      const outcome = await send(type, fields.value, meta)
      const correlationId = meta.correlation_id ?? call.correlationId
      const known = { 'x-correlation-id': correlationId }
      if (!outcome.ok) return problem(outcome.rejection, correlationId, known)
      const status = route.statusOf?.(outcome.response) ?? route.status ?? 200
      return answered(outcome, write(outcome), status, {
        ...known,
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

/**
 * The append's own position and version win over what a decision may have put under these names.
 */
function withoutAnswered(response: Readonly<Record<string, unknown>>): object {
  if (!('position' in response || 'version' in response)) return response
  return { ...response, position: undefined, version: undefined }
}

type Fields = Readonly<Record<string, unknown>>

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
