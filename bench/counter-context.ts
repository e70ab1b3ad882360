// The smallest command there can be: one stream, one event, one number. What it costs over HTTP is
// the edge and the gateway, not the business.
import { accept, aggregate, command } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { id, integer, money, object, text } from '#kernel/schema.ts'

const events = eventTypes({
  AmountCounted: { data: object({ counter_id: id(), amount_minor: money(), note: text() }) },
})

const counter = aggregate({
  type: 'counter',
  state_version: 1,
  events,
  initial: { total_minor: 0 },
  evolve: {
    AmountCounted: ({ total_minor }, { amount_minor }) => ({
      total_minor: total_minor + amount_minor,
    }),
  },
})

const countAmount = command({
  type: 'CountAmount',
  input: object({ counter_id: id(), amount_minor: integer(), note: text() }),
  reads: ({ counter_id }) => [counter.at(counter_id)],
  decide: ({ counter_id, ...counted }, given) => {
    const { total_minor } = given.state(counter.at(counter_id))
    return accept(
      [counter.write(counter_id, [counter.event('AmountCounted', { counter_id, ...counted })])],
      { counter_id, total_minor: total_minor + counted.amount_minor },
    )
  },
  answer: object({ counter_id: id(), total_minor: integer() }),
  route: {
    method: 'POST',
    path: '/api/v1/counters/:counter_id/count',
    tag: 'counters',
    summary: 'Count an amount',
  },
})

export const counters = { types: events, commands: [countAmount] }
export const countPath = (counterId: string) => `/api/v1/counters/${counterId}/count`
export const COUNT_BODY = JSON.stringify({ amount_minor: 1_999, note: 'rung up at till 4' })
