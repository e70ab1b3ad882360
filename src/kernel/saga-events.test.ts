// Each event of a saga: what it may hold, and the whole state that it leaves.
import { deepEqual, equal, throws } from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertLimits, atLeast, type Limits, upTo } from '#testing/field-limits.ts'
import type { Fact } from './message.ts'
import {
  currentStep,
  failedTry,
  isAlarming,
  nextAttemptAt,
  numberIn,
  type Saga,
  type SagaState,
  saga,
  stepStatus,
  stepsToUndo,
  triedAgain,
} from './saga.ts'

const NOW = '2026-03-02T10:00:00.000Z'
const LATER = '2026-03-02T11:00:00.000Z'
const id = { saga_id: 's-1' }
const FACTS = { occurred_at: NOW, timestamp: NOW, position: 1 }

const step = (state: Saga, { type, data }: Fact): Saga =>
  saga.evolve[type as keyof typeof saga.events](state, data as never, FACTS)
// Every history here begins with a start, after which there is a state.
const after = (...facts: readonly Fact[]): SagaState => facts.reduce(step, null)!

const started = saga.event('SagaStarted', {
  ...id,
  saga_type: 'Trip',
  subject_id: 'trip-1',
  steps: ['flight', 'hotel'],
  deadline_at: LATER,
})
const begin = (name: string, operation_id: string | null, more: object = {}) =>
  saga.event('SagaStepStarted', { ...id, step: name, operation_id, next_attempt_at: NOW, ...more })
const succeed = (name: string) => saga.event('SagaStepSucceeded', { ...id, step: name })
const fail = (name: string, more: object = {}) =>
  saga.event('SagaStepFailed', {
    ...id,
    step: name,
    attempt: 3,
    error: 'full',
    next_attempt_at: null,
    ...more,
  })
const undo = saga.event('SagaCompensationStarted', { ...id, reason: 'rain', by: null })
const undone = (name: string) => saga.event('SagaStepCompensated', { ...id, step: name })

const idle = {
  operation_id: null,
  input: null,
  attempts: 0,
  waiting_for: null,
  next_attempt_at: null,
}
const fresh: SagaState = {
  saga_type: 'Trip',
  subject_id: 'trip-1',
  status: 'RUNNING',
  outcome: null,
  reason: null,
  steps: [
    { name: 'flight', status: 'PENDING' },
    { name: 'hotel', status: 'PENDING' },
  ],
  current_step: 0,
  ...idle,
  deadline_at: LATER,
  needs_attention: false,
  last_error: null,
}
const statuses = ({ steps }: SagaState) => steps.map(({ status }) => status)

describe('what an event of a saga may hold', () => {
  const at = { step: 'flight' }
  const name: Limits = { step: upTo(100) }
  const samples: Readonly<Record<keyof typeof saga.events, readonly [object, Limits]>> = {
    SagaStarted: [
      started.data as object,
      {
        saga_type: upTo(100),
        steps: [
          [['x'], Array(50).fill('x'), ['x'.repeat(100)]],
          [[], Array(51).fill('x'), ['x'.repeat(101)]],
        ],
      },
    ],
    SagaStepStarted: [
      { ...id, ...at, operation_id: null, next_attempt_at: null },
      {
        ...name,
        compensation: [[true, false], [1]],
        operation_id: [['f-1'], ['no id']],
        input: [[{ seat: '12A' }], ['12A']],
        waiting_for: upTo(100),
        next_attempt_at: [[NOW], ['soon']],
        deadline_at: [[NOW], ['soon']],
        attempts: atLeast(0),
      },
    ],
    SagaStepSucceeded: [{ ...id, ...at }, name],
    SagaStepFailed: [
      { ...id, ...at, attempt: 1, error: 'full', next_attempt_at: null },
      {
        ...name,
        compensation: [[true], [1]],
        attempt: atLeast(1),
        error: upTo(1_000),
        next_attempt_at: [[NOW], ['soon']],
        needs_attention: [[true], [1]],
      },
    ],
    SagaCompensationStarted: [
      { ...id, reason: 'rain', by: null },
      { reason: upTo(1_000), by: [['ada'], ['']] },
    ],
    SagaStepCompensated: [
      { ...id, ...at },
      { ...name, note: upTo(1_000) },
    ],
    SagaCompleted: [{ ...id, outcome: 'completed' }, { outcome: [[], ['', 'compensated']] }],
    SagaFailed: [
      { ...id, outcome: 'compensated', reason: 'rain' },
      { outcome: [['needs_attention'], ['', 'completed']], reason: upTo(1_000) },
    ],
    SagaResolved: [
      { ...id, step: null, reason: 'sent back', by: 'ada' },
      { ...name, reason: upTo(1_000), by: [['b'], ['']] },
    ],
  }
  for (const [type, [sample, limits]] of Object.entries(samples))
    it(type, () =>
      assertLimits(saga.events[type as keyof typeof samples].data, sample, {
        saga_id: [['order-1'], ['', 'no id', 1]],
        ...limits,
      }),
    )
  it('goes into a stream of its own', () => {
    equal(saga.at('s-1').stream, 'saga-s-1')
    equal(saga.initial, null)
  })
})

