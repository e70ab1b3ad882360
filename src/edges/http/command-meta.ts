// What comes with a command beside its own fields: its id, the expected version, who and why. From
// the body or from headers, which say the same thing in the words of HTTP.
import { integer, type ObjectSchema, object, optional, text } from '#kernel/schema.ts'
import type { SendMeta } from '#kernel/waiting.ts'
import { inputReader } from './codec-in.ts'
import { type Call, isLabel, NO_LABEL } from './endpoint.ts'

/**
 * What every command takes beside its own fields. A command's own field of such a name stays its
 * own.
 */
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
const NAMES = Object.keys(metaInput.properties)
export const LABELS = ['command_id', 'user_id', 'correlation_id', 'causation_id'] as const

type Fields = Readonly<Record<string, unknown>>
type Read = {
  readonly meta: SendMeta
  readonly errors: Readonly<Record<string, string>> | undefined
  /** The body's other fields. */
  readonly rest: Fields
}

/** Reads it for a command with this input. */
export function metaReader(input: ObjectSchema): (body: Fields, call: Call) => Read {
  const names = NAMES.filter((name) => !(name in input.properties))
  const read = inputReader(metaInput)
  return (body, call) => {
    const [rest, about] = split(body, names)
    const errors: Record<string, string> = {}
    const checked = read({ path: {}, query: {}, body: about })
    if (!checked.ok) return { meta: {}, errors: checked.errors, rest }
    // `read` has just checked it against metaInput.
    const meta = joined(checked.value as SendMeta, call, errors)
    return { meta, errors: Object.keys(errors).length === 0 ? undefined : errors, rest }
  }
}

function split(body: Fields, names: readonly string[]): [rest: Fields, about: Fields] {
  if (!names.some((name) => Object.hasOwn(body, name))) return [body, {}]
  const rest: Record<string, unknown> = {}
  const about: Record<string, unknown> = {}
  for (const name in body) (names.includes(name) ? about : rest)[name] = body[name]
  return [rest, about]
}

/** Body and headers together; adds to `errors` what is ill-formed or contradicts. */
function joined(given: SendMeta, call: Call, errors: Record<string, string>): SendMeta {
  for (const name of LABELS)
    if (given[name] !== undefined && !isLabel(given[name])) errors[name] = NO_LABEL
  const key = call.headers['idempotency-key']
  if (key !== undefined && !isLabel(key)) errors['Idempotency-Key'] = NO_LABEL
  const correlation = call.headers['x-correlation-id']
  if (correlation !== undefined && !isLabel(correlation)) errors['X-Correlation-Id'] = NO_LABEL
  const match = versionIn(call.headers['if-match'])
  if (match === null) errors['If-Match'] = 'must be one version in quotes, as ETag gives it: "3"'

  const commandId = agreed(key, given.command_id)
  if (commandId === null) errors.command_id = 'differs from the header Idempotency-Key'
  if (agreed(correlation, given.correlation_id) === null)
    errors.correlation_id = 'differs from the header X-Correlation-Id'
  const expected = agreed(match, given.expected_version)
  if (expected === null) errors.expected_version = 'differs from the header If-Match'
  return {
    ...given,
    correlation_id: given.correlation_id ?? call.correlationId,
    // Neither is null unless there are errors, and then nobody looks at this.
    ...(commandId == null ? {} : { command_id: String(commandId) }),
    ...(expected == null ? {} : { expected_version: Number(expected) }),
    source: 'api',
  }
}

/** The one value that was given; null when two differ. */
function agreed<Value>(one: Value | undefined, other: Value | undefined): Value | undefined | null {
  if (one !== undefined && other !== undefined && one !== other) return null
  return one ?? other
}

function versionIn(header: string | undefined): number | undefined | null {
  if (header === undefined) return undefined
  const match = /^"([0-9]{1,15})"$/.exec(header)
  return match === null ? null : Number(match[1])
}
