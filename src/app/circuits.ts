// One circuit breaker for each dependency of a process, around the ports that its gateways use.
// What lies in a file or in memory has none: it does not go away for a while.
import type { PaymentProvider } from '#contexts/payments/provider.ts'
import type { Carrier } from '#contexts/shipping/carrier.ts'
import {
  type Breaker,
  breaker,
  isAway,
  NoAnswer,
  repeated,
  through,
  within,
} from '#runtime/breaker.ts'
import type { SharedCache } from '#storage/cache.ts'
import { type EventLog, OutcomeUnknown } from '#storage/event-log.ts'
import type { KeyRing } from '#storage/key-ring.ts'
import type { ReadModels } from '#storage/read-models.ts'
import type { Providers } from './contexts.ts'
import type { Config } from './settings.ts'

export type Circuits = {
  log(log: EventLog): EventLog
  reads(reads: ReadModels): ReadModels
  keys(keys: KeyRing): KeyRing
  cache(cache: SharedCache): SharedCache
  providers(providers: Providers): Providers
  /** For health: by the dependency's name. */
  states(): Readonly<Record<string, ReturnType<Breaker['state']>>>
}

const READ_LOG = [
  ...(['readStream', 'readStreams', 'readAll', 'load', 'head', 'positionAt'] as const),
  ...(['commandRecord', 'commandRecords', 'claims', 'claimsOf'] as const),
]
const READ_ROWS = [
  ...(['load', 'find', 'group', 'keysOf', 'checkpoints', 'generations'] as const),
  ...(['parked', 'isParked'] as const),
]

/** No statement of a gateway takes so long, unless the network swallows it. */
const ANSWER_WITHIN_MS = 10_000

export function circuitsOf(config: Config, tell: (line: string) => void): Circuits {
  const made: Breaker[] = []
  const settings = {
    failures: config['breaker.failures'],
    windowMs: config['breaker.window'],
    openForMs: config['breaker.open_for'],
    halfOpenMax: config['breaker.half_open_max'],
    onState: (name: string, state: string) => {
      if (state === 'open') tell(`circuit open: ${name} failed too often, left alone for a while`)
      if (state === 'closed') tell(`circuit closed: ${name} answered again`)
    },
  }
  const circuit = (
    name: string,
    isFailure?: (error: unknown) => boolean,
    isFailed?: (answer: unknown) => boolean,
  ) => {
    const one = breaker(name, settings, isFailure, isFailed)
    made.push(one)
    return one
  }
  const provider = (name: string) => circuit(name, () => true, isUnknown)
  const isFar = (driver: string) => driver === 'postgres'

  return {
    log(log) {
      if (!isFar(config['event_store.driver'])) return log
      const { run } = circuit('event log')
      // An append is not repeated here: the engine knows best what became of it.
      const guarded = through(log, answeredBy(run, ANSWER_WITHIN_MS), ['append'])
      return { ...through(guarded, repeatedBy(run), READ_LOG), append: settled(guarded.append) }
    },
    reads(reads) {
      if (!isFar(config['read_store.driver'])) return reads
      return through(reads, repeatedBy(circuit('read models').run), READ_ROWS)
    },
    // Made once, whoever asks, and destroyed once: all of it may be asked again.
    keys(keys) {
      if (!isFar(config['event_store.driver'])) return keys
      const asked = ['make', 'find', 'destroy', 'destroyed'] as const
      return through(keys, repeatedBy(circuit('keys').run), asked)
    },
    // The process has what it needs without it: no second try.
    cache: (cache) => through(cache, circuit('cache', isSilent).run, ['get', 'fill']),
    providers: ({ provider: pays, carrier }) => ({
      provider: guardedProvider(pays, provider('payment provider'), config['saga.step_timeout']),
      carrier: guardedCarrier(carrier, provider('carrier'), config['saga.step_timeout']),
    }),
    states: () =>
      Object.fromEntries(made.map((one) => [one.name.replaceAll(' ', '_'), one.state()])),
  }
}

/** An append that got no answer may have been carried out. */
const settled =
  (append: EventLog['append']): EventLog['append'] =>
  async (request) => {
    try {
      return await append(request)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      throw new OutcomeUnknown(`the event log gave ${error.message}`, { cause: error })
    }
  }

/** A connection known to be down refuses at once, without a cause, and comes back by itself. */
const isSilent = (error: unknown): boolean => isAway(error) && (error as Error).cause !== undefined

/** To the outside, a silence and a throw are answers too: nobody knows. */
const isUnknown = (answer: unknown): boolean =>
  (answer as { readonly status?: string } | null)?.status === 'unknown'

function guardedProvider(provider: PaymentProvider, { run }: Breaker, withinMs: number) {
  const acts = through(provider, answeredBy(run, withinMs), [
    'authorize',
    'capture',
    'void',
    'refund',
  ])
  return { ...acts, find: found(provider.find, run) }
}
function guardedCarrier(carrier: Carrier, { run }: Breaker, withinMs: number): Carrier {
  const acts = through(carrier, answeredBy(run, withinMs), ['createLabel', 'cancelLabel'])
  return { ...acts, find: found(carrier.find, run) }
}

type Run = Breaker['run']

/** Whoever does not answer fails as well. */
const answeredBy =
  (run: Run, withinMs: number): Run =>
  (work) =>
    run(() => within(withinMs, work))

/** All tries together are one failure. */
const repeatedBy =
  (run: Run): Run =>
  (work) =>
    run(() => repeated(() => within(ANSWER_WITHIN_MS, work)))

/** That it does not know yet what became of an operation is no failure. */
const found =
  <A>(find: (operationId: string) => Promise<A>, run: Run) =>
  async (operationId: string): Promise<A> =>
    (await run(async () => ({ answer: await find(operationId) }))).answer
