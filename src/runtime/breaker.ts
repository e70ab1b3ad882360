// What to do about a dependency that fails: repeat what may run twice, and once it fails again and
// again, leave it alone for a while. Closed: all goes through. Enough failures within the window:
// open, everything is refused at once. After its time half open: a few are let through; they
// succeed: closed, one fails: open again.
import {
  BrokenCircuitError,
  CircuitState,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
} from 'cockatiel'

export type Breaker = {
  readonly name: string
  /** Throws CircuitOpen without having begun. */
  run<T>(work: () => Promise<T>): Promise<T>
  state(): 'closed' | 'open' | 'half_open'
}
export type BreakerSettings = {
  readonly failures: number
  readonly windowMs: number
  readonly openForMs: number
  /** How many are let through while half open. */
  readonly halfOpenMax: number
  /** Hears of every change. */
  readonly onState?: (name: string, state: CircuitStateName) => void
}
type CircuitStateName = ReturnType<Breaker['state']>

/** Nothing was done: the dependency is left alone until `retryAfterMs` are over. */
export class CircuitOpen extends Error {
  override readonly name = 'CircuitOpen'
  readonly retryAfterMs: number
  constructor(circuit: string, retryAfterMs: number) {
    super(`${circuit} rests after failures, for ${Math.ceil(retryAfterMs / 1_000)} s more`)
    this.retryAfterMs = retryAfterMs
  }
}

const STATE_NAMES: Readonly<Record<CircuitState, CircuitStateName>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  // Nobody isolates it by hand.
  [CircuitState.Isolated]: 'open',
}

/** Whether a trial has ended is not known; it does not take long. */
const TRIAL_MS = 1_000

/**
 * `isFailure`: of the dependency; a refusal or a bug is none. `isFailedAnswer`: where a failure is
 * an answer too.
 */
export function breaker(
  name: string,
  { failures, windowMs, openForMs, halfOpenMax, onState = () => {} }: BreakerSettings,
  isFailure: (error: unknown) => boolean = isAway,
  isFailedAnswer: (answer: unknown) => boolean = () => false,
): Breaker {
  const policy = circuitBreaker(handleWhen(isFailure).orWhenResult(isFailedAnswer), {
    halfOpenAfter: openForMs,
    halfOpenSampling: { calls: halfOpenMax, threshold: 0 },
    breaker: failuresWithin(failures, windowMs),
  })
  let openedAt = 0
  let trials = 0
  policy.onStateChange((state) => {
    if (state === CircuitState.Open) openedAt = Date.now()
    if (state === CircuitState.HalfOpen) trials = 0
    onState(name, STATE_NAMES[state])
  })
  const restMs = () => Math.max(0, openedAt + openForMs - Date.now())

  return {
    name,
    async run(work) {
      // The library lets others wait for the trial's outcome; ours are told at once.
      if (policy.state === CircuitState.HalfOpen && trials >= halfOpenMax)
        throw new CircuitOpen(name, TRIAL_MS)
      const going = policy.execute(work)
      if (policy.state === CircuitState.HalfOpen) trials++
      try {
        return await going
      } catch (error) {
        throw error instanceof BrokenCircuitError ? new CircuitOpen(name, restMs()) : error
      }
    },
    state() {
      const state = STATE_NAMES[policy.state]
      return state === 'open' && restMs() === 0 ? 'half_open' : state
    },
  }
}

/** So many failures within so long; successes between them do not count. */
function failuresWithin(failures: number, windowMs: number) {
  const times: number[] = []
  return {
    state: null,
    success(state: CircuitState) {
      if (state === CircuitState.HalfOpen) times.length = 0
    },
    failure() {
      const now = Date.now()
      times.push(now)
      while (times[0]! <= now - windowMs || times.length > failures) times.shift()
      return times.length >= failures
    },
  }
}

/** The dependency or the way to it, not what was asked of it. */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // By name: it may come from another thread.
  const { name, code } = error as { name: string; code?: unknown }
  return AWAY.includes(name) || code === STATEMENT_TIMEOUT
}
/** Not reached; the connection died, or the disk failed, while something was under way. */
const AWAY = ['Unavailable', 'Interrupted', 'OutcomeUnknown', 'NoAnswer']
/** PostgreSQL gave a statement up that took too long. */
const STATEMENT_TIMEOUT = '57014'

/** Whoever was asked says nothing; whether it does something is not known. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}
/** A network that swallows everything ends no connection: only a clock tells. */
export async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work(), silence])
  } finally {
    clearTimeout(timer)
  }
}

const REPEATS = 2
const FIRST_PAUSE_MS = 50
const PAUSE_MAX_MS = 500

const repeats = retry(
  handleWhen((error) => error instanceof Error && error.name === 'Unavailable'),
  {
    maxAttempts: REPEATS,
    backoff: new ExponentialBackoff({ initialDelay: FIRST_PAUSE_MS, maxDelay: PAUSE_MAX_MS }),
  },
)
/** For what may run twice: again after a short, random pause when the dependency was away. */
export const repeated = <T>(work: () => Promise<T>): Promise<T> => repeats.execute(work)

type Run = <T>(work: () => Promise<T>) => Promise<T>
type Method = (...args: never[]) => Promise<unknown>

/** The port with these of its methods run through `run`. */
export function through<P extends object>(port: P, run: Run, methods: readonly (keyof P)[]): P {
  const wrapped = methods.map((name) => {
    // Only methods that answer later are named.
    const method = port[name] as Method
    return [name, (...args: never[]) => run(() => method(...args))]
  })
  return { ...port, ...Object.fromEntries(wrapped) }
}
