// What a server must be before shops trust it with their money.
import type { Connections, Statement } from './connections.ts'

const VERSION_MIN = 15
const SETTINGS: Statement = {
  name: '',
  text: `SELECT current_setting('server_version_num')::int AS version,
    current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('lock_timeout') AS lock_timeout, current_setting('timezone') AS timezone`,
}
type Settings = {
  readonly version: number
  readonly encoding: string
  readonly fsync: string
  readonly full_page_writes: string
  readonly synchronous_commit: string
  readonly lock_timeout: string
  readonly timezone: string
}

/** Throws Error that says what is wrong and what to do. */
export async function checkServer({ read }: Connections): Promise<void> {
  const [found] = await read<Settings>(SETTINGS)
  const problem = problemOf(found!)
  if (problem !== null) throw new Error(problem)
}

export function problemOf({ version, encoding, ...others }: Settings): string | null {
  const major = Math.floor(version / 10_000)
  if (major < VERSION_MIN)
    return `PostgreSQL ${major} is too old; ${VERSION_MIN} or newer is needed`
  if (encoding !== 'UTF8')
    return `the database is encoded in ${encoding}; create one with ENCODING 'UTF8'`
  for (const name of ['fsync', 'full_page_writes'] as const)
    if (others[name] !== 'on')
      return `the server runs with ${name} ${others[name]} and would lose acknowledged events; set it to on`
  for (const [name, isRight] of Object.entries(SESSION)) {
    const value = others[name as keyof typeof SESSION]
    if (!isRight(value))
      return (
        `sessions have ${name} ${value}, which is not what was asked for: a pooler on the way drops ` +
        'startup options; give them to the role (docs/operating.md, PgBouncer), or connect directly'
      )
  }
  return null
}

/** What connections.ts asks for, where it would not be noticed until it is too late. */
const SESSION = {
  synchronous_commit: (value: string) => value === 'on' || value === 'remote_apply',
  lock_timeout: (value: string) => value !== '0',
  timezone: (value: string) => value === 'UTC',
} as const
