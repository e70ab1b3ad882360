// One row per saga: where it stands, what it waits for, when it acts next. The row is the fold of
// the saga's own events, and its `next_attempt_at` is what wakes whoever carries the steps out.
import { evolve } from '#kernel/decider.ts'
import type { Recorded } from '#kernel/message.ts'
import { projection } from '#kernel/projection.ts'
import { currentStep, type SagaState, saga } from '#kernel/saga.ts'
import {
  CAUSE_COLUMNS,
  type Cause,
  causeOf,
  type Waiting,
  type WaitingTools,
  waiting,
} from '#kernel/waiting.ts'

export type SagaRow = Cause & {
  readonly saga_id: string
  readonly saga_type: string
  readonly subject_id: string
  readonly current_step: number
  readonly current_step_name: string
  readonly state: SagaState
  readonly status: string
  readonly outcome: string | null
  readonly reason: string | null
  readonly waiting_for: string | null
  readonly attempts: number
  readonly next_attempt_at: string | null
  readonly deadline_at: string | null
  readonly needs_attention: boolean
  readonly last_error: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

const folds = {
  keys: ({ aggregate_id }: Recorded) => [aggregate_id],
  apply: (row: SagaRow | undefined, event: Recorded): SagaRow => {
    const { aggregate } = saga.seen(event.aggregate_id)
    // After an event there is a state: only before the first there is none.
    const state = evolve(aggregate, row?.state ?? null, event) as SagaState
    return rowOf(event, state, row?.created_at ?? event.timestamp)
  },
}

export const sagaInstances = projection<SagaRow>({
  name: 'saga_instances',
  version: 2,
  table: {
    name: 'saga_instances',
    key: 'saga_id',
    columns: {
      saga_id: 'text',
      saga_type: 'text',
      subject_id: 'text',
      current_step: 'int',
      current_step_name: 'text',
      state: 'json',
      status: 'text',
      outcome: { kind: 'text', nullable: true },
      reason: { kind: 'text', nullable: true },
      waiting_for: { kind: 'text', nullable: true },
      attempts: 'int',
      next_attempt_at: { kind: 'instant', nullable: true },
      deadline_at: { kind: 'instant', nullable: true },
      needs_attention: 'bool',
      last_error: { kind: 'text', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
      ...CAUSE_COLUMNS,
    },
    indexes: [['next_attempt_at'], ['status', 'updated_at'], ['saga_type', 'status']],
  },
  on: Object.fromEntries(Object.keys(saga.events).map((type) => [type, folds])),
  sources: (key) => [`saga-${key}`],
})

function rowOf(event: Recorded, state: SagaState, created_at: string): SagaRow {
  return {
    saga_id: event.aggregate_id,
    saga_type: state.saga_type,
    subject_id: state.subject_id,
    current_step: state.current_step,
    current_step_name: currentStep(state),
    state,
    status: state.status,
    outcome: state.outcome,
    reason: state.reason,
    waiting_for: state.waiting_for,
    attempts: state.attempts,
    next_attempt_at: state.next_attempt_at,
    deadline_at: state.deadline_at,
    needs_attention: state.needs_attention,
    last_error: state.last_error,
    created_at,
    updated_at: event.timestamp,
    version: event.version,
    ...causeOf(event),
  }
}

export type SagaAct = (row: SagaRow, tools: WaitingTools) => Promise<void>

/** Carries out what is due, by the saga's type. */
export const sagaSteps = (acts: Readonly<Record<string, SagaAct>>): Waiting =>
  waiting<SagaRow>({
    name: 'saga-steps',
    projection: sagaInstances,
    due: 'next_attempt_at',
    act: async (row, tools) => {
      const act = Object.hasOwn(acts, row.saga_type) ? acts[row.saga_type] : undefined
      if (act === undefined) throw new Error(`nobody carries out sagas of type ${row.saga_type}`)
      await act(row, tools)
    },
  })
