// Who is told of what happens, in words.
import { webhook } from '#contexts/notifications/public.ts'
import { count, fieldsOf, type Words, wordsFor } from './words.ts'

export const wordsOfNotices: Words = wordsFor(webhook, {
  WebhookRegistered: ({ event_types }) => `Registered for ${count(event_types, 'kind')} of events`,
  WebhookUpdated: (data) => `Changed: ${fieldsOf(data, ['webhook_id'])}`,
  WebhookPaused: ({ reason }) =>
    `Paused: ${reason === 'gone' ? 'its receiver has gone' : 'it failed'}`,
  WebhookReplayRequested: ({ event_id, from_position }) =>
    event_id === null
      ? `To be sent again from position ${from_position}`
      : 'One event is to be sent again',
  WebhookRemoved: () => 'Removed',
})
