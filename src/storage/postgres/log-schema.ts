// The log's tables on PostgreSQL and the function that appends a whole batch in one call.
import type { Migration } from './migrate.ts'

export const SCHEMA = 'event_store'

/** Seconds of a stalled transaction are seconds without appends: everything here is one statement. */
const TABLES = `
CREATE TABLE event_store.log (
  position bigint PRIMARY KEY,
  event_id uuid NOT NULL,
  stream text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  event_type text COLLATE "C" NOT NULL,
  event_version int NOT NULL,
  data json NOT NULL,                -- json, not jsonb: what goes in comes out, letter by letter
  metadata json NOT NULL,
  occurred_at timestamptz,           -- null: when it was recorded
  timestamp timestamptz NOT NULL,
  UNIQUE (stream, version)
);
-- The counter: whoever appends holds this row until the commit, so positions have no gaps and rise
-- in the order of the commits. Room on its page keeps the updates in place.
CREATE TABLE event_store.head (
  one bool PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL,
  timestamp timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
INSERT INTO event_store.head VALUES (true, 0, to_timestamp(0));
CREATE TABLE event_store.claims (
  scope text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL, owner text COLLATE "C" NOT NULL,
  PRIMARY KEY (scope, value)
);
CREATE TABLE event_store.commands (
  id text COLLATE "C" PRIMARY KEY, fingerprint text NOT NULL, position bigint NOT NULL,
  version bigint NOT NULL, response text
);
-- For dropping old responses: positions rise with the rows, so a summary per range of pages will do.
CREATE INDEX commands_position ON event_store.commands USING brin (position)
  WITH (autosummarize = on);
CREATE TABLE event_store.housekeeping (
  one bool PRIMARY KEY DEFAULT true CHECK (one), responses_dropped_to bigint NOT NULL
);
INSERT INTO event_store.housekeeping VALUES (true, 0);
CREATE TABLE event_store.snapshots (
  stream text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, state_version int NOT NULL,
  state text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION event_store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'events are never changed or deleted'; END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON event_store.log
  FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

-- The same events under the column names that analysts know from elsewhere.
CREATE VIEW event_store.events AS SELECT
  event_id, split_part(stream, '-', 1) AS aggregate_type,
  substr(stream, strpos(stream, '-') + 1) AS aggregate_id, version AS stream_version,
  event_type, event_version, data::jsonb AS event_data, metadata::jsonb AS metadata,
  coalesce(occurred_at, timestamp) AS occurred_at, timestamp AS created_at,
  position AS sequence_number
FROM event_store.log;
`

/**
 * A batch is `{ n, a, w, e, m, c }`: the number of events; appends `{ a, e, i, f, r, n }` (index,
 * events, command id, fingerprint, response, events of its first write); writes `{ a, n, s, x, h }`
 * (append, index, stream, expected version if any, h: it has to be there); events `{ a, n, s, v, i, t, y, d,
 * m, o }` (append, index in it, stream, index in the stream, id, type, type version, data, index of
 * metadata, occurred_at); metadata `{ m, t }`; claims `{ a, s, v, o, r }` (r: a release). No stream
 * that is written, no claim and no command comes twice in a batch, so each append is judged against
 * what is stored. Versions are read by a statement that begins after the counter is held.
 */
