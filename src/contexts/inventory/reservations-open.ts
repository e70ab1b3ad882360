// Reservations as they are shown, and the waiting for those that have a time limit.
import type { Recorded } from '#kernel/message.ts'
import { type Handler, projection } from '#kernel/projection.ts'
import { CAUSE_COLUMNS, type Cause, causeOf, type Waiting, waiting } from '#kernel/waiting.ts'
import { type Line, type ReservationState, withMore, without } from './reservation.ts'

export type ReservationRow = Cause & {
  readonly reservation_id: string
  readonly order_id: string | null
  readonly status: ReservationState['status']
  /** What was reserved at first. */
  readonly lines: readonly Line[]
  /** What of it is held still. */
  readonly held_lines: readonly Line[]
  readonly has_committed: boolean
  /** null: no time limit, or no longer ACTIVE. */
  readonly expires_at: string | null
  readonly created_at: string
  readonly updated_at: string
  readonly version: number
}

export const reservationsOpen = projection<ReservationRow>({
  name: 'reservations_open',
  version: 2,
  table: {
    name: 'reservations_open',
    key: 'reservation_id',
    columns: {
      reservation_id: 'text',
      order_id: { kind: 'text', nullable: true },
      status: 'text',
      lines: 'json',
      held_lines: 'json',
      has_committed: 'bool',
      expires_at: { kind: 'instant', nullable: true },
      created_at: 'instant',
      updated_at: 'instant',
      version: 'int',
      ...CAUSE_COLUMNS,
    },
    indexes: [['expires_at'], ['status', 'created_at'], ['order_id']],
  },
  on: {
    InventoryReserved: {
      keys: reservationOf,
      apply(row, event) {
        const { data, timestamp, version } = event
        return {
          ...data,
          status: 'ACTIVE',
          lines: withMore(row?.lines ?? [], data.lines),
          held_lines: withMore(row?.held_lines ?? [], data.lines),
          has_committed: row?.has_committed ?? false,
          created_at: row?.created_at ?? timestamp,
          updated_at: timestamp,
          version,
          ...causeOf(event),
        }
      },
    },
    InventoryReleased: changed((row, { lines }) => lessened(row, lines, false)),
    InventoryCommitted: changed((row, { lines }) => lessened(row, lines, true)),
    ReservationExtended: changed((_, { expires_at }) => ({ expires_at })),
    ReservationExpired: changed(() => ({ status: 'EXPIRED', held_lines: [], expires_at: null })),
  },
  sources: (key) => [`reservation-${key}`],
})

/**
 * Gives back what was held too long; an order that loses its stock is cancelled by its own command.
 */
export const reservationExpiry: Waiting = waiting<ReservationRow>({
  name: 'reservation-expiry',
  projection: reservationsOpen,
  due: 'expires_at',
  act: async ({ reservation_id, order_id, expires_at }, { send, derivedId }) => {
    // The limit is part of the id: an extended reservation has another end, and another command.
    const command_id = derivedId(reservation_id, 'expire', expires_at ?? '')
    const meta = { command_id, source: 'sweeper' }
    const outcome =
      order_id === null
        ? await send('ExpireReservation', { reservation_id }, meta)
        : await send('ExpireOrder', { order_id }, meta)
    if (!outcome.ok)
      throw new Error(`Reservation ${reservation_id} did not expire: ${outcome.rejection.message}`)
  },
})

function reservationOf({ data }: Recorded<{ reservation_id: string }>): readonly string[] {
  return [data.reservation_id]
}

type Change = Partial<ReservationRow>

// biome-ignore lint/suspicious/noExplicitAny: each use names the event it is for
function changed(change: (row: ReservationRow, data: any) => Change): Handler<ReservationRow> {
  return {
    keys: reservationOf,
    apply: (row, event) => {
      if (row === undefined) throw new Error('a reservation that was never made has changed')
      const { data, timestamp, version } = event
      return { ...row, ...change(row, data), updated_at: timestamp, version, ...causeOf(event) }
    },
  }
}

function lessened(row: ReservationRow, gone: readonly Line[], committed: boolean): Change {
  const held_lines = without(row.held_lines, gone)
  const has_committed = row.has_committed || committed
  if (held_lines.length > 0) return { held_lines, has_committed }
  const status = has_committed ? 'COMMITTED' : 'RELEASED'
  return { held_lines, has_committed, status, expires_at: null }
}
