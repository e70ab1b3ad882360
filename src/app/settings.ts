// The one table of settings: key, kind, default, what it is for. File, environment, flags, the
// typed configuration and docs/reference/settings.md all come from it.
import { ROLE } from './roles.ts'
import { secret, setting } from './setting.ts'
import {
  address,
  decimal,
  duration,
  flag,
  hostName,
  integer,
  type Kind,
  listOf,
  matching,
  oneOf,
  only,
  orEmpty,
  postgresAddress,
  text,
} from './setting-kinds.ts'
import { jobs } from './settings-jobs.ts'
import { notices } from './settings-notices.ts'
import { pos } from './settings-pos.ts'
import { rules } from './settings-rules.ts'
import { shop } from './settings-shop.ts'

const ORIGIN = matching(/^https?:\/\/[^/\s*]+$/, 'an origin such as https://shop.example')
const server = {
  'server.host': setting(
    hostName,
    '127.0.0.1',
    'Where ports listen that name no host themselves. Other than loopback needs authentication.',
  ),
  'server.port': setting(address, ':8080', 'The public API: commands and queries.'),
  'server.query_port': setting(address, ':8081', 'Queries only.'),
  'server.admin_port': setting(address, ':8082', 'The admin API.'),
  'server.health_port': setting(
    orEmpty(address),
    '',
    'Health alone, for a process without an API (roles projection, saga). Empty: no port.',
  ),
  'server.allowed_hosts': setting(
    listOf(hostName),
    [],
    'Names that a Host header may carry beside those of loopback.',
  ),
  'server.read_timeout': setting(duration('100ms', '1h'), '30s', 'To receive one whole request.'),
  'server.write_timeout': setting(duration('100ms', '1h'), '30s', 'To answer one request.'),
  'server.idle_timeout': setting(
    duration('100ms', '1h'),
    '120s',
    'How long a connection may be kept without a request.',
  ),
  'admin.expose_on_main': setting(flag, false, 'Offers the admin API on the public port too.'),
  'cors.origins': setting(listOf(ORIGIN), [], 'Web pages of these origins may call the API.'),
  'auth.enabled': setting(
    only(
      false,
      'listen on loopback, or put something that authenticates in front and set ' +
        'auth.unsafe_allow_anonymous: true',
    ),
    false,
    'Authentication.',
  ),
  'auth.unsafe_allow_anonymous': setting(
    flag,
    false,
    'Lets anyone who reaches a port do anything. Only behind something that authenticates.',
  ),
} as const

const NAME = matching(/^[A-Za-z0-9_.-]{1,63}$/, 'a name of letters, digits, _, . and -')
const POSTGRES_URL = postgresAddress()

const database = {
  'database.driver': setting(
    orEmpty(oneOf(['sqlite', 'postgres', 'memory'])),
    '',
    'Where events and read models are kept. Empty: PostgreSQL if its address is set, else SQLite.',
  ),
  'database.postgres.url': secret(
    orEmpty(POSTGRES_URL),
    '',
    'The server and its database in one line; instead of host, port, user and name.',
  ),
  'database.postgres.read_url': secret(
    orEmpty(POSTGRES_URL),
    '',
    'A replica that answers queries. Empty: the same server.',
  ),
  'database.postgres.host': setting(hostName, 'localhost', 'Its host. Also `DB_HOST`.'),
  'database.postgres.port': setting(integer(1, 65_535), 5432, 'Also `DB_PORT`.'),
  'database.postgres.user': setting(text(63, 1), 'daybook', 'Also `DB_USER`.'),
  'database.postgres.password': secret(
    text(1_000),
    '',
    'Also `DB_PASSWORD`. Empty: what the URL or ~/.pgpass says. Never shown.',
  ),
  'database.postgres.name': setting(NAME, 'daybook', 'The database. Also `DB_NAME`.'),
  'database.postgres.sslmode': setting(
    orEmpty(oneOf(['disable', 'no-verify', 'verify-full'])),
    '',
    '`verify-full`: encrypted and the certificate checked. Empty: what the URL says.',
  ),
  'database.postgres.max_connections': setting(
    integer(3, 1_000),
    10,
    'Connections that one process opens at most, beside a few of its own for listening.',
  ),
  'database.sqlite.path': setting(
    text(1_000, 1),
    'data/daybook.db',
    "The event log's file; read models and keys lie beside it.",
  ),
} as const

const storage = {
  'event_store.driver': setting(
    oneOf(['sqlite', 'postgres', 'memory']),
    'sqlite',
    'Where events are kept, where not as `database.driver` says. `memory` forgets them at exit.',
  ),
  'read_store.driver': setting(
    oneOf(['sqlite', 'postgres', 'memory']),
    'sqlite',
    'Where read models are kept, where not as `database.driver` says.',
  ),
  'bus.driver': setting(oneOf(['memory']), 'memory', 'How events travel to listeners.'),
  'snapshot.every': setting(
    integer(10, 100_000),
    100,
    'Events of one stream between two snapshots.',
  ),
  'seals.every': setting(integer(10, 1_000_000), 1000, 'Events between two seals of the log.'),
  'idempotency.ttl': setting(
    duration('1m', '3650d'),
    '24h',
    "How long a command's answer is kept. That it was carried out is never forgotten.",
  ),
  'consistency.wait_ms': setting(
    integer(0, 60_000),
    2000,
    'How long a query with `min_position` waits for it, in milliseconds.',
  ),
} as const

