// A batch of appends as the one document that goes to the server, and its verdicts from the answer.
import type { CommandRecord, Expected, Verdict } from '#storage/event-log.ts'
import type { Packed } from '#storage/log-packing.ts'
import type { Statement } from './connections.ts'

export const APPEND: Statement = {
  name: 'log_append',
  text: 'SELECT first, at, versions, refused FROM event_store.append($1::text::jsonb)',
}

/** What the server answers; see `event_store.append`. */
export type BatchAnswer = {
  /** The head before the batch. */
  readonly first: number
  readonly at: string
  /** Of each write's stream before the batch, in order of appends and writes. */
  readonly versions: readonly number[] | null
  /** JSON text of those that were refused, with the reason, the weightiest first. */
  readonly refused: string | null
}

/** `x`: the version; absent: any. `h`: some event is there. */
function expectation(expected: Expected): { readonly x?: number; readonly h?: true } {
  if (expected === 'any') return {}
  if (expected === 'exists') return { h: true }
  return { x: expected === 'none' ? 0 : expected }
}

/** Data and metadata travel as texts, so that they are stored letter by letter. */
export function documentOf(batch: readonly Packed[]): string {
  let count = 0
  const appends: object[] = []
  const writes: object[] = []
  const events: object[] = []
  const metadata: object[] = []
  const claims: object[] = []
  batch.forEach((append, a) => {
    let own = 0
    append.writes.forEach(([stream, expected, list], n) => {
      writes.push({ a, n, s: stream, ...expectation(expected) })
      list.forEach(([id, type, typeVersion, data, texts, occurred], v) => {
        if (texts !== null) metadata.push({ m: metadata.length, t: texts })
        own++
        const event = { a, n: own, s: stream, v: v + 1, i: id, t: type, y: typeVersion, d: data }
        const m = metadata.length - 1
        events.push(occurred === null ? { ...event, m } : { ...event, m, o: occurred })
      })
    })
    count += own
    const [, , first = []] = append.writes[0] ?? []
    const [i, f, r] = append.command ?? []
    appends.push(i === undefined ? { a, e: own } : { a, e: own, i, f, r, n: first.length })
    const moved = [...append.releases, ...append.claims]
    moved.forEach(({ scope, value, owner }, n) => {
      claims.push({ a, n, s: scope, v: value, o: owner, r: n < append.releases.length })
    })
  })
  const c = claims.length === 0 ? {} : { c: claims }
  return JSON.stringify({ n: count, a: appends, w: writes, e: events, m: metadata, ...c })
}

type Refusal = Exclude<Verdict, { ok: true }>
type Refused = { readonly a: number; readonly record?: { readonly response: string | null } }

export function verdictsOf(batch: readonly Packed[], answer: BatchAnswer): readonly Verdict[] {
  const refused = refusalsOf(answer.refused)
  const versions = answer.versions ?? []
  let position = answer.first
  let at = 0
  return batch.map(({ writes }, a): Verdict => {
    const after = writes.map(([, , events]) => Number(versions[at++]) + events.length)
    const refusal = refused.get(a)
    if (refusal !== undefined) return refusal
    const first = position + 1
    position += writes.reduce((sum, [, , events]) => sum + events.length, 0)
    return { ok: true, position, first, versions: after, timestamp: answer.at }
  })
}

function refusalsOf(text: string | null): ReadonlyMap<number, Refusal> {
  const found = new Map<number, Refusal>()
  if (text === null) return found
  for (const { a, ...reason } of JSON.parse(text) as Refused[]) {
    // The first counts: a repeated command before a conflict, a conflict before a claim.
    if (found.has(a)) continue
    const { record } = reason
    const whole = record === undefined ? reason : { ...reason, record: recordFrom(record as never) }
    found.set(a, { ok: false, ...whole } as Refusal)
  }
  return found
}

export type RecordRow = Omit<CommandRecord, 'response'> & { readonly response: string | null }
export const recordFrom = ({ response, ...row }: RecordRow): CommandRecord => ({
  ...row,
  response: response === null ? null : JSON.parse(response),
})
