// What becomes of a reservation that was made by hand: released, committed, extended or expired.
// One that belongs to an order is the order's alone: cancel or ship the order instead.
import { amountReader, hasErrors, product } from '#contexts/catalog/public.ts'
import {
  accept,
  ask,
  type Command,
  command,
  type Decision,
  type Given,
  invalid,
  type Moment,
  noSuch,
  type Rejected,
  reject,
} from '#kernel/decider.ts'
import { inUtc } from '#kernel/instants.ts'
import {
  decimal,
  type FieldErrors,
  id,
  instant,
  list,
  nullable,
  object,
  optional,
  text,
} from '#kernel/schema.ts'
import { stateAfter } from '#kernel/state-after.ts'
import { type Line, type ReservationState, reservation } from './reservation.ts'
import { productRefs, reservationAnswer, reservationAnswered } from './reservation-answer.ts'
import { LINES_PER_REQUEST_MAX, lineFields } from './reserve-commands.ts'
import {
  commitLines,
  releaseLines,
  releaseSome,
  reservationRefs,
  type Writes,
} from './reserving.ts'
import { REASON_MAX, stockKey } from './stock.ts'
import { placeFields, placeOf } from './stock-place.ts'
import { occurredAt, toldLate } from './told-late.ts'

const byId = { reservation_id: id() }
const reason = optional(text({ max: REASON_MAX }))
const lines = optional(list(object(lineFields), { min: 1, max: LINES_PER_REQUEST_MAX }))
const tag = 'reservations'
const path = '/api/v1/inventory/reservations/:reservation_id'
const alias = '/inventory/reservations/:reservation_id'
const BY_REQUEST = 'by request'

const releaseInventory = command({
  type: 'ReleaseInventory',
  input: object({ ...byId, reason }),
  reads: ({ reservation_id }) => [reservation.at(reservation_id)],
  decide: ({ reservation_id, reason = BY_REQUEST }, given) =>
    byHand(given, reservation_id, () => releaseLines(given, reservation_id, reason)),
  answer: reservationAnswer,
  route: {
    method: 'POST',
    path: `${path}/release`,
    aliases: [`${alias}/release`],
    tag,
    summary: 'Give back all that a reservation holds',
  },
})

const releaseStock = command({
  type: 'ReleaseStock',
  input: object({
    ...byId,
    ...placeFields,
    quantity: optional(decimal({ signed: true, description: 'Absent: all of it.' })),
    reason,
  }),
  reads: ({ reservation_id }) => [reservation.at(reservation_id)],
  decide: ({ reservation_id, reason = BY_REQUEST, quantity, ...place }, given) =>
    byHand(given, reservation_id, (held) => {
      const { product_id, store_id } = placeOf(place)
      const key = stockKey(product_id, store_id)
      const line = held.lines.find((one) => stockKey(one.product_id, one.store_id) === key)
      if (line === undefined)
        return reject('invalid_state', `Reservation ${reservation_id} holds nothing of it.`)
      const part =
        quantity === undefined
          ? { part: [line] }
          : partRead([['', { product_id, store_id, quantity }]], given)
      if ('errors' in part) return invalid(part.errors)
      return releaseSome(given, reservation_id, part.part, reason)
    }),
  answer: reservationAnswer,
  route: {
    method: 'POST',
    path: `${path}/release-stock`,
    aliases: [`${alias}/release-stock`],
    tag,
    summary: 'Give back one product of a reservation, or a part of it',
  },
})

const commitReservation = command({
  type: 'CommitReservation',
  input: object({ ...byId, lines, occurred_at: occurredAt }),
  reads: ({ reservation_id }) => [reservation.at(reservation_id)],
  decide: toldLate(({ reservation_id, lines }, given, moment) =>
    byHand(given, reservation_id, () => {
      const at = moment.occurred_at
      if (lines === undefined) return commitLines(given, reservation_id, at)
      const named = lines.map(({ quantity, ...place }, i) => {
        return [`lines.${i}.`, { ...placeOf(place), quantity }] as const
      })
      const part = partRead(named, given)
      if ('errors' in part) return invalid(part.errors)
      return commitLines(given, reservation_id, at, part.part)
    }),
  ),
  answer: reservationAnswer,
  route: {
    method: 'POST',
    path: `${path}/commit`,
    aliases: [`${alias}/commit`],
    tag,
    summary: 'The reserved goods leave: all, or the lines named',
  },
})

const extendReservation = command({
  type: 'ExtendReservation',
  input: object({
    ...byId,
    until: nullable(instant({ description: 'The new end; null: no time limit.' })),
  }),
  reads: ({ reservation_id }) => [reservation.at(reservation_id)],
  decide: decideExtend,
  answer: reservationAnswer,
  route: {
    method: 'POST',
    path: `${path}/extend`,
    aliases: [`${alias}/extend`],
    tag,
    summary: 'Hold a reservation longer, or without a limit',
  },
})

