// The outbox in the schema `outbox`, apart from read models and log. Whoever moves a subscription
// or records an attempt holds its row until it is done.
import type { Attempt, Delivery, Mark, Move, Outbox, Subscription } from '#storage/outbox.ts'
import { connect, type Run, type Statement, type Values } from './connections.ts'
import { type Migration, migrate } from './migrate.ts'

const TABLES: Migration = {
  number: 1,
  name: 'outbox',
  sql: `CREATE TABLE outbox.meeting (one int PRIMARY KEY CHECK (one = 1), position bigint NOT NULL);
    CREATE TABLE outbox.subscriptions (
      name text COLLATE "C" PRIMARY KEY, position bigint NOT NULL, seen bigint NOT NULL,
      given_up int NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE outbox.deliveries (
      subscription text COLLATE "C" NOT NULL, position bigint NOT NULL,
      event_id text COLLATE "C" NOT NULL, event_type text COLLATE "C" NOT NULL,
      stream text COLLATE "C" NOT NULL, status text COLLATE "C" NOT NULL, attempts int NOT NULL,
      taken_at text COLLATE "C" NOT NULL, next_attempt_at text COLLATE "C" NOT NULL,
      settled_at text COLLATE "C", last_status int, last_error text COLLATE "C",
      PRIMARY KEY (subscription, position)
    );
    CREATE INDEX pending_by_stream ON outbox.deliveries (subscription, stream, position)
      WHERE status = 'pending';
    CREATE INDEX pending_by_position ON outbox.deliveries (subscription, position)
      WHERE status = 'pending';
    CREATE INDEX dead ON outbox.deliveries (subscription, position) WHERE status = 'dead';
    CREATE INDEX by_event ON outbox.deliveries (subscription, event_id);
    CREATE INDEX settled ON outbox.deliveries (settled_at) WHERE settled_at IS NOT NULL;`,
}

const COLUMNS = `subscription, position, event_id, event_type, stream, status, attempts, taken_at,
  next_attempt_at, settled_at, last_status, last_error`
const statement = (name: string, text: string): Statement => ({ name: `outbox_${name}`, text })

const MEET = statement(
  'meet',
  `WITH met AS (INSERT INTO outbox.meeting (one, position) VALUES (1, $1)
      ON CONFLICT DO NOTHING RETURNING position)
    SELECT position FROM met UNION ALL SELECT position FROM outbox.meeting`,
)
const SUBSCRIPTIONS = statement(
  'subscriptions',
  `SELECT name, position, seen, given_up,
      (SELECT count(*) FROM outbox.deliveries d
        WHERE d.subscription = s.name AND d.status = 'pending') AS pending,
      (SELECT count(*) FROM outbox.deliveries d
        WHERE d.subscription = s.name AND d.status = 'dead') AS dead
    FROM outbox.subscriptions s ORDER BY name`,
)
const BEGIN_MARK = statement(
  'begin',
  `INSERT INTO outbox.subscriptions (name, position, seen, given_up) VALUES ($1, $2, $3, 0)
    ON CONFLICT DO NOTHING RETURNING name`,
)
const MOVE_MARK = statement(
  'move',
  `UPDATE outbox.subscriptions SET position = $4, seen = $5,
      given_up = CASE WHEN seen = $5 THEN given_up ELSE 0 END
    WHERE name = $1 AND position = $2 AND seen = $3 RETURNING name`,
)
const FORGET = statement(
  'forget',
  'DELETE FROM outbox.deliveries WHERE subscription = $1 AND position > $2',
)
const AGAIN = statement(
  'again',
  `UPDATE outbox.deliveries SET status = 'pending', attempts = 0, settled_at = NULL,
      next_attempt_at = $3 WHERE subscription = $1 AND event_id = ANY($2)`,
)
const TAKE = statement(
  'take',
  `INSERT INTO outbox.deliveries (${COLUMNS})
    SELECT $1, d.*, 'pending', 0, $2, $2, NULL, NULL, NULL
    FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS d
    ON CONFLICT DO NOTHING`,
)
const DUE = statement(
  'due',
  `SELECT ${COLUMNS} FROM outbox.deliveries d
    WHERE subscription = $1 AND status = 'pending' AND next_attempt_at <= $2
      AND NOT EXISTS (SELECT FROM outbox.deliveries e WHERE e.subscription = $1
        AND e.stream = d.stream AND e.status = 'pending' AND e.position < d.position)
    ORDER BY position LIMIT $3`,
)
const HOLD = statement('hold', 'SELECT FROM outbox.subscriptions WHERE name = $1 FOR UPDATE')
const RECORD = statement(
  'record',
  `UPDATE outbox.deliveries SET status = $4, attempts = $3 + 1, last_status = $5, last_error = $6,
      settled_at = $7, next_attempt_at = coalesce($8, next_attempt_at)
    WHERE subscription = $1 AND position = $2 AND status = 'pending' AND attempts = $3
    RETURNING position`,
)
const COUNT = statement(
  'count',
  `UPDATE outbox.subscriptions SET given_up =
      CASE $2 WHEN 'delivered' THEN 0 WHEN 'dead' THEN given_up + 1 ELSE given_up END
    WHERE name = $1 RETURNING given_up`,
)
const DELIVERIES = statement(
  'deliveries',
  `SELECT ${COLUMNS} FROM outbox.deliveries WHERE subscription = $1
      AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR event_id = $3)
      AND ($4::bigint IS NULL OR position < $4)
    ORDER BY position DESC LIMIT $5`,
)
const DROP_MARK = statement('drop', 'DELETE FROM outbox.subscriptions WHERE name = $1')
const PRUNE = statement(
  'prune',
  `WITH old AS (DELETE FROM outbox.deliveries WHERE (subscription, position) IN
      (SELECT subscription, position FROM outbox.deliveries
        WHERE settled_at IS NOT NULL AND settled_at < $1 LIMIT $2) RETURNING 1)
    SELECT count(*) AS removed FROM old`,
)

