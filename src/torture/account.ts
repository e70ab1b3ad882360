// What clients asked for and what they were told, try by try; the checks judge it when all is over.
// It has to fit into memory for a long run, so of an answer little is kept.

export type Told = {
  /** Milliseconds since the run began. */
  readonly asked: number
  readonly answered: number
  readonly door: string
  /** 0: no answer came. */
  readonly status: number
  /** What a refusal calls itself, or what went wrong on the way. */
  readonly code: string
  /** Where a command was recorded. */
  readonly position: number | null
  /** A digest of the whole answer. */
  readonly digest: string
  readonly isProblem: boolean
}
export type Asked = {
  /** Its Idempotency-Key. */
  readonly key: string
  readonly what: string
  readonly method: string
  readonly path: string
  readonly body: string | null
  readonly told: Told[]
}
/** A question that has to show what its asker knows to be recorded. */
export type Looked = {
  readonly path: string
  readonly since: number
  readonly status: number
  readonly code: string
  readonly at: number
}
/** When a client that sends slowly was parted with, in milliseconds since it came; null: never. */
export type Dawdled = { readonly closed: number | null }

export type Account = {
  readonly asked: ReadonlyMap<string, Asked>
  readonly looked: readonly Looked[]
  readonly dawdled: readonly Dawdled[]
  /** Requests that nobody should accept. */
  readonly hostile: readonly Asked[]
}

/** The last word on it, if there was one: what was carried out, or a refusal that is final. */
export const finalOf = ({ told }: Asked): Told | null =>
  told.find(isDone) ?? told.findLast(isFinal) ?? null
export const isDone = ({ status }: Told) => status >= 200 && status < 300
export const isFinal = (told: Told) => isDone(told) || (told.status >= 400 && !isRetryable(told))

const isRetryable = ({ status, code }: Told) =>
  status === 408 || status >= 500 || code === 'concurrency_conflict'

const TRIES_SHOWN = 5
const PATH_SHOWN = 120

/** One request, so that a person sees what happened. */
export function lineOf({ what, method, path, key, told }: Asked): string {
  const tries = told.map(({ asked, answered, status, code, position }) => {
    const answer = status === 0 ? code : `${status}${code === '' ? '' : ` ${code}`}`
    return `${asked}–${answered} ms ${answer}${position === null ? '' : ` @${position}`}`
  })
  const shown =
    tries.length <= TRIES_SHOWN
      ? tries
      : [...tries.slice(0, TRIES_SHOWN - 1), `${tries.length - TRIES_SHOWN} more`, tries.at(-1)!]
  return `${what} ${method} ${path.slice(0, PATH_SHOWN)} key ${key}: ${shown.join('; ')}`
}
