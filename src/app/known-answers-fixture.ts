// What a shop answers about each thing that it knows: every question is found in the OpenAPI
// document, every id in its own lists. Written down with its moment, to be asked again later.
import { type Operation, operationsOf } from '#testing/openapi-samples.ts'
import type { Random } from '#testing/random.ts'
import type { Client, Json } from './known-shop-fixture.ts'

export type Question = {
  readonly operation: Operation
  /** Whole, with what else it asks for. */
  readonly path: string
  readonly id: string
}
export type Known = {
  readonly questions: readonly Operation[]
  /** Looks into every list for what there is by now. */
  look(): Promise<void>
  readonly ids: (name: string) => readonly string[]
  /** All that can be asked by this operation of what is known. */
  asked(operation: Operation): readonly Question[]
}

/** What was told to others, and how a process is: not a part of the book. */
const ABROAD = /deliveries|\/admin\/(?!sagas|webhooks)/
const EVERYTHING = ['limit=1000', 'include_inactive=true']
/** The same question of one place, and of another. */
const PLACES = ['', 'store_id=main'] as const

export const takes = ({ parameters }: Operation, name: string): boolean =>
  parameters.some((one) => one.in === 'query' && one.name === name)
export const namesIn = ({ path }: Pick<Operation, 'path'>): readonly string[] =>
  [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => name!)
export const withMore = (path: string, ...more: readonly string[]): string => {
  const given = more.filter((one) => one !== '')
  return given.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${given.join('&')}`
}

export function knownBy(client: Client, documents: readonly object[]): Known {
  const operations = documents.flatMap(operationsOf)
  const questions = operations.filter(
    ({ method, path }) => method === 'GET' && path.startsWith('/api/') && !ABROAD.test(path),
  )
  const names = new Set(questions.flatMap(namesIn))
  const seen = new Map<string, Set<string>>()
  const learn = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value))
      if (typeof member === 'object') learn(member)
      else if (names.has(name) && typeof member === 'string')
        seen.set(name, (seen.get(name) ?? new Set()).add(member))
  }
  const ids = (name: string) => [...(seen.get(name) ?? [])]
  const lists = questions.filter((one) => namesIn(one).length === 0 && takes(one, 'limit'))
  return {
    questions,
    ids,
    async look() {
      for (const operation of lists) {
        const all = EVERYTHING.filter((one) => takes(operation, one.split('=')[0]!))
        const { status, json } = await client.call('GET', withMore(operation.path, ...all))
        if (status < 300) learn(json)
      }
    },
    asked(operation) {
      const [name, ...others] = namesIn(operation)
      if (others.length > 0) return []
      const stores = ids('store_id').map((id) => `store_id=${id}`)
      const places = takes(operation, 'store_id') ? [...PLACES, ...stores] : ['']
      const things = name === undefined ? [''] : ids(name)
      return things.flatMap((id) => {
        const path = operation.path.replace(`{${name}}`, encodeURIComponent(id))
        return places.map((place) => ({ operation, id, path: withMore(path, place) }))
      })
    },
  }
}

// ── what was answered, and what is answered now ───────────────────────────────────────────────

export type Noted = Question & {
  readonly position: number
  /** When no more had been written down than up to the position. */
  readonly moment: string
  readonly status: number
  readonly json: Json
}
type Moment = Pick<Noted, 'position' | 'moment'>

/** Of each question that can be asked of the past some, and all that were named before. */
export async function notedNow(
  client: Client,
  known: Known,
  { at, some, random }: { readonly at: Moment; readonly some: number; readonly random: Random },
): Promise<readonly Noted[]> {
  const noted: Noted[] = []
  for (const operation of known.questions.filter((one) => takes(one, 'as_of'))) {
    const fixed = takes(operation, 'date') ? [`date=${at.moment.slice(0, 10)}`] : []
    for (const question of random.shuffled(known.asked(operation)).slice(0, some)) {
      const path = withMore(question.path, ...fixed)
      const { status, json } = await client.call('GET', path)
      noted.push({ ...question, path, ...at, status, json })
    }
  }
  return noted
}

/** As it was noted, less what told of those who have been forgotten since. */
export function lessForgotten(json: Json, erased: ReadonlySet<string>): Json {
  if (Array.isArray(json)) return json.map((one) => lessForgotten(one, erased))
  if (typeof json !== 'object' || json === null) return json
  const whose = json.customer_id ?? json.user_id
  if (!erased.has(whose)) {
    const members = Object.entries(json)
    return Object.fromEntries(members.map(([name, one]) => [name, lessForgotten(one, erased)]))
  }
  // A change of a balance has a cause too, of another kind.
  const told = 'entry_id' in json ? ['reason'] : PERSONAL
  const members = Object.entries(json).map(([name, one]) => {
    if (told.includes(name)) return [name, null]
    if (name === 'refunds') return [name, (one as Json[]).map((each) => ({ ...each, cause: null }))]
    return [name, lessForgotten(one, erased)]
  })
  return Object.fromEntries(members)
}
/** What tells of a person, in what is about one. */
const PERSONAL = `name email phone addresses notes age shipping_address cancel_reason cause
  closed_reason reason customer_name`.split(/\s+/)
