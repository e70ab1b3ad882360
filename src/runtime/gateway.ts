// One door for commands: check, queue per stream, load, decide, append, and again if somebody was
// faster. The same command id has one effect and one answer, however often and whenever it comes.
import { randomUUIDv7 } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Accepted,
  type Command,
  type Decision,
  type Given,
  type Moment,
  merged,
  type Ref,
  type Rejection,
  type ShopSettings,
} from '#kernel/decider.ts'
import { checkEvent, type EventTypes, versionOf } from '#kernel/event-types.ts'
import { type Claim, type Instant, type Metadata, partsOf, type Recorded } from '#kernel/message.ts'
import { check } from '#kernel/schema.ts'
import type { Outcome, Send, SendMeta } from '#kernel/waiting.ts'
import type { Append, CommandRecord, EventLog, NewEvent, Verdict } from '#storage/event-log.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { claimOwners } from './claim-owners.ts'
import { type Fingerprint, fingerprintOf, momentOf } from './moment.ts'
import type { Numbers } from './number-series.ts'
import { isBlind, type PersonalData } from './personal.ts'
import { type StreamQueues, streamQueues } from './stream-queues.ts'
import { type Known, type StreamStates, streamStates } from './stream-states.ts'

export type GatewayParts = {
  readonly log: EventLog
  readonly commands: readonly Command[]
  readonly types: EventTypes
  readonly personal: PersonalData
  readonly numbers: Numbers
  readonly now: () => Instant
  readonly settings: ShopSettings
  /** For commands that look into read models; without it they are refused. */
  readonly reads?: Pick<ReadModels, 'find'>
  readonly snapshotEvery?: number
  readonly statesMax?: number
  /** Decisions that lost a race are made anew this often, then given up. */
  readonly attemptsMax?: number
}
export type CommandGateway = { readonly send: Send }

const ATTEMPTS_MAX = 20
const ASKS_MAX = 5
const JITTER_MS = 5

export function commandGateway(parts: GatewayParts): CommandGateway {
  const commands = new Map(parts.commands.map((command) => [command.type, command]))
  const options = {
    ...(parts.snapshotEvery === undefined ? {} : { snapshotEvery: parts.snapshotEvery }),
    ...(parts.statesMax === undefined ? {} : { statesMax: parts.statesMax }),
  }
  const tools: Tools = {
    ...parts,
    queues: streamQueues(),
    states: streamStates(parts.log, parts.types, options),
  }
  /** Commands under way, by the id that their sender gave. */
  const underWay = new Map<string, Promise<unknown>>()

  const send: Send = async (type, input, meta = {}) => {
    const command = commands.get(type)
    if (command === undefined) return no('unknown_type', `There is no command ${type}.`)
    const checked = check(command.input, input)
    if (!checked.ok)
      return no('validation_failed', `${type} has fields that are not acceptable.`, checked.errors)
    const task = await taskOf(command, checked.value as Fields, meta, tools)
    if (meta.command_id === undefined) return await carryOut(task, tools)

    // A second copy waits for the first; whatever came of it, the log's record then tells.
    for (;;) {
      const first = underWay.get(task.id)
      if (first === undefined) break
      await first.catch(() => undefined)
    }
    const going = carryOut(task, tools)
    underWay.set(task.id, going)
    try {
      return await going
    } finally {
      underWay.delete(task.id)
    }
  }
  return { send }
}

type Tools = GatewayParts & { readonly queues: StreamQueues; readonly states: StreamStates }

type Fields = Readonly<Record<string, unknown>>

/** A command, made ready: what stays the same at every try. */
type Task = {
  readonly command: Command
  readonly input: Fields
  readonly id: string
  readonly fingerprint: Fingerprint
  readonly meta: SendMeta
  readonly moment: Moment
}

async function taskOf(
  command: Command,
  given: Fields,
  meta: SendMeta,
  tools: Tools,
): Promise<Task> {
  const id = meta.command_id ?? randomUUIDv7()
  // What the sender asked, before anything is filled in: a repeat has the same.
  const fingerprint = await fingerprintOf(command, given, tools.personal)
  const input =
    command.creates === undefined || command.creates in given
      ? given
      : { ...given, [command.creates]: randomUUIDv7() }
  const moment = await momentOf({ command, input, id, meta }, tools)
  return { command, input, id, fingerprint, meta, moment }
}

async function carryOut(task: Task, tools: Tools): Promise<Outcome> {
  const { attemptsMax = ATTEMPTS_MAX } = tools
  let fresh = false
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const outcome = await attemptOnce(task, tools, fresh)
    if (outcome !== 'again') return outcome
    fresh = true
    if (attempt > 1) await sleep(Math.random() * JITTER_MS * attempt)
  }
  return no(
    'concurrency_conflict',
    `Others kept changing the same things; ${attemptsMax} tries failed.`,
  )
}

