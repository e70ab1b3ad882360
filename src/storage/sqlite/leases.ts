// Leases between the processes of one machine, in a small file of their own so that taking one
// never waits for the log. Their clock is the machine's monotonic one, which all its processes
// share.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Leases } from '#storage/leases.ts'
import { wholeIn } from './whole.ts'

type Row = { holder: string | null; token: number; until: number; for_ms: number }

export async function openLeases({ path }: { readonly path: string }): Promise<Leases> {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path)
  // Losing a lease in a power cut is harmless, but a token that falls back would fence nobody.
  db.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS leases (
      name TEXT PRIMARY KEY, holder TEXT, token INTEGER NOT NULL,
      until INTEGER NOT NULL,  -- milliseconds of the machine's monotonic clock
      for_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;`)
  const get = db.prepare('SELECT holder, token, until, for_ms FROM leases WHERE name = ?')
  const put = db.prepare(
    `INSERT INTO leases (name, holder, token, until, for_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token,
       until = excluded.until, for_ms = excluded.for_ms`,
  )
  const free = db.prepare('UPDATE leases SET holder = NULL WHERE name = ? AND holder = ?')
  const begun = db.prepare(
    `SELECT name, holder, token, until, for_ms FROM leases
     WHERE holder IS NOT NULL AND substr(name, 1, length(?1)) = ?1 ORDER BY name`,
  )
  const none: Row = { holder: null, token: 0, until: 0, for_ms: 0 }

  const take = (name: string, holder: string, forMs: number) => {
    const now = machineMs()
    const held = (get.get(name) as Row | undefined) ?? none
    const mine = held.holder === holder
    if (!mine && held.holder !== null && isRunning(held, now)) return null
    const token = mine ? held.token : held.token + 1
    put.run(name, holder, token, now + Math.ceil(forMs), Math.ceil(forMs))
    return { name, holder, token }
  }

  const whole = wholeIn(db)
  return {
    // Reading and writing under one lock: two processes must not both see it free.
    acquire: async (name, holder, forMs) => whole(() => take(name, holder, forMs)),
    async release(name, holder) {
      free.run(name, holder)
    },
    async held(prefix) {
      const now = machineMs()
      const rows = begun.all(prefix) as (Row & { name: string; holder: string })[]
      return rows
        .filter((row) => isRunning(row, now))
        .map(({ name, holder, token }) => ({ name, holder, token }))
    },
    async close() {
      if (db.isOpen) db.close()
    },
  }
}

// After a restart of the machine its clock begins anew: what seems to last longer than it was given
// for was given before that.
const isRunning = ({ until, for_ms }: Row, now: number) => now < until && until - now <= for_ms

const machineMs = () => Number(process.hrtime.bigint() / 1_000_000n)