describe('the state of a saga', () => {
  it('begins with its steps before it and its deadline', () => deepEqual(after(started), fresh))

  it('has a call under way, with what it needs', () => {
    const input = { seat: '12A' }
    const running = {
      ...fresh,
      steps: [
        { name: 'flight', status: 'RUNNING' },
        { name: 'hotel', status: 'PENDING' },
      ],
      operation_id: 'f-1',
      next_attempt_at: NOW,
    }
    deepEqual(after(started, begin('flight', 'f-1')), running)
    const more = { input, waiting_for: 'airline', deadline_at: NOW, attempts: 2 }
    deepEqual(after(started, begin('flight', 'f-1', more)), { ...running, ...more })
  })
  it('forgets input and tries under another operation, or under none', () => {
    const first = begin('flight', 'f-1', { input: { seat: '12A' }, attempts: 2 })
    for (const other of ['f-2', null]) {
      const { input, attempts } = after(started, first, begin('flight', other))
      deepEqual([input, attempts], [null, 0], String(other))
    }
    const unnamed = begin('flight', null, { input: { seat: '12A' }, attempts: 2 })
    const { input, attempts } = after(started, unnamed, begin('flight', null))
    deepEqual([input, attempts], [null, 0], 'no operation is not the same operation')
    const same = after(started, first, begin('flight', 'f-1'))
    deepEqual([same.input, same.attempts], [{ seat: '12A' }, 2])
  })
  it('goes on to the next step and stays at the last', () => {
    const one = after(started, begin('flight', 'f-1'), fail('flight', { next_attempt_at: LATER }))
    equal(one.last_error, 'full')
    const two = step(one, succeed('flight'))
    deepEqual(two, { ...fresh, steps: two!.steps, current_step: 1 })
    deepEqual(statuses(two!), ['SUCCEEDED', 'PENDING'])
    const three = step(two, succeed('hotel'))!
    deepEqual([three.current_step, statuses(three)], [1, ['SUCCEEDED', 'SUCCEEDED']])
  })
  it('is still under way after a try that failed and comes again', () => {
    const running = after(started, begin('flight', 'f-1', { input: { seat: '12A' } }))
    deepEqual(step(running, fail('flight', { next_attempt_at: LATER })), {
      ...running,
      attempts: 3,
      next_attempt_at: LATER,
      last_error: 'full',
    })
  })
  it('has no call any more after a failure for good', () => {
    const running = after(started, begin('flight', 'f-1', { input: { seat: '12A' } }))
    const failed = step(running, fail('flight', { needs_attention: true }))!
    deepEqual(failed, {
      ...fresh,
      steps: failed.steps,
      attempts: 3,
      last_error: 'full',
      needs_attention: true,
    })
    deepEqual(statuses(failed), ['FAILED', 'PENDING'])
    equal(step(failed, fail('flight'))!.needs_attention, true, 'once told, it stays told')
    equal(step(running, fail('flight'))!.needs_attention, false)
  })
  it('turns round: what has not run is skipped, the deadline is gone', () => {
    const running = after(started, begin('flight', 'f-1', { waiting_for: 'airline' }))
    const turned = step(running, undo)!
    deepEqual(turned, {
      ...running,
      steps: turned.steps,
      status: 'COMPENSATING',
      reason: 'rain',
      waiting_for: null,
      deadline_at: null,
    })
    deepEqual(statuses(turned), ['RUNNING', 'SKIPPED'])
    const waited = after(started, begin('flight', null, { next_attempt_at: null }), undo)
    deepEqual(statuses(waited), ['SKIPPED', 'SKIPPED'])
    deepEqual(statuses(after(started, succeed('flight'), undo)), ['SUCCEEDED', 'SKIPPED'])
  })
  it('has a step that is being undone, then one that is', () => {
    const turned = after(started, begin('flight', 'f-1'), succeed('flight'), undo)
    const undoing = step(turned, begin('flight', 'f-2', { compensation: true }))!
    deepEqual([statuses(undoing), undoing.current_step], [['COMPENSATING', 'SKIPPED'], 0])
    deepEqual(stepsToUndo(undoing), ['flight'])
    const stuck = step(undoing, fail('flight', { needs_attention: true, next_attempt_at: LATER }))
    const over = step(stuck, undone('flight'))!
    deepEqual(over, { ...turned, steps: over.steps, current_step: 0 })
    deepEqual(statuses(over), ['COMPENSATED', 'SKIPPED'])
  })
  it('runs a step, also on the way back, unless the event says that it is undone', () => {
    const state = after(started, succeed('flight'), undo, begin('flight', 'f-2'))
    deepEqual(statuses(state), ['RUNNING', 'SKIPPED'])
  })
  it('ends: completed, failed, or by hand', () => {
    const running = after(started, begin('flight', 'f-1'), fail('flight', { next_attempt_at: NOW }))
    const ended = { ...running, ...idle, deadline_at: null }
    deepEqual(step(running, saga.event('SagaCompleted', { ...id, outcome: 'completed' })), {
      ...ended,
      status: 'COMPLETED',
      outcome: 'completed',
    })
    for (const outcome of ['compensated', 'needs_attention'] as const)
      deepEqual(step(running, saga.event('SagaFailed', { ...id, outcome, reason: 'rain' })), {
        ...ended,
        status: 'FAILED',
        outcome,
        reason: 'rain',
        needs_attention: outcome === 'needs_attention',
      })
    const words = { ...id, step: null, reason: 'sent back', by: 'ada' }
    const stuck = step(running, fail('flight', { needs_attention: true }))
    deepEqual(step(stuck, saga.event('SagaResolved', words)), {
      ...stuck,
      ...idle,
      status: 'FAILED',
      outcome: 'resolved_manually',
      needs_attention: false,
    })
  })
  it('names a step that there is not, and its saga', () =>
    throws(() => after(started, succeed('boat')), /^Error: saga Trip has no step boat$/))
  it('says nothing of a step that it does not have', () => {
    equal(stepStatus(after(started), 'boat'), undefined)
    equal(stepStatus(after(started), 'hotel'), 'PENDING')
    equal(currentStep({ ...fresh, current_step: 9 }), '')
  })
})

