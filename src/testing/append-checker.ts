// C1: was every append judged rightly and written whole or not at all? Given everything that
// clients asked and were told, and the log as it is in the end. Knows nothing of any engine.
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { Expected } from '#storage/event-log.ts'
import { type Attempt, ladder, type Problem } from './history.ts'

export function checkAppends(
  attempts: readonly Attempt[],
  log: readonly Recorded[],
): readonly Problem[] {
  const problems: Problem[] = []
  const tell = (message: string, ...concerned: readonly Attempt[]) =>
    problems.push({ message, attempts: concerned })

  const book = bookOf(log)
  checkLog(log, attempts, tell)
  const written = new Map<Attempt, number>()
  for (const attempt of attempts) {
    const first = checkWhole(attempt, book, tell)
    if (first !== null) written.set(attempt, first)
  }
  for (const attempt of attempts) checkTold(attempt, written, book, tell)
  checkOrder(attempts, written, tell)
  checkVersions(attempts, written, book, tell)
  return problems
}

type Tell = (message: string, ...concerned: readonly Attempt[]) => void
type Book = {
  readonly byId: ReadonlyMap<string, Recorded>
  /** Positions of each stream's events, in order of version. */
  readonly streams: ReadonlyMap<string, readonly number[]>
}

function bookOf(log: readonly Recorded[]): Book {
  const streams = new Map<string, number[]>()
  for (const event of log) {
    const positions = streams.get(nameOf(event))
    if (positions === undefined) streams.set(nameOf(event), [event.position])
    else positions.push(event.position)
  }
  return { byId: new Map(log.map((event) => [event.event_id, event])), streams }
}

function checkLog(log: readonly Recorded[], attempts: readonly Attempt[], tell: Tell): void {
  const asked = new Map(attempts.flatMap((attempt) => idsOf(attempt).map((id) => [id, attempt])))
  const seen = new Set<string>()
  const versions = new Map<string, number>()
  let before = ''
  log.forEach((event, i) => {
    const { position, event_id, version, timestamp } = event
    const stream = nameOf(event)
    const expected = (versions.get(stream) ?? 0) + 1
    if (position !== i + 1) tell(`position ${position} stands where ${i + 1} belongs`)
    if (version !== expected) tell(`${stream} has version ${version} where ${expected} belongs`)
    if (timestamp < before) tell(`position ${position} was recorded before its predecessor`)
    if (seen.has(event_id))
      tell(`event ${event_id} is in the log twice`, ...only(asked.get(event_id)))
    if (!asked.has(event_id)) tell(`nobody wrote event ${event_id} at position ${position}`)
    seen.add(event_id)
    versions.set(stream, version)
    before = timestamp
  })
}

/** The first position, when its events are there; null when none is. Part of them is a problem. */
function checkWhole(attempt: Attempt, { byId }: Book, tell: Tell): number | null {
  const ids = idsOf(attempt)
  const found = ids.flatMap((id) => only(byId.get(id)))
  if (found.length === 0) return null
  const first = found[0]!.position
  const streams = attempt.append.writes.flatMap(({ stream, events }) => events.map(() => stream))
  const whole = ids.every((id, i) => {
    const event = byId.get(id)
    return event?.position === first + i && nameOf(event) === streams[i]
  })
  if (!whole)
    tell(`${found.length} of ${ids.length} events of ${attempt.name} are in place`, attempt)
  return first
}

function checkTold(
  attempt: Attempt,
  written: ReadonlyMap<Attempt, number>,
  book: Book,
  tell: Tell,
): void {
  const { name, append, outcome } = attempt
  const first = written.get(attempt)
  if (outcome !== 'unknown' && (outcome === 'absent' || !outcome.ok)) {
    if (first !== undefined) tell(`${name} was told no, and is in the log`, attempt)
    return
  }
  const told = outcome === 'unknown' ? null : outcome
  const count = idsOf(attempt).length
  if (told !== null && count > 0 && first === undefined) {
    tell(`${name} was acknowledged, and is not in the log`, attempt)
    return
  }
  const from = first ?? (told === null ? null : told.position + 1)
  if (from === null) return
  if (told !== null && told.position !== from + count - 1)
    tell(`${name} was told position ${told.position} instead of ${from + count - 1}`, attempt)
  if (told !== null && count > 0 && told.first !== from)
    tell(`${name} was told first position ${told.first} instead of ${from}`, attempt)
  append.writes.forEach(({ stream, expected, events }, i) => {
    const before = versionAt(book, stream, from)
    if (!fits(expected, before))
      tell(`${name} expected ${stream} at ${expected} and wrote on top of ${before}`, attempt)
    if (told !== null && told.versions[i] !== before + events.length)
      tell(
        `${name} was told version ${told.versions[i]} of ${stream} instead of ${before + events.length}`,
        attempt,
      )
  })
}