function decideExtend(
  { reservation_id, until }: { readonly reservation_id: string; readonly until: string | null },
  given: Given,
  moment: Moment,
): Decision {
  const held = ownReservation(given, reservation_id)
  if ('rejected' in held) return held
  const lacking = given.lacking(productRefs(held.lines))
  if (lacking.length > 0) return ask(lacking)
  const expires_at = until === null ? null : inUtc(until)
  if (expires_at !== null && expires_at <= moment.now)
    return invalid({ until: 'must be in the future' })
  const response = reservationAnswered(given, reservation_id, { ...held, expires_at })
  if (expires_at === held.expires_at) return accept([], response)
  const extended = reservation.event('ReservationExtended', { reservation_id, expires_at })
  return accept([reservation.write(reservation_id, [extended])], response)
}

/** Sent by the sweeper when a row is due; what counts is the log, at this moment. */
const expireReservation = command({
  type: 'ExpireReservation',
  input: object(byId),
  reads: ({ reservation_id }) => [reservation.at(reservation_id)],
  decide: ({ reservation_id }, given, moment) => {
    const state = given.state(reservation.at(reservation_id))
    if (state !== null && state.order_id === null && state.status !== 'ACTIVE')
      return accept([], reservationAnswered(given, reservation_id, { ...state, lines: [] }))
    const held = ownReservation(given, reservation_id)
    if ('rejected' in held) return held
    // Refused, not done: a refusal is not recorded, so that the same command may come again.
    if (held.expires_at === null || held.expires_at > moment.now)
      return reject('invalid_state', `Reservation ${reservation_id} is not due yet.`)
    const lacking = given.lacking(reservationRefs(given, reservation_id))
    if (lacking.length > 0) return ask(lacking)
    const expired = releaseLines(given, reservation_id, 'expired', 'expired')
    if ('rejected' in expired) return expired
    const after = { ...held, status: 'EXPIRED', lines: [] } as const
    return accept(expired.writes, reservationAnswered(given, reservation_id, after))
  },
  answer: reservationAnswer,
})

export const reservationCommands: readonly Command[] = [
  releaseInventory,
  releaseStock,
  commitReservation,
  extendReservation,
  expireReservation,
]

/** Reads the stock items that are held, takes from them, and answers what is left. */
function byHand(
  given: Given,
  reservation_id: string,
  take: (held: ReservationState) => Writes | Rejected,
): Decision {
  const held = ownReservation(given, reservation_id)
  if ('rejected' in held) return held
  const refs = [...reservationRefs(given, reservation_id), ...productRefs(held.lines)]
  const lacking = given.lacking(refs)
  if (lacking.length > 0) return ask(lacking)
  const taken = take(held)
  if ('rejected' in taken) return taken
  // An existing reservation stays one, whatever happens to it.
  const after = stateAfter(given, reservation.at(reservation_id), taken.writes)!
  return accept(taken.writes, reservationAnswered(given, reservation_id, after))
}

type NamedLine = readonly [
  prefix: string,
  line: Pick<Line, 'product_id' | 'store_id'> & { readonly quantity: string },
]

/** Decimals into steps; a product that the reservation does not hold is no step of anything. */
function partRead(
  wanted: readonly NamedLine[],
  given: Given,
): { readonly part: readonly Line[] } | { readonly errors: FieldErrors } {
  const reader = amountReader()
  const part = wanted.map(([prefix, { product_id, store_id, quantity }]) => {
    const ref = product.seen(product_id)
    const known = given.lacking([ref]).length === 0 ? given.state(ref) : null
    if (known === null) reader.note(`${prefix}product_id`, 'is not in this reservation')
    const scale = known?.quantity_scale ?? 0
    return { product_id, store_id, quantity: reader.positive(`${prefix}quantity`, quantity, scale) }
  })
  return hasErrors(reader.errors) ? { errors: reader.errors } : { part }
}

function ownReservation(given: Given, reservation_id: string): ReservationState | Rejected {
  const state = given.state(reservation.at(reservation_id))
  if (state === null) return noSuch('reservation', reservation_id)
  if (state.order_id !== null)
    return reject('invalid_state', 'It belongs to an order; cancel or ship the order instead.', {
      details: { order_id: state.order_id },
    })
  if (state.status !== 'ACTIVE')
    return reject('invalid_state', `Reservation ${reservation_id} is ${state.status}.`, {
      details: { status: state.status },
    })
  return state
}