describe('the tries of a call', () => {
  const moment = (settings: Readonly<Record<string, unknown>> = {}) => ({ now: NOW, settings })
  const pause = (attempt: number, settings?: Readonly<Record<string, unknown>>) =>
    Date.parse(nextAttemptAt(moment(settings), attempt)) - Date.parse(NOW)

  it('come after 200 ms, twice as long each time, at most a minute, unless set otherwise', () => {
    deepEqual(
      [1, 2, 3, 20].map((attempt) => pause(attempt)),
      [200, 400, 800, 60_000],
    )
    equal(pause(3, { 'retry.base_ms': 10 }), 40)
    equal(pause(3, { 'retry.factor': 3 }), 1_800)
    equal(pause(3, { 'retry.max_ms': 500 }), 500)
    equal(pause(2, { 'retry.factor': 1.0021 }), 200, 'whole milliseconds')
  })
  it('take a setting only where it is a number', () => {
    deepEqual([numberIn(5, 1), numberIn('5', 1), numberIn(undefined, 1)], [5, 1, 1])
  })
  it('alarm somebody at the tenth, unless set otherwise', () => {
    deepEqual(
      [9, 10].map((attempt) => isAlarming(moment(), attempt)),
      [false, true],
    )
    equal(isAlarming(moment({ 'saga.alarm_after': 2 }), 2), true)
  })
  it('are recorded with their error, forward and on the way back', () => {
    const running = after(started, begin('flight', 'f-1'))
    const told = { ...id, step: 'flight', error: 'time-out' }
    deepEqual(failedTry('s-1', running, 'time-out', moment()).data, {
      ...told,
      attempt: 1,
      next_attempt_at: '2026-03-02T10:00:00.200Z',
    })
    const back = step(running, undo)!
    const alarm = moment({ 'saga.alarm_after': 1 })
    deepEqual(failedTry('s-1', back, 'time-out', alarm).data, {
      ...told,
      attempt: 1,
      compensation: true,
      needs_attention: true,
      next_attempt_at: '2026-03-02T10:00:00.200Z',
    })
    const long = failedTry('s-1', running, 'x'.repeat(1_001), moment()).data
    equal((long as { error: string }).error.length, 1_000)
  })
  it('are begun again as they were, forward and on the way back', () => {
    const bare = after(started, begin('flight', 'f-1'))
    const again = { ...id, step: 'flight', operation_id: 'f-1', next_attempt_at: LATER }
    deepEqual(triedAgain('s-1', bare, LATER).data, again)
    const more = { input: { seat: '12A' }, waiting_for: 'airline' }
    const full = after(started, begin('flight', 'f-1', more))
    deepEqual(triedAgain('s-1', full, LATER).data, { ...again, ...more })
    const back = step(full, undo)!
    deepEqual(triedAgain('s-1', back, LATER).data, {
      ...again,
      input: more.input,
      compensation: true,
    })
  })
})
