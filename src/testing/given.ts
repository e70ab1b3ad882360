// Given these events, when this command comes, then these are written, or it is refused with this
// code. For rules: pure, no log, no clock. Asks are answered as the gateway answers them. What is
// written and what is answered must fit its schema, so that a rule's test fails for an event that
// could not be stored, and a refusal must say something.
import assert from 'node:assert/strict'
import {
  type Accepted,
  type AnyAggregate,
  type Asked,
  type Command,
  type Given,
  type Moment,
  merged,
  type Named,
  type Ref,
  type Rejected,
  type Rejection,
  type Write,
} from '#kernel/decider.ts'
import { checkEvent } from '#kernel/event-types.ts'
import type { Claim, Fact } from '#kernel/message.ts'
import { check } from '#kernel/schema.ts'

export const NOW = '2026-03-02T10:00:00.000Z'
const ASKS_MAX = 5
const CREATED_ID = '01980000-0000-7000-8000-00000000c0de'

export type Moments = Partial<Omit<Moment, 'id'>>
export type Then = {
  /** Exactly these writes, in any order; the command's own stream first is not asked for. */
  writes(...expected: readonly Write[]): Then
  /** Accepted, and nothing is left to be done. */
  writesNothing(): Then
  answers(expected: Readonly<Record<string, unknown>>): Then
  claims(claims: readonly Claim[], releases?: readonly Claim[]): Then
  rejects(code: string, more?: Pick<Rejection, 'errors' | 'details'>): Then
  /** The accepted decision, to look at. */
  decision(): Accepted
}
export type When = {
  /** At another moment, by another sender, with other settings. */
  at(moment: Moments): When
  /** These values are claimed; nothing else is. */
  owning(...claims: readonly Claim[]): When
  when(command: Command, input: object): Then
}

/** What has happened, as writes: `given(product.write(id, [product.event(…)]))`. */
export function given(...history: readonly Write[]): When {
  return at(history, {})
}

function at(history: readonly Write[], moments: Moments, claims: readonly Claim[] = []): When {
  return {
    at: (more) => at(history, { ...moments, ...more }, claims),
    owning: (...more) => at(history, moments, [...claims, ...more]),
    when: (command, input) => {
      const past = { ...statesAfter(...history), owner: ownerIn(claims) }
      return then(command, decided(command, input, past, momentOf(moments)))
    },
  }
}

const ownerIn =
  (claims: readonly Claim[]): Given['owner'] =>
  ({ scope, value }) =>
    claims.find((claim) => claim.scope === scope && claim.value === value)?.owner ?? null

/**
 * The states after this history; everything counts as read. For pure pieces of larger decisions.
 */
export function statesAfter(...history: readonly Write[]): Given {
  const events = new Map(merged(history).map(({ stream, events }) => [stream, events]))
  return {
    state: <S>({ stream, aggregate }: Ref<S>) => folded(aggregate, events.get(stream) ?? []),
    version: ({ stream }) => events.get(stream)?.length ?? 0,
    lacking: () => [],
    owner: () => null,
  }
}

function folded<S>(aggregate: AnyAggregate<S>, facts: readonly Fact[]): S {
  return facts.reduce((state, { type, data, occurred_at = NOW }, i) => {
    const step = aggregate.evolve[type]
    if (step === undefined) throw new Error(`${aggregate.type} cannot evolve ${type}`)
    const after = step(state, data, { occurred_at, timestamp: NOW, position: i + 1 })
    // A state is kept as a snapshot: what its text loses is lost.
    assert.deepEqual(JSON.parse(JSON.stringify(after)), after, `${type} makes a state beyond JSON`)
    return after
  }, aggregate.initial)
}

function momentOf(moments: Moments): Moment {
  return {
    now: NOW,
    command_id: 'command-1',
    source: 'api',
    settings: {},
    number: 1,
    looked: [],
    blind: (scope, text) => `blind:${scope}:${text}`,
    id: (name, number = 0) => `${name}-${number}`,
    ...moments,
  }
}

type Decided = { readonly decision: Accepted | Rejected; readonly refs: readonly Ref[] }

function decided(command: Command, input: object, everything: Given, moment: Moment): Decided {
  const checked = check(command.input, input)
  if (!checked.ok) return { decision: { rejected: refusedInput(checked.errors) }, refs: [] }
  const filled =
    command.creates === undefined || command.creates in input
      ? checked.value
      : { ...checked.value, [command.creates]: CREATED_ID }
  let refs = command.reads(filled)
  for (let round = 0; round <= ASKS_MAX; round++) {
    const decision: Accepted | Asked | Rejected = command.decide(
      filled,
      onlyRead(everything, refs, command.names?.(filled) ?? []),
      moment,
    )
    if (!('ask' in decision)) return { decision, refs }
    refs = [...refs, ...decision.ask]
  }
  throw new Error(`${command.type} asked for more streams ${ASKS_MAX} times`)
}

