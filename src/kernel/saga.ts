// A process of several steps with an undo for each, as a stream of its own: intent → effect →
// outcome. RUNNING → COMPLETED; RUNNING or COMPLETED → COMPENSATING → FAILED. Generic: an embedder
// names the steps and decides; this file keeps the book and says what may run next.
import { aggregate, type Moment } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { later } from '#kernel/instants.ts'
import type { Fact, Instant } from '#kernel/message.ts'
import {
  flag,
  id,
  instant,
  integer,
  json,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import { beginningOf } from './tidied.ts'

export const SAGA_STATUSES = ['RUNNING', 'COMPLETED', 'COMPENSATING', 'FAILED'] as const
/** `needs_attention`: something only a person can finish; `resolved_manually`: a person did. */
export const SAGA_OUTCOMES = [
  'completed',
  'compensated',
  'needs_attention',
  'resolved_manually',
] as const
export const STEP_STATUSES = [
  'PENDING',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'COMPENSATING',
  'COMPENSATED',
  'SKIPPED',
] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

export type SagaStep = { readonly name: string; readonly status: StepStatus }

export type SagaState = {
  readonly saga_type: string
  readonly subject_id: string
  readonly status: (typeof SAGA_STATUSES)[number]
  readonly outcome: (typeof SAGA_OUTCOMES)[number] | null
  readonly reason: string | null
  readonly steps: readonly SagaStep[]
  /** Index of the step that runs, waits or is being undone. */
  readonly current_step: number
  /** The call whose outcome is awaited; null when there is none. */
  readonly operation_id: string | null
  /** What the call needs, so that whoever acts on the row needs nothing else. */
  readonly input: Readonly<Record<string, unknown>> | null
  /** Tries of the current call that have failed. */
  readonly attempts: number
  readonly waiting_for: string | null
  readonly next_attempt_at: Instant | null
  /** While RUNNING: when whatever is not finished is taken back. */
  readonly deadline_at: Instant | null
  readonly needs_attention: boolean
  readonly last_error: string | null
}
/** null: not started. */
export type Saga = SagaState | null

const NAME_MAX = 100
const ERROR_MAX = 1_000
const STEPS_MAX = 50
const step = text({ max: NAME_MAX })
const saga_id = id()
/** Absent in a step's events: the step itself; true: its undoing. */
const compensation = optional(flag())

const sagaEvents = eventTypes({
  SagaStarted: {
    data: object({
      saga_id,
      saga_type: text({ max: NAME_MAX }),
      subject_id: id(),
      steps: list(step, { min: 1, max: STEPS_MAX }),
      deadline_at: instant(),
    }),
  },
  /** The intent: recorded before the call. Again with the same operation: tried again at once. */
  SagaStepStarted: {
    data: object({
      saga_id,
      step,
      compensation,
      operation_id: nullable(id()),
      input: optional(json()),
      /** Whose move it is when it is not ours. */
      waiting_for: optional(text({ max: NAME_MAX })),
      /** null: somebody else wakes it, or the deadline comes. */
      next_attempt_at: nullable(instant()),
      deadline_at: optional(instant()),
      /** Failed tries of earlier operations of this step, when it goes on under a new one. */
      attempts: optional(integer({ min: 0 })),
    }),
  },
  SagaStepSucceeded: { data: object({ saga_id, step }) },
  /** With `next_attempt_at`: tried again then. Without: for good. */
  SagaStepFailed: {
    data: object({
      saga_id,
      step,
      compensation,
      attempt: integer({ min: 1 }),
      error: text({ max: ERROR_MAX }),
      next_attempt_at: nullable(instant()),
      needs_attention: optional(flag()),
    }),
  },
  SagaCompensationStarted: {
    data: object({ saga_id, reason: text({ max: ERROR_MAX }), by: nullable(text()) }),
  },
  SagaStepCompensated: {
    data: object({ saga_id, step, note: optional(text({ max: ERROR_MAX })) }),
  },
  SagaCompleted: { data: object({ saga_id, outcome: oneOf(['completed']) }) },
  SagaFailed: {
    data: object({
      saga_id,
      outcome: oneOf(['compensated', 'needs_attention']),
      reason: text({ max: ERROR_MAX }),
    }),
  },
  /** A person says that what the machine could not undo has been dealt with. */
  SagaResolved: {
    data: object({ saga_id, step: nullable(step), reason: text({ max: ERROR_MAX }), by: text() }),
  },
})

export const saga = aggregate({
  type: 'saga',
  state_version: 1,
  events: sagaEvents,
  initial: null as Saga,
  evolve: {
    SagaStarted: (_, { saga_type, subject_id, steps, deadline_at }): Saga => ({
      saga_type,
      subject_id,
      status: 'RUNNING',
      outcome: null,
      reason: null,
      steps: steps.map((name) => ({ name, status: 'PENDING' })),
      current_step: 0,
      ...IDLE,
      needs_attention: false,
      deadline_at,
      last_error: null,
    }),
    SagaStepStarted: (state, data): Saga => {
      const known = started(state)
      const same = data.operation_id !== null && data.operation_id === known.operation_id
      return {
        ...at(known, data.step, data.compensation === true ? 'COMPENSATING' : 'RUNNING'),
        operation_id: data.operation_id,
        input: data.input ?? (same ? known.input : null),
        attempts: data.attempts ?? (same ? known.attempts : 0),
        waiting_for: data.waiting_for ?? null,
        next_attempt_at: data.next_attempt_at,
        deadline_at: data.deadline_at ?? known.deadline_at,
      }
    },
    SagaStepSucceeded: (state, { step }): Saga => {
      const known = started(state)
      const done = at(known, step, 'SUCCEEDED')
      const next = Math.min(done.current_step + 1, known.steps.length - 1)
      return { ...done, ...IDLE, current_step: next, needs_attention: false, last_error: null }
    },
    SagaStepFailed: (state, data): Saga => {
      const known = started(state)
      const failed = {
        attempts: data.attempt,
        next_attempt_at: data.next_attempt_at,
        last_error: data.error,
        needs_attention: known.needs_attention || data.needs_attention === true,
      }
      // What will be tried again is still under way; only the last failure is the step's own.
      if (data.next_attempt_at !== null) return { ...known, ...failed }
      return { ...at(known, data.step, 'FAILED'), ...IDLE, ...failed }
    },
    SagaCompensationStarted: (state, { reason }): Saga => {
      const known = started(state)
      // Nothing of these has run: a step that only waited for somebody has no call to settle.
      const isIdle = ({ status }: SagaStep) =>
        status === 'PENDING' || (status === 'RUNNING' && known.operation_id === null)
      const steps = known.steps.map((each) =>
        isIdle(each) ? { ...each, status: 'SKIPPED' as const } : each,
      )
      return {
        ...known,
        steps,
        status: 'COMPENSATING',
        outcome: null,
        reason,
        waiting_for: null,
        deadline_at: null,
      }
    },
    SagaStepCompensated: (state, { step }): Saga => ({
      ...at(started(state), step, 'COMPENSATED'),
      ...IDLE,
      needs_attention: false,
      last_error: null,
    }),
    SagaCompleted: (state, { outcome }): Saga => ({
      ...started(state),
      ...IDLE,
      status: 'COMPLETED',
      outcome,
      deadline_at: null,
    }),
    SagaFailed: (state, { outcome, reason }): Saga => ({
      ...started(state),
      ...IDLE,
      status: 'FAILED',
      outcome,
      reason,
      needs_attention: outcome === 'needs_attention',
      deadline_at: null,
    }),
    SagaResolved: (state): Saga => ({
      ...started(state),
      ...IDLE,
      status: 'FAILED',
      outcome: 'resolved_manually',
      needs_attention: false,
    }),
  },
})

const IDLE = {
  operation_id: null,
  input: null,
  attempts: 0,
  waiting_for: null,
  next_attempt_at: null,
} as const

function started(state: Saga): SagaState {
  if (state === null) throw new Error('a saga that was never started has moved')
  return state
}

function at(state: SagaState, name: string, status: StepStatus): SagaState {
  const index = state.steps.findIndex((each) => each.name === name)
  if (index < 0) throw new Error(`saga ${state.saga_type} has no step ${name}`)
  const steps = state.steps.map((each, i) => (i === index ? { name, status } : each))
  return { ...state, steps, current_step: index }
}

export const stepStatus = (state: SagaState, name: string): StepStatus | undefined =>
  state.steps.find((each) => each.name === name)?.status

/** Steps that ran or may have run, last first: what a compensation has to undo. */
export const stepsToUndo = ({ steps }: SagaState): readonly string[] =>
  steps
    .filter(({ status }) => status === 'SUCCEEDED' || UNDER_WAY.includes(status))
    .map(({ name }) => name)
    .toReversed()

const UNDER_WAY: readonly StepStatus[] = ['RUNNING', 'COMPENSATING']

/**
 * Whether this operation's outcome is still awaited. A late answer, or one to a step that was given
 * up meanwhile, must change nothing.
 */
export const awaits = (state: Saga, operationId: string): state is SagaState =>
  state !== null && state.operation_id === operationId

/** The pause before try `attempt` + 1, growing; from the settings `retry.*`. */
export function nextAttemptAt(
  { now, settings }: Pick<Moment, 'now' | 'settings'>,
  attempt: number,
) {
  const base = numberIn(settings['retry.base_ms'], RETRY_BASE_MS)
  const factor = numberIn(settings['retry.factor'], RETRY_FACTOR)
  const max = numberIn(settings['retry.max_ms'], RETRY_MAX_MS)
  return later(now, Math.min(max, base * factor ** (attempt - 1)))
}
const RETRY_BASE_MS = 200
const RETRY_FACTOR = 2
const RETRY_MAX_MS = 60_000

export const numberIn = (setting: unknown, standard: number): number =>
  typeof setting === 'number' ? setting : standard

/** Whether an operator is to be told after this many failed tries. The tries go on. */
export const isAlarming = ({ settings }: Pick<Moment, 'settings'>, attempt: number): boolean =>
  attempt >= numberIn(settings['saga.alarm_after'], ALARM_AFTER)
const ALARM_AFTER = 10

/** The current call did not succeed, or nobody knows whether it did: again later. */
export function failedTry(
  sagaId: string,
  state: SagaState,
  error: string,
  moment: Pick<Moment, 'now' | 'settings'>,
): Fact<'SagaStepFailed'> {
  const attempt = state.attempts + 1
  return saga.event('SagaStepFailed', {
    saga_id: sagaId,
    step: currentStep(state),
    ...(state.status === 'COMPENSATING' ? { compensation: true } : {}),
    attempt,
    error: beginningOf(error, ERROR_MAX),
    next_attempt_at: nextAttemptAt(moment, attempt),
    ...(isAlarming(moment, attempt) ? { needs_attention: true } : {}),
  })
}

/** The current call is tried again now, under the same operation. */
export const triedAgain = (
  sagaId: string,
  state: SagaState,
  now: Instant,
): Fact<'SagaStepStarted'> =>
  saga.event('SagaStepStarted', {
    saga_id: sagaId,
    step: currentStep(state),
    ...(state.status === 'COMPENSATING' ? { compensation: true } : {}),
    operation_id: state.operation_id,
    ...(state.input === null ? {} : { input: state.input }),
    ...(state.waiting_for === null ? {} : { waiting_for: state.waiting_for }),
    next_attempt_at: now,
  })

export const currentStep = ({ steps, current_step }: SagaState): string =>
  steps[current_step]?.name ?? ''