/** Throws Unavailable when the server cannot be reached, as every method does. */
export async function openOutbox({ url }: { readonly url: string }): Promise<Outbox> {
  const connections = connect(url)
  const { read, write, transaction, close } = connections
  try {
    await migrate(connections, 'outbox', [TABLES])
  } catch (error) {
    await close()
    throw error
  }
  const firstMet = async (position: number): Promise<number> => {
    const [row] = await read<Pick<Mark, 'position'>>(MEET, [position])
    // None where another process has just met it: by now its answer is there.
    return row === undefined ? await firstMet(position) : row.position
  }
  return {
    firstMet,
    subscriptions: () => read<Subscription>(SUBSCRIPTIONS),
    move: (move) => transaction((run) => moved(run, move)),
    due: (subscription, now, limit) => read<Delivery>(DUE, [subscription, now, limit]),
    record: (attempt) => transaction((run) => recorded(run, attempt)),
    deliveries: ({ subscription, status = null, event_id = null, before = null, limit }) =>
      read<Delivery>(DELIVERIES, [subscription, status, event_id, before, limit]),
    async drop(subscription) {
      await transaction(async (run) => {
        await run(DROP_MARK, [subscription])
        await run(FORGET, [subscription, -1])
      })
    },
    async prune(before, limit) {
      const [row] = await write<{ removed: number }>(PRUNE, [before, limit])
      return row!.removed
    },
    close,
  }
}

async function moved(run: Run, { subscription, from, to, at, ...move }: Move): Promise<boolean> {
  const after: Values = [to.position, to.seen]
  const rows =
    from === null
      ? await run(BEGIN_MARK, [subscription, ...after])
      : await run(MOVE_MARK, [subscription, from.position, from.seen, ...after])
  if (rows.length === 0) return false
  if (from !== null && to.position < from.position) await run(FORGET, [subscription, to.position])
  const { again = [], deliveries = [] } = move
  if (again.length > 0) await run(AGAIN, [subscription, again, at])
  if (deliveries.length > 0)
    await run(TAKE, [
      ...[subscription, at],
      deliveries.map(({ position }) => position),
      deliveries.map(({ event_id }) => event_id),
      deliveries.map(({ event_type }) => event_type),
      deliveries.map(({ stream }) => stream),
    ])
  return true
}

async function recorded(run: Run, attempt: Attempt): Promise<number | null> {
  const { subscription, position, after, at, status, last_status, last_error } = attempt
  // First, as `move` does: two that wait for each other would both fail.
  await run(HOLD, [subscription])
  const settledAt = status === 'pending' ? null : at
  const rows = await run(RECORD, [
    ...[subscription, position, after, status, last_status, last_error],
    ...[settledAt, attempt.next_attempt_at ?? null],
  ])
  if (rows.length === 0) return null
  const [kept] = await run<{ given_up: number }>(COUNT, [subscription, status])
  return kept?.given_up ?? null
}
