// What a server must be before shops trust it with their money.
import type { Connections, Statement } from './connections.ts'

const VERSION_MIN = 15
const SETTINGS: Statement = {
  name: '',
  text: `SELECT current_setting('server_version_num')::int AS version,
    current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes`,
}
type Settings = {
  readonly version: number
  readonly encoding: string
  readonly fsync: string
  readonly full_page_writes: string
}

/** Throws Error that says what is wrong and what to do. */
export async function checkServer({ read }: Connections): Promise<void> {
  const [found] = await read<Settings>(SETTINGS)
  const problem = problemOf(found!)
  if (problem !== null) throw new Error(problem)
}

export function problemOf({ version, encoding, ...durable }: Settings): string | null {
  const major = Math.floor(version / 10_000)
  if (major < VERSION_MIN)
    return `PostgreSQL ${major} is too old; ${VERSION_MIN} or newer is needed`
  if (encoding !== 'UTF8')
    return `the database is encoded in ${encoding}; create one with ENCODING 'UTF8'`
  for (const [name, value] of Object.entries(durable))
    if (value !== 'on')
      return `the server runs with ${name} ${value} and would lose acknowledged events; set it to on`
  return null
}
