// Forgetting a person. Stream: erasure-<subject>; the subject is the id of a customer or a user, or
// of an order that belongs to neither. Requested → done, once the key is destroyed that opens what
// the log has of that person; asked for again, it is done again.
import { aggregate, type Write } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { flag, id, instant, object, oneOf } from '#kernel/schema.ts'

export const SUBJECT_KINDS = ['customer', 'user', 'order'] as const
export type SubjectKind = (typeof SUBJECT_KINDS)[number]
/** null: nobody has asked for it. */
export type Erasure = { readonly kind: SubjectKind; readonly is_done: boolean } | null

const whose = { subject: id(), kind: oneOf(SUBJECT_KINDS) }
const forgets = ({ subject }: { readonly subject: string }) => subject

export const erasure = aggregate({
  type: 'erasure',
  state_version: 1,
  events: eventTypes({
    ErasureRequested: {
      data: object({ ...whose, forced: flag(), requested_at: instant() }),
      forgets,
    },
    /** The order of a guest: read models forget the address. */
    OrderErased: { data: object({ order_id: id(), erased_at: instant() }) },
    PersonalKeyDestroyed: {
      data: object({ ...whose, destroyed_at: instant() }),
      forgets,
      isGone: true,
    },
  }),
  initial: null as Erasure,
  evolve: {
    ErasureRequested: (_, { kind }): Erasure => ({ kind, is_done: false }),
    OrderErased: (state) => state,
    PersonalKeyDestroyed: (_, { kind }): Erasure => ({ kind, is_done: true }),
  },
})

export const requested = (
  subject: string,
  kind: SubjectKind,
  forced: boolean,
  requested_at: string,
): Write =>
  erasure.write(subject, [
    erasure.event('ErasureRequested', { subject, kind, forced, requested_at }),
  ])
