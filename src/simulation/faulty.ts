// Any port, with a network before it that fails: a call may be refused, carried out without an
// answer, lost, slow, overtaken by later ones, delivered twice, met by silence or by a cut line.
// One seed gives one run, and every fault that fires is counted.
import type { Random } from '#testing/random.ts'
import type { Handle, Owner, Scheduler } from './scheduler.ts'

export const FAULTS = [
  /** An error, and nothing was done. */
  'refused',
  /** It was done, and the answer is an error. */
  'unanswered',
  /** Nothing was done, and the answer is the same error. */
  'lost',
  /** No answer at all; done or not. */
  'silent',
  /** Later than everything around it. */
  'slow',
  /** Arrives twice. */
  'duplicate',
  /** The line is dead for a while, to and fro. */
  'cut',
  /** A notice does not arrive. */
  'unheard',
] as const
export type FaultKind = (typeof FAULTS)[number]
/** How likely each is, from 0 to 1. */
export type FaultRates = Readonly<Partial<Record<FaultKind, number>>>

export type Network = {
  readonly scheduler: Scheduler
  readonly random: Random
  /** Whose step it is when a request arrives at a store. */
  readonly far: Owner
  /** Delivers calls out of order, too. */
  readonly latencyMs: number
  /** By port and kind, how often. */
  readonly fired: Map<string, number>
  /** From now on nothing fails any more. */
  healed: boolean
  /** Everything behind the network is away until then. */
  downUntil: number
}

export type Line = {
  readonly owner: Owner
  readonly port: string
  readonly rates: FaultRates
  /** How many of the calls arrive in the moment they are made; the rest travel first. 1: all. */
  readonly atOnce: number
  /** The store is a part of the process: what is on its way to it when the process dies is gone. */
  readonly isInside: boolean
  cutUntil: number
  /** Calls under way. */
  open: number
  sent: number
  arrived: number
}
/** What a port throws: when nothing was done for certain, and when nobody knows. */
export type PortErrors = {
  refused(what: string): Error
  unknown(what: string): Error
}

const SLOW_MS = 400
const CUT_MS = 1_500
/** Faults that were put in on purpose: nobody has to explain them. */
const planned = new WeakSet<Error>()
export const isPlanned = (error: unknown): boolean =>
  error instanceof Error && (planned.has(error) || isPlanned(error.cause))
export const plan = (error: Error): Error => {
  planned.add(error)
  return error
}

export const lineOf = (
  line: Pick<Line, 'owner' | 'port' | 'rates' | 'atOnce' | 'isInside'>,
): Line => ({
  ...line,
  cutUntil: 0,
  open: 0,
  sent: 0,
  arrived: 0,
})

export function happens(network: Network, { port, rates }: Line, kind: FaultKind): boolean {
  const probability = rates[kind]
  if (probability === undefined || probability === 0 || network.healed) return false
  if (!network.random.chance(probability)) return false
  count(network, `${port} ${kind}`)
  return true
}
export const count = ({ fired }: Pick<Network, 'fired'>, what: string) =>
  void fired.set(what, (fired.get(what) ?? 0) + 1)

/** This port over this line. What is not a function, or not named, is as it was. */
export function faulty<Port extends object>(
  port: Port,
  methods: readonly (keyof Port & string)[],
  { network, line, errors, twice = [] }: Wiring<Port>,
): Port {
  const wired = { ...port } as Record<string, unknown>
  for (const method of methods) {
    const inner = port[method] as (...args: unknown[]) => Promise<unknown>
    const what = `${line.port}.${method}`
    wired[method] = (...args: unknown[]) =>
      call(network, line, what, errors, () => inner(...args), twice.includes(method))
  }
  // Every named method is of the same shape as before.
  return wired as Port
}
export type Wiring<Port> = {
  readonly network: Network
  readonly line: Line
  readonly errors: PortErrors
  /** What may arrive twice, because the port says that it does no harm. */
  readonly twice?: readonly (keyof Port & string)[]
}

/** One call: to the store, and back. */
function call<R>(
  network: Network,
  line: Line,
  what: string,
  errors: PortErrors,
  work: () => Promise<R>,
  mayRepeat: boolean,
): Promise<R> {
  const { scheduler, random, far } = network
  const { at, now } = scheduler
  const { owner } = line
  const travel = () => random.next() * network.latencyMs
  line.open++
  return new Promise<R>((resolve, reject) => {
    const back = (ms: number, name: string, settle: () => void) =>
      at(owner, ms, name, () => {
        line.open--
        settle()
      })
    const fails = (name: string, error: Error) => {
      count(network, `${line.port} errors`)
      back(travel(), `${what} ${name}`, () => reject(plan(error)))
    }
    if (happens(network, line, 'cut')) line.cutUntil = now() + random.int(1, CUT_MS)
    if (!network.healed && line.cutUntil > now()) return fails('cut', errors.refused(what))
    if (happens(network, line, 'refused')) return fails('refused', errors.refused(what))
    if (happens(network, line, 'lost')) return fails('lost', errors.unknown(what))
    const isSilent = happens(network, line, 'silent')
    if (isSilent && random.chance(0.5)) return
    const isUnanswered = happens(network, line, 'unanswered')
    const slowMs = happens(network, line, 'slow') ? random.int(1, SLOW_MS) : 0
    const number = ++line.sent

    const answers = (name: string, settle: () => void) => {
      if (isSilent) return
      if (isUnanswered) return fails('unanswered', errors.unknown(what))
      back(travel() + slowMs, name, () => {
        if (!network.healed && line.cutUntil > now()) reject(plan(errors.unknown(what)))
        else settle()
      })
    }
    const arrive = () => {
      if (line.isInside && owner.dead) return
      if (network.downUntil > now()) return fails('down', errors.unknown(what))
      if (number < line.arrived) count(network, `${line.port} overtaken`)
      line.arrived = Math.max(line.arrived, number)
      scheduler.as(far, work).then(
        (value) => answers(`${what} ok`, () => resolve(value)),
        (error) => answers(`${what} failed`, () => reject(error)),
      )
    }
    const isAtOnce = line.atOnce === 1
    if (isAtOnce || (slowMs === 0 && random.chance(line.atOnce))) arrive()
    else at(far, travel() + random.int(0, slowMs), what, arrive)
    if (!mayRepeat || !happens(network, line, 'duplicate')) return
    const again = () => {
      const isGone = network.downUntil > now() || (line.isInside && owner.dead)
      if (!isGone) void scheduler.as(far, work).catch(() => {})
    }
    if (isAtOnce) again()
    else at(far, travel() + random.int(0, SLOW_MS), `${what} again`, again)
  })
}

/** A notice on its way to somebody: lost, late or told twice. */
export function notify(network: Network, line: Line, what: string, tell: () => void): void {
  if (happens(network, line, 'unheard')) return
  const { scheduler, random } = network
  const deliver = (ms: number): Handle => scheduler.at(line.owner, ms, what, tell)
  deliver(random.next() * network.latencyMs)
  if (happens(network, line, 'slow')) deliver(random.int(1, SLOW_MS))
  if (happens(network, line, 'duplicate')) deliver(random.next() * network.latencyMs)
}
