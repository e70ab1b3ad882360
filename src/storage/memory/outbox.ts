// The outbox in memory: the reference implementation of storage/outbox.ts.

import { bytewise } from '#kernel/bytewise.ts'
import type { Attempt, Delivery, Mark, Move, Outbox } from '#storage/outbox.ts'

type Kept = Mark & { readonly given_up: number }

export async function openOutbox(): Promise<Outbox> {
  const marks = new Map<string, Kept>()
  const all = new Map<string, Map<number, Delivery>>()
  let met: number | null = null
  const of = (name: string): readonly Delivery[] =>
    [...(all.get(name)?.values() ?? [])].sort((a, b) => a.position - b.position)
  const count = (name: string, status: string) =>
    of(name).filter((delivery) => delivery.status === status).length

  return {
    async firstMet(position) {
      met ??= position
      return met
    },
    async subscriptions() {
      return [...marks]
        .sort(([a], [b]) => bytewise(a, b))
        .map(([name, kept]) => ({
          ...{ name, ...kept },
          pending: count(name, 'pending'),
          dead: count(name, 'dead'),
        }))
    },
    async move(move) {
      const { subscription, from, to } = move
      const kept = marks.get(subscription) ?? null
      if (kept?.position !== from?.position || kept?.seen !== from?.seen) return false
      const given_up = kept === null || kept.seen !== to.seen ? 0 : kept.given_up
      marks.set(subscription, { position: to.position, seen: to.seen, given_up })
      const known = all.get(subscription) ?? new Map<number, Delivery>()
      all.set(subscription, known)
      taken(known, move)
      return true
    },
    async due(subscription, now, limit) {
      const first = new Map<string, Delivery>()
      for (const delivery of of(subscription))
        if (delivery.status === 'pending' && !first.has(delivery.stream))
          first.set(delivery.stream, delivery)
      return [...first.values()]
        .filter(({ next_attempt_at }) => next_attempt_at <= now)
        .sort((a, b) => a.position - b.position)
        .slice(0, limit)
    },
    async record(attempt) {
      const { subscription, position, after, status } = attempt
      const delivery = all.get(subscription)?.get(position)
      const kept = marks.get(subscription)
      if (kept === undefined || delivery?.status !== 'pending') return null
      if (delivery.attempts !== after) return null
      all.get(subscription)!.set(position, recorded(delivery, attempt))
      const given_up = afterwards(kept.given_up, status)
      marks.set(subscription, { ...kept, given_up })
      return given_up
    },
    async deliveries({ subscription, status, event_id, before, limit }) {
      return of(subscription)
        .filter((one) => status === undefined || one.status === status)
        .filter((one) => event_id === undefined || one.event_id === event_id)
        .filter((one) => before === undefined || one.position < before)
        .reverse()
        .slice(0, limit)
    },
    async drop(subscription) {
      marks.delete(subscription)
      all.delete(subscription)
    },
    async prune(before, limit) {
      const old = [...all.keys()]
        .flatMap(of)
        .filter(({ settled_at }) => settled_at !== null && settled_at < before)
        .slice(0, limit)
      for (const { subscription, position } of old) all.get(subscription)!.delete(position)
      return old.length
    },
    async close() {},
  }
}

function taken(known: Map<number, Delivery>, { subscription, to, at, ...move }: Move): void {
  const fresh = {
    ...{ status: 'pending' as const, attempts: 0, next_attempt_at: at },
    settled_at: null,
  }
  for (const position of [...known.keys()]) if (position > to.position) known.delete(position)
  for (const [position, delivery] of known)
    if (move.again?.includes(delivery.event_id) === true)
      known.set(position, { ...delivery, ...fresh })
  for (const one of move.deliveries ?? [])
    if (!known.has(one.position))
      known.set(one.position, {
        ...{ subscription, ...one, ...fresh, taken_at: at },
        ...{ last_status: null, last_error: null },
      })
}

function recorded(delivery: Delivery, attempt: Attempt): Delivery {
  const { after, at, status, last_status, last_error } = attempt
  return {
    ...{ ...delivery, status, last_status, last_error },
    attempts: after + 1,
    next_attempt_at: attempt.next_attempt_at ?? delivery.next_attempt_at,
    settled_at: status === 'pending' ? null : at,
  }
}

function afterwards(givenUp: number, status: Delivery['status']): number {
  if (status === 'delivered') return 0
  return status === 'dead' ? givenUp + 1 : givenUp
}