const refusedInput = (errors: Record<string, string> | Rejection['errors']): Rejection => ({
  code: 'validation_failed',
  message: 'Some fields are not acceptable.',
  errors: errors ?? {},
})

/** As in the gateway: what was not read is not there to be looked at. */
function onlyRead(everything: Given, refs: readonly Ref[], names: readonly Named[]): Given {
  const isNamed = ({ scope, value }: Named) =>
    names.some((name) => name.scope === scope && name.value === value)
  const isRead = ({ stream, mode }: Ref) =>
    refs.some((ref) => ref.stream === stream && (mode === 'read' || ref.mode === 'write'))
  const looked = (ref: Ref) => {
    assert.ok(
      refs.some(({ stream }) => stream === ref.stream),
      `${ref.stream} was looked at without being read`,
    )
    return ref
  }
  return {
    state: <S>(ref: Ref<S>) => {
      looked(ref)
      return everything.state(ref)
    },
    version: (ref) => everything.version(looked(ref)),
    owner: (name) => {
      assert.ok(isNamed(name), `${name.scope} ${name.value} was looked up without being named`)
      return everything.owner(name)
    },
    lacking: (wanted) => [
      ...new Map(wanted.filter((ref) => !isRead(ref)).map((ref) => [ref.stream, ref])).values(),
    ],
  }
}

function then(command: Command, { decision, refs }: Decided): Then {
  const accepted = (): Accepted => {
    if ('rejected' in decision) assert.fail(`refused: ${JSON.stringify(decision.rejected)}`)
    checkWritten(decision.writes, refs)
    const answered = check(command.answer, decision.response)
    assert.ok(answered.ok, `${command.type} answers in another shape: ${JSON.stringify(answered)}`)
    return decision
  }
  const self: Then = {
    writes(...expected) {
      assert.deepEqual(byStream(accepted().writes), byStream(expected))
      return self
    },
    writesNothing() {
      assert.deepEqual(byStream(accepted().writes), {})
      return self
    },
    answers(expected) {
      const { response } = accepted()
      const named = Object.keys(expected).map((key) => [key, response[key]])
      assert.deepEqual(Object.fromEntries(named), expected)
      return self
    },
    claims(claims, releases = []) {
      const { claims: claimed = [], releases: released = [] } = accepted()
      assert.deepEqual({ claimed, released }, { claimed: claims, released: releases })
      return self
    },
    rejects(code, more = {}) {
      if (!('rejected' in decision)) assert.fail(`accepted: ${JSON.stringify(decision.writes)}`)
      const { rejected } = decision
      assert.equal(rejected.code, code, JSON.stringify(rejected))
      assert.match(rejected.message, /^[A-Z].*\.$/, `${code} says nothing`)
      if (more.errors !== undefined) assert.deepEqual({ ...rejected.errors }, more.errors)
      if (more.details !== undefined) assert.deepEqual(rejected.details, more.details)
      return self
    },
    decision: accepted,
  }
  return self
}

const byStream = (writes: readonly Write[]) =>
  Object.fromEntries(merged(writes).map(({ stream, events }) => [stream, events]))

function checkWritten(writes: readonly Write[], refs: readonly Ref[]): void {
  for (const { stream, events } of writes) {
    const ref = refs.find((one) => one.stream === stream)
    assert.ok(ref, `${stream} was written without being read`)
    for (const { type, data } of events) checkEvent(ref.aggregate.events, type, data)
  }
}

/** A command by its name, among these. */
export const commandIn =
  (commands: readonly Command[]) =>
  (type: string): Command => {
    const found = commands.find((one) => one.type === type)
    assert(found !== undefined, `there is no command ${type}`)
    return found
  }

export type Step = readonly [type: string, input: object]

/** Asks commands by their types, one after the other, where these claims are held. */
export function asking(command: (type: string) => Command, claims: readonly Claim[]) {
  const whenAt = (history: readonly Write[], moments: Moments, ...[type, input]: Step): Then =>
    given(...history)
      .owning(...claims)
      .at(moments)
      .when(command(type), input)
  const when = (history: readonly Write[], ...step: Step): Then => whenAt(history, {}, ...step)
  /** The history with what these commands write. */
  const after = (history: readonly Write[], steps: readonly Step[], moments: Moments = {}) => {
    const all = [...history]
    for (const step of steps) all.push(...whenAt(all, moments, ...step).decision().writes)
    return all
  }
  return { whenAt, when, after }
}