const REDIS_URL = matching(
  /^rediss?:\/\/(?:[^\s@/]*@)?[A-Za-z0-9.:[\]-]+(?:\/[0-9]{0,2})?$/,
  'an address such as redis://:password@localhost:6379/0 (rediss: encrypted)',
)

const cache = {
  'cache.driver': setting(
    orEmpty(oneOf(['memory', 'redis', 'none'])),
    '',
    'Where answers are kept. `memory`: in the process, where it has the read models to itself ' +
      '(not on PostgreSQL). Empty: Redis if its address is set, else memory.',
  ),
  'cache.ttl.product': setting(duration('1s', '30d'), '3600s', 'For answers about products.'),
  'cache.ttl.stock': setting(duration('1s', '30d'), '30s', 'For answers about stock.'),
  'cache.ttl.dashboard': setting(duration('1s', '30d'), '300s', 'For sums of sales.'),
  'redis.url': secret(
    orEmpty(REDIS_URL),
    '',
    'The Redis that keeps answers; one of its databases serves one shop. Not a cluster.',
  ),
  'redis.timeout': setting(
    duration('10ms', '10s'),
    '100ms',
    'How long one command to Redis may take; then the answer comes without it.',
  ),
} as const

const breakers = {
  'breaker.failures': setting(
    integer(1, 1_000),
    5,
    'So many failures of a dependency within `breaker.window`, and it is left alone.',
  ),
  'breaker.window': setting(duration('10ms', '1h'), '10s', 'The time in which they are counted.'),
  'breaker.open_for': setting(
    duration('10ms', '1h'),
    '30s',
    'How long it is left alone. Answers are the last that were kept, or 503 with Retry-After.',
  ),
  'breaker.half_open_max': setting(
    integer(1, 100),
    1,
    'How many calls are let through after it, to see whether it is back.',
  ),
} as const

const processes = {
  'process.roles': setting(
    listOf(ROLE, 1),
    ['all'],
    'What this process does. Other than `all` needs PostgreSQL.',
  ),
  'reservation.ttl': setting(
    duration('1s', '365d'),
    '15m',
    'How long stock is held for an order that is not paid.',
  ),
  'retry.base': setting(
    duration('1ms', '1h'),
    '200ms',
    'The pause before the first repetition of a failed step.',
  ),
  'retry.factor': setting(decimal(1, 10), 2, 'How much longer each pause is than the one before.'),
  'retry.max': setting(duration('1ms', '24h'), '1m', 'The longest pause.'),
  'retry.attempts': setting(
    integer(1, 100),
    20,
    'Decisions about one command that lost a race to others, before it is given up.',
  ),
  'saga.step_timeout': setting(
    duration('100ms', '24h'),
    '30s',
    'How long one call to the outside may take before its outcome counts as unknown.',
  ),
  'saga.deadline': setting(
    duration('1s', '365d'),
    '24h',
    'When an order that is not finished is taken back.',
  ),
  'saga.alarm_after': setting(
    integer(1, 1_000),
    10,
    'Failed tries of one step before an operator is told. The tries go on.',
  ),
} as const

const service = {
  'cqrs.name': setting(text(200, 1), 'Daybook', "What the API's description calls the service."),
  'cqrs.version': setting(text(50, 1), '0.1.0', 'The version that it tells.'),
  'cqrs.description': setting(text(1_000), 'Event-sourced commerce back end.', 'A line about it.'),
} as const

export const settings = {
  ...server,
  ...database,
  ...storage,
  ...cache,
  ...breakers,
  ...processes,
  ...shop,
  ...pos,
  ...notices,
  ...jobs,
  ...rules,
  ...service,
} as const

export type SettingKey = keyof typeof settings
export type Config = {
  readonly [K in SettingKey]: (typeof settings)[K] extends { readonly kind: Kind<infer T> }
    ? T
    : never
}
export const settingKeys = Object.keys(settings) as readonly SettingKey[]

/** `SERVER_QUERY_PORT` for `server.query_port`. */
export const environmentName = (key: string) => key.toUpperCase().replaceAll('.', '_')

/** Short flags for what is set most often; every key can be set with `--set key=value`. */
export const namedFlags: Readonly<Record<string, SettingKey>> = {
  port: 'server.port',
  'query-port': 'server.query_port',
  'admin-port': 'server.admin_port',
  host: 'server.host',
  data: 'database.sqlite.path',
  role: 'process.roles',
}
