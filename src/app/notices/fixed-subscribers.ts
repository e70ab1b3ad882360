// The subscribers that the settings name: e-mail, and lines in the operator's log. What happened
// too long ago is no news to either.
import { typesWanted } from '#contexts/notifications/event-patterns.ts'
import type { EventTypes } from '#kernel/event-types.ts'
import { type Recorded, streamOf } from '#kernel/message.ts'
import type { Subscriber } from '#runtime/deliver.ts'
import { alertOf, isAlert, isTold } from './alerts.ts'
import { customerLetter, type Events, MAIL_OF } from './customer-letters.ts'
import type { Mailer } from './mailer.ts'
import type { Letter } from './templates/template.ts'

const fixed = {
  ...{ seen: 1, active: true },
  asked: async () => ({}),
  gaveUp: async () => {},
} as const
/** Of one stream, to see whether the same was told before. */
const EVENTS_MAX = 2_000
const isNews = ({ timestamp }: Recorded, maxAgeMs: number) =>
  Date.now() - Date.parse(timestamp) <= maxAgeMs

export type MailParts = {
  readonly mailer: Mailer
  /** Where the outbox met the log: what was before is not written of. */
  readonly from: number
  readonly shop: string
  readonly operators: readonly string[]
  readonly customers: readonly string[]
  readonly maxAgeMs: number
  /** Messages to operators in an hour about one kind of event. */
  readonly alertsMax: number
  readonly events: Events
  /** In milliseconds, from any beginning on. */
  readonly clock?: () => number
}

export function mailSubscriber(parts: MailParts): Subscriber {
  const { mailer, from, shop, operators, customers, maxAgeMs, events } = parts
  const room = hourly(parts.alertsMax, parts.clock ?? (() => performance.now()))
  const toOperators = (event: Recorded) => operators.length > 0 && isAlert(event)
  const toCustomers = (type: string) => customers.includes(MAIL_OF[type] ?? '')
  return {
    ...{ ...fixed, name: 'mail', from },
    wants: (event) =>
      (toOperators(event) || toCustomers(event.event_type)) && isNews(event, maxAgeMs),
    async deliver(event) {
      const { event_id } = event
      if (toOperators(event)) {
        const alert = alertOf(event, shop)
        if (alert === null) return { is: 'skipped', why: 'nothing that anybody has to do' }
        const stream = streamOf(event.aggregate_type, event.aggregate_id)
        if (isTold(event, await events([stream], EVENTS_MAX)))
          return { is: 'skipped', why: 'it was told before' }
        const nth = room.take(event.event_type)
        if (nth === null) return { is: 'skipped', why: 'too many messages in this hour' }
        const last = nth === parts.alertsMax
        const sent = await mailer.send(operators, last ? withLastWord(alert) : alert, event_id)
        if (sent.is !== 'taken') room.giveBack(event.event_type)
        return sent
      }
      const written = await customerLetter(event, events, shop)
      if (typeof written === 'string') return { is: 'skipped', why: written }
      return await mailer.send([written.to], written.letter, event_id)
    },
  }
}

const LAST_WORD =
  'There were as many messages of this kind as an hour may have (notifications.alerts_per_hour). ' +
  'The rest of them is not written: look into the lists of the shop.'
const withLastWord = ({ subject, text }: Letter): Letter => ({
  subject,
  text: `${text}\n${LAST_WORD}\n`,
})

const HOUR_MS = 3_600_000

/** A storm of one kind must neither flood a mailbox nor hide what else happens. */
function hourly(most: number, clock: () => number) {
  const kinds = new Map<string, { readonly begun: number; taken: number }>()
  return {
    /** Which of its hour's it is; null: there were as many as there may be. */
    take(kind: string): number | null {
      const known = kinds.get(kind)
      const hour =
        known !== undefined && clock() - known.begun < HOUR_MS
          ? known
          : { begun: clock(), taken: 0 }
      kinds.set(kind, hour)
      return hour.taken >= most ? null : ++hour.taken
    },
    /** It was not sent. */
    giveBack(kind: string) {
      const hour = kinds.get(kind)
      if (hour !== undefined && hour.taken > 0) hour.taken--
    },
  }
}

export type LogParts = {
  readonly patterns: readonly string[]
  readonly types: EventTypes
  readonly from: number
  readonly maxAgeMs: number
  readonly tell: (line: string) => void
}

/** One line of JSON: what happened and to what, nothing of its data. */
export function logSubscriber({ patterns, types, from, maxAgeMs, tell }: LogParts): Subscriber {
  const wanted = typesWanted(patterns, types)
  return {
    ...{ ...fixed, name: 'log', from },
    wants: (event) => wanted.has(event.event_type) && isNews(event, maxAgeMs),
    async deliver({ event_type: notice, event_id, position, aggregate_type, aggregate_id, ...at }) {
      const { version, occurred_at } = at
      const told = {
        notice,
        event_id,
        position,
        aggregate_type,
        aggregate_id,
        version,
        occurred_at,
      }
      tell(JSON.stringify(told))
      return { is: 'taken', status: null }
    },
  }
}