/** `fresh`: decided on the log as it is; otherwise what is remembered will do for a first try. */
async function attemptOnce(task: Task, tools: Tools, fresh: boolean): Promise<Outcome | 'again'> {
  let refs = task.command.reads(task.input)
  const owner = await claimOwners(task, tools.log)
  for (let round = 0; round <= ASKS_MAX; round++) {
    const release = await tools.queues.hold(refs)
    try {
      const { states: known, remembered } = await tools.states.load(refs, fresh)
      // Where others write too, a refusal on memory alone is a guess; the append checks the rest.
      const isGuess = remembered && tools.log.capabilities.manyProcesses
      const conflict = versionConflict(task, refs, known)
      if (conflict !== null) return isGuess ? 'again' : await rejected(conflict, task, tools)
      const decision = decidedOn(isGuess, () => decide(task, refs, known, owner))
      if (decision === 'again') return 'again'
      if ('ask' in decision) {
        refs = [...refs, ...decision.ask]
        continue
      }
      if ('rejected' in decision)
        return isGuess ? 'again' : await rejected(decision.rejected, task, tools)
      return await append(decision, refs, known, task, tools)
    } finally {
      release()
    }
  }
  throw new Error(`${task.command.type} asked for more streams ${ASKS_MAX} times`)
}

/** States remembered from different moments may contradict each other; the log's do not. */
function decidedOn(isGuess: boolean, decide: () => Decision): Decision | 'again' {
  try {
    return decide()
  } catch (error) {
    if (isGuess) return 'again'
    throw error
  }
}

function versionConflict(
  { meta: { expected_version } }: Task,
  [own]: readonly Ref[],
  known: ReadonlyMap<string, Known>,
): Rejection | null {
  if (expected_version === undefined || own === undefined) return null
  const current = known.get(own.stream)?.version ?? 0
  return current === expected_version ? null : conflictAt(expected_version, current)
}

const conflictAt = (expected: number, current: number): Rejection => ({
  code: 'concurrency_conflict',
  message: `It was changed meanwhile: you expected version ${expected}, it is at ${current}.`,
  details: { current_version: current },
})

function decide(
  task: Task,
  refs: readonly Ref[],
  known: ReadonlyMap<string, Known>,
  owner: Given['owner'],
): Decision {
  const read = (ref: Ref): Known => {
    const state = known.get(ref.stream)
    if (state === undefined) throw new Error(`${task.command.type} did not read ${ref.stream}`)
    return state
  }
  const given: Given = {
    // A stream's state was folded by the aggregate that its ref names.
    state: <S>(ref: Ref<S>) => read(ref).state as S,
    version: (ref) => read(ref).version,
    owner,
    lacking: (wanted) => {
      const missing = wanted.filter(
        ({ stream, mode }) =>
          !known.has(stream) ||
          (mode === 'write' && !refs.some((ref) => ref.stream === stream && ref.mode === 'write')),
      )
      return [...new Map(missing.map((ref) => [ref.stream, ref])).values()]
    },
  }
  return task.command.decide(task.input, given, task.moment)
}

/** A refusal is not stored; but if this very command was carried out before, its answer stands. */
async function rejected(rejection: Rejection, task: Task, tools: Tools): Promise<Outcome> {
  if (task.meta.command_id !== undefined) {
    const record = await tools.log.commandRecord(task.id)
    if (record !== null) return replayed(record, task)
  }
  return { ok: false, rejection }
}

async function append(
  decision: Accepted,
  refs: readonly Ref[],
  known: ReadonlyMap<string, Known>,
  task: Task,
  tools: Tools,
): Promise<Outcome | 'again'> {
  const events = await eventsOf(decision, task, tools)
  const request = requestOf(decision, events, refs, known, task)
  const verdict = await tools.log.append(request).catch((error) => {
    // Written or not: what is remembered of these streams may be old by now.
    tools.states.doubt(refs.map(({ stream }) => stream))
    throw error
  })
  if (!verdict.ok) return refused(verdict, task, tools, refs)
  advance(request, verdict, refs, known, tools.states)
  return {
    ok: true,
    response: decision.response,
    position: verdict.position,
    version: verdict.versions[0] ?? 0,
    replayed: false,
  }
}

type Prepared = { readonly stream: string; readonly events: readonly NewEvent[] }

