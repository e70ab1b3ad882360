// `daybook simulate`: the shop's own runtime in a world made of a seed, many times over.
import { BREAKS, isBreak } from '#simulation/breaks.ts'
import {
  account,
  missed,
  progress,
  type Simulation,
  simulate,
  summary,
} from '#simulation/simulate.ts'
import type { Shop } from '#simulation/world.ts'
import { seedOfRun } from '#testing/random.ts'
import { contextsOf, typesOf } from './contexts.ts'
import { fencedProviders } from './fenced-providers.ts'

export type SimulateFlags = {
  readonly seed?: number
  readonly histories?: number
  readonly seconds?: number
  readonly trace?: boolean
  readonly break?: string
}

/** The shop as this program composes it. */
export const shop: Shop = { contextsOf, typesOf, fencedProviders }

const SECONDS = 60
const TOLD_EACH_MS = 1_000

export async function runSimulation(flags: SimulateFlags): Promise<void> {
  const { trace = false } = flags
  const brokenPart = breakOf(flags.break)
  const seed = flags.seed ?? seedOfRun()
  const isBounded = flags.histories !== undefined
  const all = await simulate({
    shop,
    seed,
    brokenPart,
    traced: trace,
    histories: flags.histories ?? Number.POSITIVE_INFINITY,
    seconds: flags.seconds ?? (isBounded ? Number.POSITIVE_INFINITY : SECONDS),
    onHistory: teller(),
  })
  const [failure] = all.failures
  if (trace && all.last !== null) say(all.last.trace.join('\n'))
  say(`seeds from ${seed}`)
  say(summary(all))
  if (failure !== undefined) say(account(failure, brokenPart))
  const never = failure === undefined ? missed(all) : []
  for (const what of never) say(`it never happened that ${what}`)
  if (failure === undefined && never.length === 0) say('every promise was kept')
  else process.exitCode = 1
}

function breakOf(name: string | undefined) {
  if (name === undefined) return null
  if (isBreak(name)) return name
  throw new Error(`--break takes one of ${Object.keys(BREAKS).join(', ')}, not ${name}`)
}

const say = (text: string) => void process.stdout.write(`${text}\n`)

/** On a terminal one line that changes; elsewhere nothing until the end. */
function teller() {
  let told = 0
  return (soFar: Simulation) => {
    if (!process.stderr.isTTY || soFar.tookMs - told < TOLD_EACH_MS) return
    told = soFar.tookMs
    process.stderr.write(`\r${progress(soFar)}\u001b[K`)
  }
}
