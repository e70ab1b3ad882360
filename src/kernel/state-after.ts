// A stream's state as it will be when a decision's writes are done: for what has to be answered or
// told before they are.
import type { Given, Ref, Write } from '#kernel/decider.ts'

/** For whoever looks at nothing that depends on when something happened. */
const NOWHEN = { occurred_at: '', timestamp: '', position: 0 }

/** The stream must have been read, and the writes be the decision's own. */
export function stateAfter<State>(given: Given, ref: Ref<State>, writes: readonly Write[]): State {
  const facts = writes.filter(({ stream }) => stream === ref.stream).flatMap(({ events }) => events)
  return facts.reduce(
    (state, { type, data }) => ref.aggregate.evolve[type]!(state, data, NOWHEN),
    given.state(ref),
  )
}
