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
  /**
   * JSON text of those that were refused: `a` counts from 1; of several reasons the first counts.
   */
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
  const counts: number[] = []
  const writes: object[] = []
  const events: object[] = []
  const metadata: string[] = []
  const commands: object[] = []
  const claims: object[] = []
  batch.forEach((append, at) => {
    const a = at + 1
    const before = events.length
    const firstWrite = append.writes.length === 0 ? 0 : writes.length + 1
    for (const [stream, expected, list] of append.writes) {
      const w = writes.length + 1
      writes.push({ a, w, s: stream, ...expectation(expected) })
      let v = 0
      for (const [i, t, y, d, texts, o] of list) {
        if (texts !== null) metadata.push(texts)
        const p = events.length + 1
        const event = { a, p, w, v: ++v, s: stream, i, t, y, d, m: metadata.length }
        events.push(o === null ? event : { ...event, o })
      }
    }
    counts.push(events.length - before)
    if (append.command !== null) {
      const [i, f, r] = append.command
      const v = append.writes[0]?.[2].length ?? 0
      commands.push({ a, i, f, r, p: events.length, w: firstWrite, v })
    }
    for (const { scope: s, value: v, owner: o } of append.releases)
      claims.push({ a, s, v, o, r: true })
    for (const { scope: s, value: v, owner: o } of append.claims)
      claims.push({ a, s, v, o, r: false })
  })
  return JSON.stringify({
    n: events.length,
    c: counts,
    w: writes,
    e: events,
    m: metadata,
    ...(commands.length === 0 ? {} : { k: commands }),
    ...(claims.length === 0 ? {} : { q: claims }),
  })
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
    // A repeated command comes before a conflict, a conflict before a claim.
    if (found.has(a - 1)) continue
    const { record } = reason
    const whole = record === undefined ? reason : { ...reason, record: recordFrom(record as never) }
    found.set(a - 1, { ok: false, ...whole } as Refusal)
  }
  return found
}

export type RecordRow = Omit<CommandRecord, 'response'> & { readonly response: string | null }
export const recordFrom = ({ response, ...row }: RecordRow): CommandRecord => ({
  ...row,
  response: response === null ? null : JSON.parse(response),
})
