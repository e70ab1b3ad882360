// The log's tables on PostgreSQL and the function that appends a whole batch in one call.
import type { Migration } from './migrate.ts'

export const SCHEMA = 'event_store'

/**
 * Seconds of a stalled transaction are seconds without appends: everything here is one statement.
 */
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
 * A batch is `{ n, c, w, e, m, k, q }`. `n`: events in all; `c`: events of each append; `w`: writes
 * `{ a, w, s, x, h }` (append, index, stream, expected version if any, h: it has to be there); `e`:
 * events `{ a, p, w, v, s, i, t, y, d, m, o }` (p: place among all events, v: place in its write);
 * `m`: texts of metadata; `k`: commands `{ a, i, f, r, p, w, v }` (id, fingerprint, response; p and
 * v: of the last event and of the first write, w: 0 without writes); `q`: claims `{ a, s, v, o, r
 * }` (r: a release). Appends, writes and metadata count from 1. No stream that is written, no claim
 * and no command comes twice in a batch, so each append is judged against what is stored; versions
 * are read by statements that begin after the counter is held (so nothing here is STABLE). Arrays
 * instead of joins: a call for one event takes a third less time.
 */
const APPEND = `
CREATE FUNCTION event_store.append(
  doc jsonb, OUT first bigint, OUT at timestamptz, OUT versions bigint[], OUT refused jsonb
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
  written bigint := (doc->>'n')::bigint;
  metadatas text[];
  -- By append: events of refused appends before it; null where it is refused itself.
  shift bigint[];
BEGIN
  UPDATE event_store.head SET position = position + written,
      timestamp = greatest(timestamp, date_trunc('milliseconds', clock_timestamp()))
    RETURNING position - written, timestamp INTO first, at;

  SELECT array_agg(coalesce(l.version, 0) ORDER BY d.w),
      jsonb_agg(jsonb_build_object('a', d.a, 'reason', 'conflict', 'stream', d.s,
        'actual', coalesce(l.version, 0)) ORDER BY d.w)
        FILTER (WHERE d.x <> coalesce(l.version, 0) OR (d.h AND l.version IS NULL))
    INTO versions, refused
    FROM jsonb_to_recordset(doc->'w') d(a int, w int, s text, x bigint, h bool)
    LEFT JOIN LATERAL (SELECT version FROM event_store.log k WHERE k.stream = d.s
      ORDER BY version DESC LIMIT 1) l ON true;
  IF doc ? 'k' THEN
    refused := event_store.known_commands(doc->'k') || coalesce(refused, '[]');
  END IF;
  IF doc ? 'q' THEN
    refused := coalesce(refused, '[]') || event_store.taken_claims(doc->'q');
  END IF;
  IF refused <> '[]' THEN
    SELECT array_agg(CASE WHEN NOT bad THEN gone END ORDER BY a) INTO shift
    FROM (SELECT a, bad, coalesce(sum(e) FILTER (WHERE bad) OVER (ORDER BY a), 0) AS gone
      FROM (SELECT a, e::bigint, refused @> jsonb_build_array(jsonb_build_object('a', a)) AS bad
        FROM jsonb_array_elements_text(doc->'c') WITH ORDINALITY c(e, a)) b) s;
  END IF;

  IF written > 0 THEN
    SELECT array_agg(t ORDER BY n) INTO metadatas
      FROM jsonb_array_elements_text(doc->'m') WITH ORDINALITY m(t, n);
    INSERT INTO event_store.log (position, event_id, stream, version, event_type, event_version,
        data, metadata, occurred_at, timestamp)
      SELECT first + d.p - coalesce(shift[d.a], 0), d.i, d.s, versions[d.w] + d.v, d.t, d.y,
        d.d::json, metadatas[d.m]::json, d.o, at
      FROM jsonb_to_recordset(doc->'e') d(a int, p int, w int, v int, s text, i uuid, t text, y int,
        d text, m int, o timestamptz)
      WHERE shift IS NULL OR shift[d.a] IS NOT NULL;
    IF shift IS NOT NULL THEN
      GET DIAGNOSTICS written = ROW_COUNT;
      UPDATE event_store.head SET position = first + written;
    END IF;
  END IF;
  IF doc ? 'k' THEN
    INSERT INTO event_store.commands (id, fingerprint, position, version, response)
      SELECT d.i, d.f, first + d.p - coalesce(shift[d.a], 0), coalesce(versions[d.w], 0) + d.v, d.r
      FROM jsonb_to_recordset(doc->'k') d(a int, i text, f text, r text, p int, w int, v int)
      WHERE shift IS NULL OR shift[d.a] IS NOT NULL;
  END IF;
  IF doc ? 'q' THEN
    PERFORM event_store.move_claims(doc->'q', shift);
  END IF;
END $$;

CREATE FUNCTION event_store.known_commands(commands jsonb) RETURNS jsonb
LANGUAGE sql SET enable_seqscan = off AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('a', d.a, 'reason',
    CASE WHEN c.fingerprint = d.f THEN 'repeated' ELSE 'reused' END, 'record', to_jsonb(c))), '[]')
  FROM jsonb_to_recordset(commands) d(a int, i text, f text)
  JOIN LATERAL (SELECT * FROM event_store.commands k WHERE k.id = d.i LIMIT 1) c ON true
$$;

CREATE FUNCTION event_store.taken_claims(claims jsonb) RETURNS jsonb
LANGUAGE sql SET enable_seqscan = off AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('a', d.a, 'reason', 'claimed', 'owner', k.owner,
    'claim', jsonb_build_object('scope', d.s, 'value', d.v, 'owner', d.o)) ORDER BY n), '[]')
  FROM ROWS FROM (jsonb_to_recordset(claims) AS (a int, s text, v text, o text, r bool))
    WITH ORDINALITY d(a, s, v, o, r, n)
  JOIN LATERAL (SELECT owner FROM event_store.claims k
    WHERE k.scope = d.s AND k.value = d.v LIMIT 1) k ON true
  WHERE NOT d.r AND k.owner <> d.o AND NOT EXISTS (
    SELECT FROM jsonb_to_recordset(claims) x(a int, s text, v text, o text, r bool)
    WHERE x.r AND x.a = d.a AND x.s = d.s AND x.v = d.v AND x.o = k.owner)
$$;

CREATE FUNCTION event_store.move_claims(claims jsonb, shift bigint[]) RETURNS void
LANGUAGE sql SET enable_seqscan = off AS $$
  DELETE FROM event_store.claims k
    USING jsonb_to_recordset(claims) d(a int, s text, v text, o text, r bool)
    WHERE d.r AND k.scope = d.s AND k.value = d.v AND k.owner = d.o
      AND (shift IS NULL OR shift[d.a] IS NOT NULL);
  INSERT INTO event_store.claims (scope, value, owner)
    SELECT DISTINCT d.s, d.v, d.o
    FROM jsonb_to_recordset(claims) d(a int, s text, v text, o text, r bool)
    WHERE NOT d.r AND (shift IS NULL OR shift[d.a] IS NOT NULL)
    ON CONFLICT (scope, value) DO UPDATE SET owner = excluded.owner;
$$;

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
  {
    number: 3,
    name: 'unfinished',
    // True while a restore has not come to its end: the log is a part.
    sql: `ALTER TABLE event_store.housekeeping ADD COLUMN unfinished bool NOT NULL DEFAULT false`,
  },
]
