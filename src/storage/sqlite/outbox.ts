// The outbox in a file of its own beside the log, so that read models may be deleted and it stays.
// A power cut takes its last moments back, all together: what went out meanwhile goes out twice.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Attempt, Delivery, Mark, Move, Outbox } from '#storage/outbox.ts'
import { makeFolderOf } from './durable.ts'
import { wholeIn } from './whole.ts'

const TABLES = `
  CREATE TABLE IF NOT EXISTS meeting (one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS subscriptions (
    name TEXT PRIMARY KEY, position INTEGER NOT NULL, seen INTEGER NOT NULL,
    given_up INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deliveries (
    subscription TEXT NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL,
    event_type TEXT NOT NULL, stream TEXT NOT NULL, status TEXT NOT NULL,
    attempts INTEGER NOT NULL, taken_at TEXT NOT NULL, next_attempt_at TEXT NOT NULL,
    settled_at TEXT, last_status INTEGER, last_error TEXT,
    PRIMARY KEY (subscription, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS pending_by_stream ON deliveries (subscription, stream, position)
    WHERE status = 'pending';
  CREATE INDEX IF NOT EXISTS pending_by_position ON deliveries (subscription, position)
    WHERE status = 'pending';
  CREATE INDEX IF NOT EXISTS dead ON deliveries (subscription, position) WHERE status = 'dead';
  CREATE INDEX IF NOT EXISTS by_event ON deliveries (subscription, event_id);
  CREATE INDEX IF NOT EXISTS settled ON deliveries (settled_at) WHERE settled_at IS NOT NULL;`

const COLUMNS = `subscription, position, event_id, event_type, stream, status, attempts, taken_at,
  next_attempt_at, settled_at, last_status, last_error`

export async function openOutbox({ path }: { readonly path: string }): Promise<Outbox> {
  makeFolderOf(path)
  const db = new DatabaseSync(path)
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  db.exec(TABLES)
  const statements = statementsOf(db)
  const whole = wholeIn(db)
  return {
    async firstMet(position) {
      statements.meet.run(position)
      return (statements.met.get() as { position: number }).position
    },
    async subscriptions() {
      return statements.subscriptions.all().map((row) => ({ ...row })) as never
    },
    move: async (move) => whole(() => moved(statements, move)),
    async due(subscription, now, limit) {
      return plain(statements.due.all(subscription, now, limit))
    },
    record: async (attempt) => whole(() => recorded(statements, attempt)),
    async deliveries({ subscription, status, event_id, before, limit }) {
      const wanted = [
        ['status = ?', status],
        ['event_id = ?', event_id],
        ['position < ?', before],
      ].filter(([, value]) => value !== undefined)
      const where = ['subscription = ?', ...wanted.map(([sql]) => sql)].join(' AND ')
      const values = [subscription, ...wanted.map(([, value]) => value), limit] as SQLInputValue[]
      const sql = `SELECT ${COLUMNS} FROM deliveries WHERE ${where} ORDER BY position DESC LIMIT ?`
      return plain(db.prepare(sql).all(...values))
    },
    async drop(subscription) {
      whole(() => {
        statements.dropMark.run(subscription)
        statements.forget.run(subscription, -1)
      })
    },
    prune: async (before, limit) => Number(statements.prune.run(before, limit).changes),
    async close() {
      if (db.isOpen) db.close()
    },
  }
}

type Statements = ReturnType<typeof statementsOf>

