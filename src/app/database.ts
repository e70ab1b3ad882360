// Which engine keeps what, and where its server is: from the settings, and from the variables that
// are usual for a database (DB_HOST and so on).
import type { Given } from './config-sources.ts'
import { rolesOf } from './roles.ts'
import type { Config, SettingKey } from './settings.ts'

type Environment = Readonly<Record<string, string | undefined>>
type Origins = ReadonlyMap<string, string>

const SEEDS = {
  DB_HOST: 'database.postgres.host',
  DB_PORT: 'database.postgres.port',
  DB_USER: 'database.postgres.user',
  DB_PASSWORD: 'database.postgres.password',
  DB_NAME: 'database.postgres.name',
} as const satisfies Record<string, SettingKey>
const MYSQL_PORT = '3306'
const POSTGRES_PORT = '5432'

const originOf = (name: string) => `the environment, ${name}`

/** The usual variables, as settings of PostgreSQL; whose they are is judged later. */
export function seedValues(env: Environment): readonly Given[] {
  return Object.entries(SEEDS).flatMap(([name, key]) => {
    const raw = env[name]
    return raw === undefined || raw === '' ? [] : [{ key, raw, origin: originOf(name) }]
  })
}

type Driver = Config['event_store.driver']
type Named = { readonly what: string; readonly driver: Driver | null; readonly by: string }

const WAYS =
  'say which with database.driver: sqlite, postgres or memory (--set database.driver=postgres, ' +
  'DATABASE_DRIVER), or set the address of one server only'

/** File, environment, command line: what is said later counts. */
const strength = (origin: string | undefined): number =>
  origin === undefined
    ? 0
    : ['the environment', 'the command line'].findIndex((by) => origin.startsWith(by)) + 2

/** Puts the drivers in that nobody named; what is wrong when they cannot be told. */
export function chooseDrivers(
  values: { -readonly [K in keyof Config]: Config[K] },
  origins: Origins,
  env: Environment,
): readonly string[] {
  const { 'database.driver': named } = values
  const servers = serversIn(origins, env)
  // What is said of one store counts, unless both are spoken of from further up.
  const isNamed = (key: 'event_store.driver' | 'read_store.driver') =>
    origins.has(key) && strength(origins.get(key)) >= strength(origins.get('database.driver'))
  const isOwn = isNamed('event_store.driver')
  const problem = named !== '' ? null : isOwn ? overruled(values, origins) : problemWith(servers)
  if (problem !== null) return [problem]
  const chosen = named || (servers[0]?.driver ?? 'sqlite')
  if (!isOwn) values['event_store.driver'] = chosen
  const log = values['event_store.driver']
  // Rows that outlive their events would be wrong; events named alone take the rows along.
  if (!isNamed('read_store.driver')) values['read_store.driver'] = named || log
  return [
    ...(log === 'memory' && values['read_store.driver'] !== 'memory'
      ? [
          `read_store.driver is ${values['read_store.driver']} and event_store.driver is memory: ` +
            'rows would outlive their events; allowed is memory for both',
        ]
      : []),
    ...addressProblems(values, origins),
  ]
}

/** A file says SQLite, and somebody further up gives the address of a server. */
function overruled(config: Config, origins: Origins): string | null {
  const driver = config['event_store.driver']
  const [origin, by] = [origins.get('event_store.driver'), ownAddresses(origins)]
  const stronger = by.find((key) => strength(origins.get(key)) > strength(origin))
  if (driver === 'postgres' || stronger === undefined) return null
  return (
    `${stronger} (from ${origins.get(stronger)}) names PostgreSQL, and event_store.driver is ` +
    `${driver} (from ${origin}); ${WAYS}`
  )
}

/** The database servers that something gives an address of, with what said so. */
function serversIn(origins: Origins, env: Environment): readonly Named[] {
  const from = (key: SettingKey) => `${key} (from ${origins.get(key)})`
  const own = ownAddresses(origins)
  const servers: Named[] = []
  if (env.DB_PORT === MYSQL_PORT)
    servers.push({ what: 'MySQL', driver: null, by: `DB_PORT ${MYSQL_PORT}` })
  else if (env.DB_PORT === POSTGRES_PORT)
    servers.push({ what: 'PostgreSQL', driver: 'postgres', by: `DB_PORT ${POSTGRES_PORT}` })
  else if (env.DB_HOST && own.length === 0)
    servers.push({ what: 'a server of an unknown kind', driver: null, by: 'DB_HOST' })
  if (own.length > 0 && servers.every(({ driver }) => driver !== 'postgres'))
    servers.push({ what: 'PostgreSQL', driver: 'postgres', by: own.map(from).join(', ') })
  if (env.MONGODB_URI) servers.push({ what: 'MongoDB', driver: null, by: 'MONGODB_URI' })
  const path = origins.get('database.sqlite.path') ?? ''
  if (servers.length > 0 && path.startsWith('the command line'))
    servers.push({ what: 'a SQLite file', driver: 'sqlite', by: `--data (from ${path})` })
  return servers
}

/** Said under our own names; DB_HOST may be anybody's. */
const ownAddresses = (origins: Origins) =>
  (['database.postgres.url', 'database.postgres.host'] as const).filter(
    (key) => origins.has(key) && origins.get(key) !== originOf('DB_HOST'),
  )

function problemWith(servers: readonly Named[]): string | null {
  const [first, ...others] = servers
  if (first === undefined) return null
  const told = servers.map(({ what, by }) => `${by} names ${what}`).join(', ')
  if (others.length > 0) return `several databases are configured: ${told}; ${WAYS}`
  if (first.driver !== null) return null
  return first.by === 'DB_HOST'
    ? `${told}: set DB_PORT=${POSTGRES_PORT} as well, or ${WAYS}`
    : `${told}, which is not built; ${WAYS}`
}

/** An address in one line and one in parts say the same thing twice, and one day not the same. */
function addressProblems(config: Config, origins: Origins): readonly string[] {
  const url = config['database.postgres.url']
  if (url === '') return []
  const parts = ['host', 'port', 'user', 'name'] as const
  const keys: SettingKey[] = parts.map((part) => `database.postgres.${part}` as const)
  if (new URL(url).password !== '') keys.push('database.postgres.password')
  const twice = keys.filter((key) => origins.has(key))
  return twice.map(
    (key) =>
      `${key} (from ${origins.get(key)}) is in database.postgres.url ` +
      `(from ${origins.get('database.postgres.url')}) already; give it once`,
  )
}

/**
 * The server's address with everything that the driver needs. It holds the password: it is never
 * shown.
 */
export function postgresUrl(config: Config, connections: number, forReading = false): string {
  const given = (forReading && config['database.postgres.read_url']) || null
  const url = new URL(given ?? (config['database.postgres.url'] || addressOf(config)))
  const password = config['database.postgres.password']
  if (password !== '' && url.password === '') url.password = encodeURIComponent(password)
  const sslmode = config['database.postgres.sslmode']
  if (sslmode !== '') url.searchParams.set('sslmode', sslmode)
  url.searchParams.set('max_connections', String(connections))
  // So that an operator sees in pg_stat_activity whose they are.
  url.searchParams.set('application_name', `daybook ${rolesOf(config['process.roles']).text}`)
  return url.href
}

function addressOf(config: Config): string {
  const { 'database.postgres.host': host, 'database.postgres.port': port } = config
  const user = encodeURIComponent(config['database.postgres.user'])
  const name = encodeURIComponent(config['database.postgres.name'])
  return `postgres://${user}@${host.includes(':') ? `[${host}]` : host}:${port}/${name}`
}
