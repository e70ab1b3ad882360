// The settings of what is told to others: webhooks, e-mail, lines in the operator's log.
import { secret, setting } from './setting.ts'
import {
  duration,
  flag,
  hostName,
  integer,
  listOf,
  matching,
  oneOf,
  orEmpty,
} from './setting-kinds.ts'

const PATTERN = matching(/^[A-Za-z*]{1,100}$/, 'the name of an event; `*` stands for any letters')
const SMTP_URL = matching(
  /^smtps?:\/\/(?:[^\s@/]*@)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\/?(?:\?\S*)?$/,
  'an address such as smtp://user:password@mail.example:587 (smtps: encrypted from the start)',
)
/** One address and nothing else: whatever divides addresses or ends a line is none. */
export const MAIL_ADDRESS = /^[^\s@<>()[\]\\,;:"]{1,64}@[^\s@<>()[\]\\,;:"]{1,255}$/
const ADDRESS = matching(MAIL_ADDRESS, 'an address such as shop@example.com')

/** What customers are written. */
export const CUSTOMER_MAILS = ['order_confirmation', 'order_shipped'] as const

export const notices = {
  'webhooks.allow_private': setting(
    flag,
    false,
    'Lets webhooks reach addresses of one’s own network and of this machine.',
  ),
  'webhooks.allowed_hosts': setting(
    listOf(hostName),
    [],
    'Only these hosts may be reached by webhooks. None: all that are public.',
  ),
  'webhooks.timeout': setting(duration('100ms', '15s'), '10s', 'For one delivery, to its answer.'),
  'webhooks.pause_after': setting(
    integer(1, 100_000),
    20,
    'Deliveries given up one after the other, and the webhook is paused until an operator looks.',
  ),
  'notifications.retry_base': setting(
    duration('1ms', '1h'),
    '2s',
    'The pause after the first failure of a delivery; each next one is twice as long.',
  ),
  'notifications.retry_max': setting(duration('1ms', '24h'), '1h', 'The longest of these pauses.'),
  'notifications.attempts': setting(
    integer(1, 10_000),
    100,
    'Attempts of one delivery before it is given up.',
  ),
  'notifications.give_up_after': setting(
    duration('1s', '365d'),
    '3d',
    'How long a delivery is tried before it is given up.',
  ),
  'notifications.keep': setting(
    duration('1m', '3650d'),
    '30d',
    'How long it is kept what became of a delivery.',
  ),
  'notifications.log': setting(
    listOf(PATTERN),
    [],
    'Events of which a line is written to standard error: `SagaFailed`, `Stock*`.',
  ),
  'notifications.operators': setting(
    listOf(ADDRESS),
    [],
    'Who is written to about low stock, discrepancies, and what needs a person.',
  ),
  'notifications.alerts_per_hour': setting(
    integer(1, 100_000),
    60,
    'Messages to operators in an hour about one kind of event. The last says that no more come.',
  ),
  'notifications.customers': setting(
    listOf(oneOf(CUSTOMER_MAILS)),
    ['order_confirmation'],
    'What customers are written, once `smtp.url` is set.',
  ),
  'notifications.mail_max_age': setting(
    duration('1m', '365d'),
    '24h',
    'What happened longer ago is not written of any more.',
  ),
  'smtp.url': secret(orEmpty(SMTP_URL), '', 'The server that takes e-mail. Empty: none is sent.'),
  'smtp.from': setting(orEmpty(ADDRESS), '', 'Who e-mail comes from.'),
  'smtp.timeout': setting(duration('100ms', '60s'), '20s', 'For each answer of the mail server.'),
} as const
