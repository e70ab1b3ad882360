// The saga's book: what its events make of it, and that it always knows its next action.
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { later } from '#kernel/instants.ts'
import type { Fact, Recorded } from '#kernel/message.ts'
import {
  awaits,
  currentStep,
  failedTry,
  nextAttemptAt,
  type Saga,
  type SagaState,
  saga,
  stepStatus,
  stepsToUndo,
  triedAgain,
} from '#kernel/saga.ts'
import { type SagaRow, sagaInstances, sagaSteps } from '#kernel/saga-instances.ts'
import type { WaitingTools } from '#kernel/waiting.ts'
import { assertNamesColumns, assertRowsFit } from '#testing/table-rows.ts'

const NOW = '2026-03-02T10:00:00.000Z'
const LATER = '2026-03-02T11:00:00.000Z'
const id = { saga_id: 's-1' }
const settings = { 'retry.base_ms': 1_000, 'retry.factor': 2, 'retry.max_ms': 10_000 }

const started = saga.event('SagaStarted', {
  ...id,
  saga_type: 'Trip',
  subject_id: 's-1',
  steps: ['flight', 'hotel', 'car'],
  deadline_at: LATER,
})
const begin = (step: string, operation_id: string | null, more: object = {}) =>
  saga.event('SagaStepStarted', { ...id, step, operation_id, next_attempt_at: NOW, ...more })
const succeed = (step: string) => saga.event('SagaStepSucceeded', { ...id, step })
const undo = saga.event('SagaCompensationStarted', { ...id, reason: 'rain', by: null })
const undone = (step: string) => saga.event('SagaStepCompensated', { ...id, step })

function after(...facts: readonly Fact[]): SagaState {
  const state = facts.reduce<Saga>((before, { type, data }) => {
    const evolve = saga.evolve[type as keyof typeof saga.events]
    return evolve(before, data as never, { occurred_at: NOW, timestamp: NOW, position: 1 })
  }, null)
  ok(state !== null)
  return state
}

describe('a saga', () => {
  it('goes through its steps to the end', () => {
    const state = after(
      started,
      begin('flight', 'f-1'),
      succeed('flight'),
      begin('hotel', 'h-1'),
      succeed('hotel'),
      succeed('car'),
      saga.event('SagaCompleted', { ...id, outcome: 'completed' }),
    )
    deepEqual(
      state.steps.map(({ status }) => status),
      ['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'],
    )
    deepEqual(
      [state.status, state.outcome, state.next_attempt_at],
      ['COMPLETED', 'completed', null],
    )
  })
  it('awaits the outcome of its current operation and no other', () => {
    const state = after(started, begin('flight', 'f-1'))
    deepEqual(
      [awaits(state, 'f-1'), awaits(state, 'f-0'), awaits(null, 'f-1')],
      [true, false, false],
    )
    equal(awaits(after(started, begin('flight', 'f-1'), succeed('flight')), 'f-1'), false)
  })
  it('undoes what ran and what may have run, the last first', () => {
    const state = after(
      started,
      begin('flight', 'f-1'),
      succeed('flight'),
      begin('hotel', 'h-1'),
      undo,
    )
    deepEqual(stepsToUndo(state), ['hotel', 'flight'])
    equal(stepStatus(state, 'car'), 'SKIPPED')
  })
  it('has nothing to undo of a step that only waited for somebody', () => {
    const waits = begin('hotel', null, { waiting_for: 'a choice', next_attempt_at: null })
    const state = after(started, begin('flight', 'f-1'), succeed('flight'), waits, undo)
    deepEqual(stepsToUndo(state), ['flight'])
    equal(state.waiting_for, null)
  })
  it('has nothing left to undo when all is undone', () => {
    const state = after(started, begin('flight', 'f-1'), succeed('flight'), undo, undone('flight'))
    deepEqual(stepsToUndo(state), [])
  })
  it('does not undo a step that failed for good', () => {
    const failed = saga.event('SagaStepFailed', {
      ...id,
      step: 'flight',
      attempt: 1,
      error: 'full',
      next_attempt_at: null,
    })
    const state = after(started, begin('flight', 'f-1'), failed, undo)
    deepEqual(stepsToUndo(state), [])
    equal(stepStatus(state, 'flight'), 'FAILED')
  })
  it('can be undone after it was completed', () => {
    const done = saga.event('SagaCompleted', { ...id, outcome: 'completed' })
    const state = after(started, succeed('flight'), succeed('hotel'), succeed('car'), done, undo)
    deepEqual([state.status, state.outcome], ['COMPENSATING', null])
    deepEqual(stepsToUndo(state), ['car', 'hotel', 'flight'])
  })
  it('always knows its next action until it has ended', () => {
    const running = [started, begin('flight', 'f-1')]
    const failing = after(...running)
    const retry = failedTry('s-1', failing, 'time-out', { now: NOW, settings })
    for (const facts of [
      [started],
      running,
      [...running, retry],
      [...running, succeed('flight')],
    ]) {
      const { next_attempt_at, deadline_at, needs_attention } = after(...facts)
      ok(next_attempt_at !== null || deadline_at !== null || needs_attention)
    }
  })
  it('keeps operation and input when the same call is tried again, and counts the tries', () => {
    const input = { seat: '12A' }
    const facts: Fact[] = [started, begin('flight', 'f-1', { input })]
    for (const attempt of [1, 2]) {
      facts.push(failedTry('s-1', after(...facts), 'time-out', { now: NOW, settings }))
      equal(after(...facts).attempts, attempt)
    }
    facts.push(triedAgain('s-1', after(...facts), NOW))
    const state = after(...facts)
    deepEqual([state.operation_id, state.input, state.attempts], ['f-1', input, 2])
    deepEqual([state.next_attempt_at, currentStep(state)], [NOW, 'flight'])
  })
  it('waits longer each time, up to a limit', () => {
    const pauses = [1, 2, 3, 4, 5, 6].map(
      (attempt) => Date.parse(nextAttemptAt({ now: NOW, settings }, attempt)) - Date.parse(NOW),
    )
    deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
    equal(later(NOW, 1_500), '2026-03-02T10:00:01.500Z')
  })
  it('tells somebody after so many failed tries, and goes on trying', () => {
    const moment = { now: NOW, settings: { ...settings, 'saga.alarm_after': 2 } }
    const facts: Fact[] = [started, begin('flight', 'f-1')]
    facts.push(failedTry('s-1', after(...facts), 'time-out', moment))
    equal(after(...facts).needs_attention, false)
    facts.push(failedTry('s-1', after(...facts), 'time-out', moment))
    const state = after(...facts)
    ok(state.needs_attention && state.next_attempt_at !== null)
    equal(after(...facts, succeed('flight')).needs_attention, false)
  })
  it('refuses to move before it was started, and a step that it does not have', () => {
    throws(() => after(succeed('flight')), /never started/)
    throws(() => after(started, succeed('boat')), /no step boat/)
  })
})