/** Checked against their schemas, personal fields sealed, with ids and where they come from. */
async function eventsOf(
  { writes }: Accepted,
  task: Task,
  { types, personal }: Tools,
): Promise<readonly Prepared[]> {
  const metadata: Metadata = {
    correlation_id: task.meta.correlation_id ?? task.id,
    causation_id: task.meta.causation_id ?? task.id,
    command_id: task.id,
    ...(task.meta.user_id === undefined ? {} : { user_id: task.meta.user_id }),
    source: task.moment.source,
  }
  const facts = merged(writes).flatMap(({ stream, events }) =>
    events.map((fact) => {
      const type = checkEvent(types, fact.type, fact.data)
      return { ...fact, stream, event_id: randomUUIDv7(), event_version: versionOf(type) }
    }),
  )
  const byStream = new Map<string, NewEvent[]>()
  for (const fact of await personal.seal(facts)) {
    const event: NewEvent = {
      event_id: fact.event_id,
      event_type: fact.type,
      event_version: fact.event_version,
      data: fact.data,
      metadata,
      ...(fact.occurred_at === undefined ? {} : { occurred_at: fact.occurred_at }),
    }
    const list = byStream.get(fact.stream)
    if (list === undefined) byStream.set(fact.stream, [event])
    else list.push(event)
  }
  return [...byStream].map(([stream, events]) => ({ stream, events }))
}

/**
 * Each written stream at the version it was read at; what was only relied on goes along as a check.
 */
function requestOf(
  { claims, releases, response }: Accepted,
  written: readonly Prepared[],
  refs: readonly Ref[],
  known: ReadonlyMap<string, Known>,
  { id, fingerprint }: Task,
): Append {
  const expectedOf = (stream: string) => known.get(stream)?.version || 'none'
  const own = refs[0]?.stream
  const streams = new Map(written.map((write) => [write.stream, write.events]))
  // The command's own stream comes first: its version is the one that is answered.
  const order = new Set(own === undefined ? [] : [own])
  for (const { stream } of written) order.add(stream)
  for (const { stream } of refs) order.add(stream)
  return {
    writes: [...order].map((stream) => ({
      stream,
      expected: expectedOf(stream),
      events: streams.get(stream) ?? [],
    })),
    ...(claims === undefined ? {} : { claims }),
    ...(releases === undefined ? {} : { releases }),
    command: { id, fingerprint: fingerprint.stored, response },
  }
}

async function refused(
  verdict: Exclude<Verdict, { ok: true }>,
  task: Task,
  { states }: Tools,
  refs: readonly Ref[],
): Promise<Outcome | 'again'> {
  switch (verdict.reason) {
    case 'repeated':
    case 'reused':
      states.doubt(refs.map(({ stream }) => stream))
      return replayed(verdict.record, task)
    case 'claimed':
      // The decision asked who has it, and somebody took it since: it asks again.
      if (asksFor(task, verdict.claim)) return 'again'
      return { ok: false, rejection: taken(verdict.claim) }
    case 'conflict': {
      states.doubt(refs.map(({ stream }) => stream))
      const expected = task.meta.expected_version
      if (expected === undefined || verdict.stream !== refs[0]?.stream) return 'again'
      return { ok: false, rejection: conflictAt(expected, verdict.actual) }
    }
  }
}

const asksFor = ({ command, input }: Task, { scope, value }: Pick<Claim, 'scope' | 'value'>) =>
  (command.names?.(input) ?? []).some((name) => name.scope === scope && name.value === value)

function taken({ scope, value }: Pick<Claim, 'scope' | 'value'>): Rejection {
  const what = scope.replaceAll('_', ' ')
  // What was blinded says nothing to anybody.
  if (isBlind(value))
    return { code: 'already_exists', message: `This ${what} is taken.`, details: { scope } }
  const message = `${what} ${value} is taken.`
  return { code: 'already_exists', message, details: { scope, value } }
}

function replayed(record: CommandRecord, task: Task): Outcome {
  if (!task.fingerprint.fits(record.fingerprint))
    return no('idempotency_key_reused', 'This key was used for another request; take a new one.')
  return {
    ok: true,
    // Bodies are dropped after a while; that it was done, and where, stays.
    response: (record.response ?? {}) as Readonly<Record<string, unknown>>,
    position: record.position,
    version: record.version,
    replayed: true,
  }
}

/** What was acknowledged becomes the known state, without reading it back. */
function advance(
  { writes }: Append,
  verdict: Extract<Verdict, { ok: true }>,
  refs: readonly Ref[],
  known: ReadonlyMap<string, Known>,
  states: StreamStates,
): void {
  const byStream = new Map(refs.map((ref) => [ref.stream, ref]))
  let position = verdict.first
  for (const { stream, events } of writes) {
    const ref = byStream.get(stream)
    const before = known.get(stream)
    const recorded = events.map(
      (event, i): Recorded => ({
        ...event,
        ...partsOf(stream),
        position: position + i,
        version: (before?.version ?? 0) + i + 1,
        occurred_at: event.occurred_at ?? verdict.timestamp,
        timestamp: verdict.timestamp,
      }),
    )
    position += events.length
    // A stream written without having been read is new; the next decision reads it.
    if (ref !== undefined && before !== undefined && events.length > 0)
      states.advance(ref, before, recorded)
  }
}

function no(code: string, message: string, errors?: Rejection['errors']): Outcome {
  return { ok: false, rejection: { code, message, ...(errors === undefined ? {} : { errors }) } }
}
