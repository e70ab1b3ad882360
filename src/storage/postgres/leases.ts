// Leases between processes on many machines, in the schema `leases`. Their only clock is the
// server's.
import type { Leases } from '#storage/leases.ts'
import { connect, type Statement } from './connections.ts'
import { type Migration, migrate } from './migrate.ts'

const TABLE: Migration = {
  number: 1,
  name: 'leases',
  // A released lease stays with its token: the next holder's must be larger.
  sql: `CREATE TABLE leases.leases (
      name text COLLATE "C" PRIMARY KEY,
      holder text COLLATE "C",
      token bigint NOT NULL,
      until timestamptz NOT NULL,
      given_for interval NOT NULL
    ) WITH (fillfactor = 50);`,
}

// What seems to last longer than it was given for was given before the clock was set back.
const RUNS = `(l.holder IS NOT NULL AND clock_timestamp() < l.until
  AND l.until - clock_timestamp() <= l.given_for)`

const ACQUIRE: Statement = {
  name: 'leases_acquire',
  text: `INSERT INTO leases.leases AS l (name, holder, token, until, given_for)
    SELECT $1, $2, 1, clock_timestamp() + given.time, given.time
    FROM (SELECT $3::float8 * interval '1 millisecond' AS time) AS given
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
      token = l.token + (l.holder IS DISTINCT FROM excluded.holder)::int,
      until = excluded.until, given_for = excluded.given_for
    WHERE l.holder = excluded.holder OR NOT ${RUNS}
    RETURNING token`,
}
const RELEASE: Statement = {
  name: 'leases_release',
  text: 'UPDATE leases.leases SET holder = NULL WHERE name = $1 AND holder = $2',
}
const HELD: Statement = {
  name: 'leases_held',
  text: `SELECT name, holder, token FROM leases.leases AS l
    WHERE starts_with(name, $1) AND ${RUNS} ORDER BY name`,
}

/** Throws Unavailable when the server cannot be reached, as every method does. */
export async function openLeases({ url }: { readonly url: string }): Promise<Leases> {
  // All of it may run twice for the same holder, so a connection that died is no reason to fail.
  const connections = connect(url)
  const { read, close } = connections
  try {
    await migrate(connections, 'leases', [TABLE])
  } catch (error) {
    await close()
    throw error
  }
  return {
    async acquire(name, holder, forMs) {
      const [row] = await read<{ token: number }>(ACQUIRE, [name, holder, forMs])
      return row === undefined ? null : { name, holder, token: row.token }
    },
    async release(name, holder) {
      await read(RELEASE, [name, holder])
    },
    held: (prefix) => read(HELD, [prefix]),
    close,
  }
}
