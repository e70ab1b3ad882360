// What the log says of requests that failed on our side: lines of JSON. A bug is told each time,
// with where it was. A store that is away fails every request, and one line a second tells as much
// as a thousand, which would fill a disk.
import type { Rejection } from '#kernel/decider.ts'

export type Failure = {
  readonly error: unknown
  /** What was answered. */
  readonly code: Rejection['code']
  readonly status: number
  readonly method: string
  /** The route, never the address asked for: that may hold what belongs in no log. */
  readonly path: string
  readonly correlationId: string
}

/** Nothing was done, it is nobody's fault here, and the next request will hear the same. */
const AWAY = ['unavailable', 'circuit_open', 'storage_full', 'timeout']
const ONCE_IN_MS = 1_000

export function failureLines(
  log: (line: string) => void,
  now: () => number = Date.now,
): (failure: Failure) => void {
  const told = new Map<string, { readonly at: number; unsaid: number }>()

  /** How many like it were not told since the last that was; null: this one is not either. */
  const unsaidBefore = (code: string): number | null => {
    if (!AWAY.includes(code)) return 0
    const last = told.get(code)
    if (last !== undefined && now() - last.at < ONCE_IN_MS) {
      last.unsaid++
      return null
    }
    told.set(code, { at: now(), unsaid: 0 })
    return last?.unsaid ?? 0
  }
  return ({ error, code, status, method, path, correlationId }) => {
    const unsaid = unsaidBefore(code)
    if (unsaid === null) return
    log(
      JSON.stringify({
        level: 'error',
        time: new Date(now()).toISOString(),
        message: `${method} ${path} failed`,
        status,
        code,
        correlation_id: correlationId,
        error: textOf(error, code),
        ...(unsaid === 0 ? {} : { more_like_it: unsaid }),
      }),
    )
  }
}

const textOf = (error: unknown, code: string): string =>
  code === 'internal_error' && error instanceof Error
    ? (error.stack ?? String(error))
    : String(error)
