// Faults that a simulated provider plays: scripted by whoever opens it, taken in order, each for
// the next so many calls that it fits.
import { setTimeout as sleep } from 'node:timers/promises'

export type Fault = {
  /** Which call; absent: any, also asking. */
  readonly on?: string
  /** Only calls over this amount, or with this token. */
  readonly amount_minor?: number
  readonly token?: string
  /** How many calls; absent: for as long as the script says. */
  readonly times?: number
  readonly what: FaultKind
  /** How long `slow` takes. */
  readonly ms?: number
}
/**
 * `decline`: refused for certain. `lost_before`: the call never arrives. `lost_after`: carried out,
 * but the answer is lost. `duplicate`: arrives twice. `slow`: takes its time. `down`: nothing is
 * answered.
 */
export type FaultKind = 'decline' | 'lost_before' | 'lost_after' | 'duplicate' | 'slow' | 'down'

export type FiredFault = { readonly on: string; readonly what: FaultKind }

type Call = { readonly on: string; readonly amount_minor?: number; readonly token?: string | null }

export type FaultScript = {
  /** These faults, in place of whatever was scripted before. */
  play(faults: readonly Fault[]): void
  /** What has met a call since then: a test whose faults never came has shown nothing. */
  fired(): readonly FiredFault[]
  next(call: Call): Fault | null
}

/** What happens to a call for which nothing is scripted; null: nothing. */
export type Trouble = () => Fault | null

const BY_CHANCE = ['lost_before', 'lost_after', 'duplicate', 'slow'] as const

/** Of so many calls, from 0 to 1, something happens to the share; as on a bad line. */
export const troubleByChance =
  (share: number, chance: () => number = Math.random): Trouble =>
  () =>
    chance() < share ? { what: BY_CHANCE[Math.floor(chance() * BY_CHANCE.length)]! } : null

export function faultScript(trouble: Trouble = () => null): FaultScript {
  let script: { fault: Fault; left: number }[] = []
  let fired: FiredFault[] = []
  return {
    play(faults) {
      fired = []
      script = faults.map((fault) => ({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }))
    },
    next(call) {
      const found = script.find(({ fault, left }) => left > 0 && fits(fault, call))
      if (found !== undefined) found.left -= 1
      const fault = found === undefined ? trouble() : found.fault
      if (fault !== null && fired.length < FIRED_MAX) fired.push({ on: call.on, what: fault.what })
      return fault
    },
    fired: () => fired,
  }
}

/** A fault without an end may go on for as long as the process does. */
const FIRED_MAX = 10_000

const fits = ({ on, amount_minor, token }: Fault, call: Call): boolean =>
  (on === undefined || on === call.on) &&
  (amount_minor === undefined || amount_minor === call.amount_minor) &&
  (token === undefined || token === call.token)

const SLOW_MS = 50
const LOST = { status: 'unknown', error: 'no answer' } as const
const TOO_LATE = { status: 'unknown', error: 'it came too late' } as const

/** The answer; null: not done, because somebody was told meanwhile that it had not been. */
export type CarryOut<Answer> = (
  isDeclined: boolean,
  onTheWay?: () => Promise<unknown>,
) => Promise<Answer | null>

/** What the caller hears of a call, with the fault on the way. */
export async function played<Answer>(
  fault: Fault | null,
  carryOut: CarryOut<Answer>,
): Promise<Answer | typeof LOST | typeof TOO_LATE> {
  switch (fault?.what) {
    case 'down':
    case 'lost_before':
      return LOST
    case 'lost_after':
      await carryOut(false)
      return LOST
    case 'decline':
      return (await carryOut(true)) ?? TOO_LATE
    case 'duplicate':
      await carryOut(false)
      return (await carryOut(false)) ?? TOO_LATE
    case 'slow':
      return (await carryOut(false, () => sleep(fault.ms ?? SLOW_MS))) ?? TOO_LATE
    default:
      return (await carryOut(false)) ?? TOO_LATE
  }
}
