// The moment of one command: what its decision may know beside states and input. Made once, so that
// every try decides with the same ids.
import { hash, randomUUIDv7 } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Command, Moment, ShopSettings } from '#kernel/decider.ts'
import type { Instant } from '#kernel/message.ts'
import type { SendMeta } from '#kernel/waiting.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { Unavailable } from '#storage/unavailable.ts'
import type { Numbers } from './number-series.ts'
import { isBlind, type PersonalData } from './personal.ts'

type Asking = {
  readonly command: Command
  readonly input: Readonly<Record<string, unknown>>
  readonly id: string
  readonly meta: SendMeta
}
type Tools = {
  readonly now: () => Instant
  readonly numbers: Numbers
  readonly settings: ShopSettings
  readonly personal: Pick<PersonalData, 'blinder'>
  readonly reads?: Pick<ReadModels, 'find'>
}

export async function momentOf({ command, input, id, meta }: Asking, tools: Tools) {
  const ids = new Map<string, string>()
  const moment: Moment = {
    now: tools.now(),
    command_id: id,
    source: meta.source ?? 'api',
    settings: tools.settings,
    number: command.numbered === undefined ? 0 : await tools.numbers.next(command.numbered),
    looked: await lookedFor(command, input, tools.reads),
    blind: command.blinds === true ? await tools.personal.blinder() : noBlinder(command),
    ...(meta.user_id === undefined ? {} : { user_id: meta.user_id }),
    ...(meta.occurred_at === undefined ? {} : { occurred_at: meta.occurred_at }),
    id(name, number = 0) {
      const key = `${name}:${number}`
      const made = ids.get(key) ?? randomUUIDv7()
      ids.set(key, made)
      return made
    },
  }
  return moment
}

/** What a repeat is known by. A plain hash of an address would tell it to whoever guesses it. */
export type Fingerprint = {
  readonly stored: string
  /** Whether a record's fingerprint is of the same command and input. */
  readonly fits: (recorded: string) => boolean
}
export async function fingerprintOf(
  { type }: Command,
  input: Asking['input'],
  { blinder }: Tools['personal'],
): Promise<Fingerprint> {
  const asked = canonicalize({ type, input })!
  const stored = (await blinder())('command', asked)
  // Before every command was blinded, most were hashed as they are: such records stay repeatable.
  const fits = (recorded: string) =>
    recorded === stored || (!isBlind(recorded) && recorded === hash('sha256', asked, 'base64url'))
  return { stored, fits }
}

const noBlinder =
  ({ type }: Command) =>
  (): never => {
    throw new Error(`${type} blinds something without saying so (blinds: true)`)
  }

async function lookedFor(
  { looks, type }: Command,
  input: Asking['input'],
  reads: Tools['reads'],
): Promise<Moment['looked']> {
  if (looks === undefined) return []
  if (reads === undefined)
    throw new Unavailable(`${type} looks into read models: ask a process with the role query`)
  return await Promise.all(
    looks(input).map(
      async ({ projection, find }) => (await reads.find(projection.table, find)).items,
    ),
  )
}
