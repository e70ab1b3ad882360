// Leases between processes on many machines, in the schema `leases`. Their only clock is the
// server's. A process that shares much work prolongs all of it with one statement: each would wait
// for the server's disk.
import { setImmediate as turn } from 'node:timers/promises'
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
    SELECT asked, $2, 1, clock_timestamp() + given.time, given.time
    FROM unnest($1::text[]) AS asked,
      (SELECT $3::float8 * interval '1 millisecond' AS time) AS given
    -- In one order for all, so that no two wait for each other.
    ORDER BY asked COLLATE "C"
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
      token = l.token + (l.holder IS DISTINCT FROM excluded.holder)::int,
      until = excluded.until, given_for = excluded.given_for
    WHERE l.holder = excluded.holder OR NOT ${RUNS}
    RETURNING name, token`,
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
  type Taken = { readonly name: string; readonly token: number }
  const takings = new Map<string, { names: Set<string>; taken: Promise<readonly Taken[]> }>()
  /** All that a holder asks for in one turn of the process. */
  const taking = (holder: string, forMs: number) => {
    const key = `${forMs} ${holder}`
    const begun = takings.get(key)
    if (begun !== undefined) return begun
    const names = new Set<string>()
    const taken = turn().then(() => {
      takings.delete(key)
      return read<Taken>(ACQUIRE, [[...names], holder, forMs])
    })
    const one = { names, taken }
    takings.set(key, one)
    return one
  }
  return {
    async acquire(name, holder, forMs) {
      const { names, taken } = taking(holder, forMs)
      names.add(name)
      const mine = (await taken).find((one) => one.name === name)
      return mine === undefined ? null : { name, holder, token: mine.token }
    },
    async release(name, holder) {
      await read(RELEASE, [name, holder])
    },
    held: (prefix) => read(HELD, [prefix]),
    close,
  }
}