describe('the row of a saga', () => {
  const recorded = (fact: Fact, version: number): Recorded => ({
    position: version,
    event_id: `e-${version}`,
    aggregate_type: 'saga',
    aggregate_id: 's-1',
    version,
    event_type: fact.type,
    event_version: 1,
    data: fact.data,
    metadata: {},
    occurred_at: NOW,
    timestamp: NOW,
  })
  const rowAfter = (...facts: readonly Fact[]) =>
    facts.reduce<SagaRow | undefined>((row, fact, i) => {
      const handler = sagaInstances.on[fact.type]
      ok(handler !== undefined, fact.type)
      return handler.apply(row as never, recorded(fact, i + 1), 's-1') as unknown as SagaRow
    }, undefined)

  it('says when the saga acts next, and has what the call needs', () => {
    const row = rowAfter(started, begin('flight', 'f-1', { input: { seat: '12A' } }))
    deepEqual(
      [row?.next_attempt_at, row?.current_step_name, row?.state.input, row?.version],
      [NOW, 'flight', { seat: '12A' }, 2],
    )
  })
  it('fits its table, with all that is known and with nothing known', () => {
    const failed = failedTry('s-1', after(started, begin('flight', 'f-1')), 'full', {
      now: NOW,
      settings: { 'saga.alarm_after': 1 },
    })
    const busy = rowAfter(started, begin('flight', 'f-1', { waiting_for: 'airline' }), failed)
    const done = rowAfter(started, saga.event('SagaCompleted', { ...id, outcome: 'completed' }))
    const turned = rowAfter(started, undo)
    ok(busy && done && turned)
    assertRowsFit(sagaInstances, busy, done, turned)
    deepEqual(
      [busy.waiting_for, busy.attempts, busy.last_error, busy.needs_attention, busy.deadline_at],
      ['airline', 1, 'full', true, LATER],
    )
    deepEqual([busy.saga_id, busy.saga_type, busy.subject_id], ['s-1', 'Trip', 's-1'])
    deepEqual([done.status, done.outcome, turned.reason], ['COMPLETED', 'completed', 'rain'])
  })
  it('was created with its first event and updated with its last', () => {
    const at = (fact: Fact, version: number, timestamp: string) => ({
      ...recorded(fact, version),
      timestamp,
    })
    const apply = sagaInstances.on.SagaStarted!.apply
    const first = apply(undefined, at(started, 1, NOW), 's-1')
    const then = apply(first as never, at(begin('flight', 'f-1'), 2, LATER), 's-1')
    const { created_at, updated_at, version } = then as unknown as SagaRow
    deepEqual([created_at, updated_at, version], [NOW, LATER, 2])
  })
  it('is one row per saga, found by when it is due, made of its own stream', () => {
    deepEqual(sagaInstances.on.SagaStarted!.keys(recorded(started, 1)), ['s-1'])
    deepEqual(Object.keys(sagaInstances.on), Object.keys(saga.events))
    deepEqual(sagaInstances.sources?.('s-1', undefined), ['saga-s-1'])
    deepEqual([sagaInstances.name, sagaInstances.table.key], ['saga_instances', 'saga_id'])
    assertNamesColumns(sagaInstances)
    const { due, name, projection } = sagaSteps({})
    equal(projection, sagaInstances)
    equal(name, 'saga-steps')
    ok(sagaInstances.table.indexes?.some(([first]) => first === due))
    deepEqual(
      sagaInstances.table.indexes?.map((columns) => columns.length),
      [1, 2, 2],
    )
  })
  it('is handed to whoever carries out sagas of its type', async () => {
    const row = rowAfter(started, begin('flight', 'f-1'))
    const seen: string[] = []
    const steps = sagaSteps({
      Trip: async ({ saga_id }) => {
        seen.push(saga_id)
      },
    })
    // The act under test uses none of the tools.
    const tools = {} as WaitingTools
    await steps.act(row as never, tools)
    deepEqual(seen, ['s-1'])
    const other = sagaSteps({}).act(row as never, tools)
    equal(await other.then(() => 'done', String), 'Error: nobody carries out sagas of type Trip')
  })
})