// By name: left to itself it takes the primary key, and goes through all that was ever settled.
function statementsOf(db: DatabaseSync) {
  return {
    meet: db.prepare('INSERT INTO meeting (one, position) VALUES (1, ?) ON CONFLICT DO NOTHING'),
    met: db.prepare('SELECT position FROM meeting'),
    subscriptions: db.prepare(`SELECT name, position, seen, given_up,
        (SELECT count(*) FROM deliveries d INDEXED BY pending_by_position
          WHERE d.subscription = s.name AND d.status = 'pending') AS pending,
        (SELECT count(*) FROM deliveries d INDEXED BY dead
          WHERE d.subscription = s.name AND d.status = 'dead') AS dead
      FROM subscriptions s ORDER BY name`),
    mark: db.prepare('SELECT position, seen, given_up FROM subscriptions WHERE name = ?'),
    putMark: db.prepare(`INSERT INTO subscriptions (name, position, seen, given_up)
      VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position,
        seen = excluded.seen, given_up = excluded.given_up`),
    dropMark: db.prepare('DELETE FROM subscriptions WHERE name = ?'),
    forget: db.prepare('DELETE FROM deliveries WHERE subscription = ? AND position > ?'),
    again: db.prepare(`UPDATE deliveries SET status = 'pending', attempts = 0, settled_at = NULL,
        next_attempt_at = ? WHERE subscription = ? AND event_id = ?`),
    take: db.prepare(`INSERT INTO deliveries (${COLUMNS})
      VALUES (?, ?, ?, ?, ?, 'pending', 0, ?6, ?6, NULL, NULL, NULL) ON CONFLICT DO NOTHING`),
    due: db.prepare(`SELECT ${COLUMNS} FROM deliveries d INDEXED BY pending_by_position
      WHERE subscription = ?1 AND status = 'pending' AND next_attempt_at <= ?2
        AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.subscription = ?1
          AND e.stream = d.stream AND e.status = 'pending' AND e.position < d.position)
      ORDER BY position LIMIT ?3`),
    pending: db.prepare(`SELECT 1 FROM deliveries
      WHERE subscription = ? AND position = ? AND status = 'pending' AND attempts = ?`),
    record: db.prepare(`UPDATE deliveries SET status = ?, attempts = ?, last_status = ?,
        last_error = ?, settled_at = ?, next_attempt_at = coalesce(?, next_attempt_at)
      WHERE subscription = ? AND position = ?`),
    prune: db.prepare(`DELETE FROM deliveries WHERE (subscription, position) IN
      (SELECT subscription, position FROM deliveries
        WHERE settled_at IS NOT NULL AND settled_at < ? LIMIT ?)`),
  }
}

const plain = (rows: readonly object[]): readonly Delivery[] =>
  rows.map((row) => ({ ...row })) as never

type Kept = Mark & { readonly given_up: number }

function moved(statements: Statements, { subscription, from, to, at, ...move }: Move): boolean {
  const kept = statements.mark.get(subscription) as Kept | undefined
  if (kept?.position !== from?.position || kept?.seen !== from?.seen) return false
  const givenUp = kept === undefined || kept.seen !== to.seen ? 0 : kept.given_up
  statements.putMark.run(subscription, to.position, to.seen, givenUp)
  if (kept !== undefined && to.position < kept.position)
    statements.forget.run(subscription, to.position)
  for (const event_id of move.again ?? []) statements.again.run(at, subscription, event_id)
  for (const { position, event_id, event_type, stream } of move.deliveries ?? [])
    statements.take.run(subscription, position, event_id, event_type, stream, at)
  return true
}

function recorded(statements: Statements, attempt: Attempt): number | null {
  const { subscription, position, after, at, status, last_status, last_error } = attempt
  const kept = statements.mark.get(subscription) as Kept | undefined
  if (kept === undefined) return null
  if (statements.pending.get(subscription, position, after) === undefined) return null
  const settledAt = status === 'pending' ? null : at
  const next = attempt.next_attempt_at ?? null
  const outcome = [status, after + 1, last_status, last_error, settledAt, next] as const
  statements.record.run(...outcome, subscription, position)
  const more = status === 'dead' ? 1 : 0
  const givenUp = status === 'delivered' ? 0 : kept.given_up + more
  if (givenUp !== kept.given_up)
    statements.putMark.run(subscription, kept.position, kept.seen, givenUp)
  return givenUp
}
