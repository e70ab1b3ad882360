// C5: did every command have one effect, and was everybody told the same about it?
import type { Recorded } from '#kernel/message.ts'
import type { CommandRecord } from '#storage/event-log.ts'
import type { Attempt, Problem } from './history.ts'

export function checkCommands(
  attempts: readonly Attempt[],
  log: readonly Recorded[],
  records: readonly CommandRecord[],
): readonly Problem[] {
  const problems: Problem[] = []
  const stored = new Set(log.map(({ event_id }) => event_id))
  const recordOf = new Map(records.map((record) => [record.id, record]))
  const sent = Map.groupBy(
    attempts.filter(({ append }) => append.command !== undefined),
    ({ append }) => append.command!.id,
  )
  for (const [id, all] of sent)
    for (const message of problemsOf(id, all, recordOf.get(id), stored))
      problems.push({ message, attempts: all })
  for (const { id } of records)
    if (!sent.has(id))
      problems.push({ message: `nobody sent ${id}, and it has a record`, attempts: [] })
  return problems
}

function problemsOf(
  id: string,
  all: readonly Attempt[],
  record: CommandRecord | undefined,
  stored: ReadonlySet<string>,
): readonly string[] {
  const effects = all.filter((attempt) => isOk(attempt) || isStored(attempt, stored))
  if (effects.length > 1) return [`${id} was carried out ${effects.length} times`]
  if (record === undefined) {
    if (effects.length > 0) return [`${id} was carried out and has no record`]
    const answered = all.some(({ outcome }) => isAnswer(outcome))
    return answered ? [`${id} has no record, and was answered from one`] : []
  }
  const [effect] = effects
  const cause = effect ?? all.find((attempt) => leavesOnlyItsRecord(attempt, record))
  if (cause === undefined) return [`${id} has a record and no effect`]
  return [
    ...(asked(cause, record) ? [] : [`${id} was recorded with other content than was carried out`]),
    ...told(id, cause, record),
    ...all.flatMap((attempt) => answerProblems(id, attempt, cause, record)),
  ]
}

/** Whoever carried it out was told what the record says. */
function told(id: string, { append, outcome }: Attempt, record: CommandRecord): readonly string[] {
  if (JSON.stringify(append.command!.response) !== JSON.stringify(record.response))
    return [`${id} was recorded with another response than was given`]
  if (typeof outcome === 'string' || !outcome.ok) return []
  const same = outcome.position === record.position && (outcome.versions[0] ?? 0) === record.version
  return same ? [] : [`${id} was recorded at another place than was told`]
}

function answerProblems(
  id: string,
  attempt: Attempt,
  cause: Attempt,
  record: CommandRecord,
): readonly string[] {
  const { outcome, invoked } = attempt
  if (typeof outcome === 'string' || outcome.ok) return []
  if (outcome.reason === 'repeated' || outcome.reason === 'reused') {
    if (JSON.stringify(sorted(outcome.record)) !== JSON.stringify(sorted(record)))
      return [`${id} was answered with another record than is stored`]
    const right = asked(attempt, record) ? 'repeated' : 'reused'
    return outcome.reason === right ? [] : [`${id} was called ${outcome.reason}, and is ${right}`]
  }
  return isOk(cause) && cause.completed < invoked
    ? [`${id} was judged anew after it had been carried out`]
    : []
}

const sorted = ({ id, fingerprint, response, position, version }: CommandRecord) => [
  id,
  fingerprint,
  response,
  position,
  version,
]
const asked = ({ append }: Attempt, record: CommandRecord) =>
  append.command!.fingerprint === record.fingerprint
/**
 * Nothing of it is in the log: it was never answered, or it has no events, and an engine that asked
 * again after an answer was lost met the record of its own first asking.
 */
const leavesOnlyItsRecord = (attempt: Attempt, record: CommandRecord) =>
  asked(attempt, record) &&
  (isUnknown(attempt) || (isAnswer(attempt.outcome) && isEmpty(attempt.append)))
const isEmpty = ({ writes }: Attempt['append']) => writes.every(({ events }) => events.length === 0)
const isOk = ({ outcome }: Attempt) => typeof outcome !== 'string' && outcome.ok
const isUnknown = ({ outcome }: Attempt) => outcome === 'unknown'
const isAnswer = (outcome: Attempt['outcome']) =>
  typeof outcome !== 'string' &&
  !outcome.ok &&
  (outcome.reason === 'repeated' || outcome.reason === 'reused')
const isStored = ({ append }: Attempt, stored: ReadonlySet<string>) =>
  append.writes.some(({ events }) => events.some(({ event_id }) => stored.has(event_id)))