/** What was acknowledged before another began lies before it. */
function checkOrder(
  attempts: readonly Attempt[],
  written: ReadonlyMap<Attempt, number>,
  tell: Tell,
): void {
  const acked = attempts.flatMap((attempt) => (isOk(attempt) ? [attempt] : []))
  const known = ladder(acked.map(({ completed, outcome }) => [completed, outcome.position]))
  for (const attempt of attempts) {
    const first = written.get(attempt) ?? (isOk(attempt) ? attempt.outcome.position + 1 : undefined)
    const least = known.before(attempt.invoked)
    if (first === undefined || first > least) continue
    const earlier = acked.filter(
      ({ completed, outcome }) => completed < attempt.invoked && outcome.position >= first,
    )
    tell(
      `${attempt.name} lies at ${first}, before what was acknowledged before it began`,
      attempt,
      ...earlier,
    )
  }
}

/** A conflict's version is one that the stream had at some moment between question and answer. */
function checkVersions(
  attempts: readonly Attempt[],
  written: ReadonlyMap<Attempt, number>,
  book: Book,
  tell: Tell,
): void {
  const acked = new Map<string, [number, number][]>()
  const possible = new Map<string, [number, number][]>()
  for (const attempt of attempts) {
    const first = written.get(attempt)
    if (first === undefined) continue
    for (const { stream, events } of attempt.append.writes) {
      const after = versionAt(book, stream, first) + events.length
      put(possible, stream, [attempt.invoked, after])
      if (isOk(attempt)) put(acked, stream, [attempt.completed, after])
    }
  }
  const ladders = (all: ReadonlyMap<string, [number, number][]>) =>
    new Map([...all].map(([stream, points]) => [stream, ladder(points)]))
  const least = ladders(acked)
  const most = ladders(possible)
  for (const attempt of attempts) {
    const { name, invoked, completed, append, outcome } = attempt
    if (typeof outcome === 'string' || outcome.ok || outcome.reason !== 'conflict') continue
    const { stream, actual } = outcome
    const asked = append.writes.find((write) => write.stream === stream)
    if (asked === undefined) tell(`${name} was told of ${stream}, which it does not write`, attempt)
    else if (fits(asked.expected, actual))
      tell(`${name} was refused at ${actual}, which is what it expected of ${stream}`, attempt)
    const low = least.get(stream)?.before(invoked) ?? 0
    const high = most.get(stream)?.before(completed) ?? 0
    if (actual < low || actual > high)
      tell(
        `${name} was told version ${actual} of ${stream}, which was between ${low} and ${high}`,
        attempt,
      )
  }
}

/** The stream's version just before this position. */
function versionAt({ streams }: Book, stream: string, position: number): number {
  const positions = streams.get(stream) ?? []
  let low = 0
  let high = positions.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (positions[middle]! < position) low = middle + 1
    else high = middle
  }
  return low
}

type Acknowledged = Attempt & { readonly outcome: { readonly ok: true; readonly position: number } }
const isOk = (attempt: Attempt): attempt is Acknowledged =>
  typeof attempt.outcome !== 'string' && attempt.outcome.ok
const idsOf = ({ append }: Attempt) =>
  append.writes.flatMap(({ events }) => events.map(({ event_id }) => event_id))
const nameOf = (event: Recorded) => streamOf(event.aggregate_type, event.aggregate_id)
const only = <T>(item: T | undefined): readonly T[] => (item === undefined ? [] : [item])
const put = <T>(all: Map<string, T[]>, key: string, item: T) => {
  const items = all.get(key)
  if (items === undefined) all.set(key, [item])
  else items.push(item)
}

function fits(expected: Expected, actual: number): boolean {
  if (expected === 'any') return true
  if (expected === 'none') return actual === 0
  return expected === 'exists' ? actual > 0 : actual === expected
}