const APPEND = `
CREATE FUNCTION event_store.append(
  doc jsonb, OUT first bigint, OUT at timestamptz, OUT versions bigint[], OUT refused jsonb
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE written bigint;
BEGIN
  UPDATE event_store.head SET position = position + (doc->>'n')::bigint,
      timestamp = greatest(timestamp, date_trunc('milliseconds', clock_timestamp()))
    RETURNING position - (doc->>'n')::bigint, timestamp INTO first, at;
  WITH
  appends AS MATERIALIZED (
    SELECT d.a, d.e, d.i, d.f, d.r, d.n, c.fingerprint, c.position, c.version, c.response
    FROM jsonb_to_recordset(doc->'a') d(a int, e int, i text, f text, r text, n int)
    LEFT JOIN LATERAL (SELECT * FROM event_store.commands k WHERE k.id = d.i LIMIT 1) c ON true),
  writes AS MATERIALIZED (
    SELECT d.a, d.n, d.s, d.x, d.h, coalesce(l.version, 0) AS v
    FROM jsonb_to_recordset(doc->'w') d(a int, n int, s text, x bigint, h bool)
    LEFT JOIN LATERAL (SELECT version FROM event_store.log k WHERE k.stream = d.s
      ORDER BY version DESC LIMIT 1) l ON true),
  bad AS MATERIALIZED (
    SELECT a, 0 AS rank, 0 AS n, jsonb_build_object('a', a, 'reason',
        CASE WHEN fingerprint = f THEN 'repeated' ELSE 'reused' END, 'record', jsonb_build_object(
        'id', i, 'fingerprint', fingerprint, 'position', position, 'version', version,
        'response', response)) AS why
      FROM appends WHERE fingerprint IS NOT NULL
    UNION ALL
    SELECT a, 1, n, jsonb_build_object('a', a, 'reason', 'conflict', 'stream', s, 'actual', v)
      FROM writes WHERE x <> v OR (h AND v = 0)
    UNION ALL
    SELECT d.a, 2, d.n, jsonb_build_object('a', d.a, 'reason', 'claimed', 'owner', k.owner,
        'claim', jsonb_build_object('scope', d.s, 'value', d.v, 'owner', d.o))
      FROM jsonb_to_recordset(doc->'c') d(a int, n int, s text, v text, o text, r bool)
      JOIN LATERAL (SELECT owner FROM event_store.claims k
        WHERE k.scope = d.s AND k.value = d.v LIMIT 1) k ON true
      WHERE NOT d.r AND k.owner <> d.o AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(doc->'c') x(a int, s text, v text, o text, r bool)
        WHERE x.r AND x.a = d.a AND x.s = d.s AND x.v = d.v AND x.o = k.owner)),
  good AS MATERIALIZED (
    SELECT a, e, i, f, r, n, sum(e) OVER (ORDER BY a) AS upto
    FROM appends WHERE a NOT IN (SELECT a FROM bad)),
  stored AS (
    INSERT INTO event_store.log (position, event_id, stream, version, event_type, event_version,
      data, metadata, occurred_at, timestamp)
    SELECT first + g.upto - g.e + d.n, d.i, d.s, w.v + d.v, d.t, d.y, d.d::json, m.t::json, d.o, at
    FROM jsonb_to_recordset(doc->'e') d(a int, n int, s text, v int, i uuid, t text, y int, d text,
      m int, o timestamptz)
    JOIN good g ON g.a = d.a JOIN writes w ON w.a = d.a AND w.s = d.s
    JOIN jsonb_to_recordset(doc->'m') m(m int, t text) ON m.m = d.m
    RETURNING 1),
  recorded AS (
    INSERT INTO event_store.commands (id, fingerprint, position, version, response)
    SELECT g.i, g.f, first + g.upto, coalesce(w.v + g.n, 0), g.r
    FROM good g LEFT JOIN writes w ON w.a = g.a AND w.n = 0 WHERE g.i IS NOT NULL
    RETURNING 1)
  SELECT (SELECT array_agg(v ORDER BY a, n) FROM writes),
    (SELECT jsonb_agg(why ORDER BY a, rank, n) FROM bad),
    (SELECT count(*) FROM stored), (SELECT count(*) FROM recorded)
    INTO versions, refused, written;
  IF written <> (doc->>'n')::bigint THEN
    UPDATE event_store.head SET position = first + written;
  END IF;
  IF doc ? 'c' THEN
    DELETE FROM event_store.claims k USING jsonb_to_recordset(doc->'c')
      d(a int, s text, v text, o text, r bool)
      WHERE d.r AND k.scope = d.s AND k.value = d.v AND k.owner = d.o
        AND NOT coalesce(refused @> jsonb_build_array(jsonb_build_object('a', d.a)), false);
    INSERT INTO event_store.claims (scope, value, owner)
      SELECT DISTINCT d.s, d.v, d.o
      FROM jsonb_to_recordset(doc->'c') d(a int, s text, v text, o text, r bool)
      WHERE NOT d.r AND NOT coalesce(refused @> jsonb_build_array(jsonb_build_object('a', d.a)), false)
      ON CONFLICT (scope, value) DO UPDATE SET owner = excluded.owner;
  END IF;
END $$;

-- Times never fall along the log, so halving finds the place without an index.
CREATE FUNCTION event_store.position_at(moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE low bigint := 0; high bigint; middle bigint;
BEGIN
  SELECT coalesce(max(position), 0) INTO high FROM event_store.log;
  WHILE low < high LOOP
    middle := (low + high + 1) / 2;
    IF (SELECT timestamp <= moment FROM event_store.log WHERE position = middle)
      THEN low := middle; ELSE high := middle - 1; END IF;
  END LOOP;
  RETURN low;
END $$;
`

export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'log', sql: TABLES },
  { number: 2, name: 'append', sql: APPEND },
]
