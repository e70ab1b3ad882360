// What PostgreSQL keeps of read models beside the rows, and the functions that change it.
//
// The rows of `items` lie in a table `items#7` that is never renamed and never changes its columns:
// a swap only says which number counts. So neither it nor a frozen view has to wait for the other,
// and no prepared statement ever meets a table of another shape. The view `items` is for people.
import type { Migration } from './migrate.ts'
import { SEARCH_MIGRATION } from './read-model-search.ts'
import { TOTALS_MIGRATION } from './read-model-totals.ts'

export const SCHEMA = 'read_models'

const TABLES = `
CREATE SEQUENCE read_models.projection_numbers;
-- Every table of rows that is there, also one that only a frozen view may still read.
CREATE TABLE read_models.projection_tables (
  number bigint PRIMARY KEY, name text COLLATE "C" NOT NULL
);
CREATE TABLE read_models.projections (
  name text COLLATE "C" PRIMARY KEY,
  table_name text COLLATE "C" NOT NULL UNIQUE,
  version bigint NOT NULL,
  columns text NOT NULL,
  shape text NOT NULL,
  number bigint NOT NULL UNIQUE,
  generation bigint NOT NULL,
  checkpoint bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
CREATE TABLE read_models.projection_holds (
  projection text COLLATE "C" PRIMARY KEY, for_ever bool NOT NULL, until timestamptz
);
CREATE TABLE read_models.parked (
  projection text COLLATE "C" NOT NULL, position bigint NOT NULL, keys text[] NOT NULL,
  error text NOT NULL, PRIMARY KEY (projection, position)
);
-- The same as parked.keys, for asking whether a key waits.
CREATE TABLE read_models.parked_keys (
  projection text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, position bigint NOT NULL,
  PRIMARY KEY (projection, key, position)
);
CREATE INDEX ON read_models.parked_keys (projection, position);
`

/**
 * Stands in every question: whoever still asks the table of before a swap is told so. The code is
 * ours.
 */
const CURRENT = `
CREATE FUNCTION read_models.current(asked bigint) RETURNS bool LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM read_models.projections p WHERE p.number = asked) THEN
    RAISE EXCEPTION 'another table has taken its place' USING ERRCODE = 'DB001';
  END IF;
  RETURN true;
END $$;
`

/**
 * 'moved' when any projection is not where the caller thinks; then nothing is written. Rows are
 * locked in the order of names, so that no two callers wait for each other; the statement after the
 * lock sees what was committed meanwhile. What to write comes as statements of one JSON each.
 */
const COMMIT = `
CREATE FUNCTION read_models.commit(names text[], froms bigint[], tos bigint[], numbers bigint[],
  generations bigint[], texts text[], documents json[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  wrong text;
BEGIN
  PERFORM FROM read_models.projections p WHERE p.name = ANY(names)
    ORDER BY p.name FOR NO KEY UPDATE;
  SELECT CASE WHEN p.name IS NULL OR p.number = h.number THEN 'moved' ELSE 'renumbered' END
    INTO wrong
    FROM unnest(names, froms, numbers, generations) h (name, origin, number, generation)
    LEFT JOIN read_models.projections p ON p.name = h.name
    WHERE p.name IS NULL OR p.number <> h.number OR p.checkpoint <> h.origin
      OR p.generation <> h.generation
      OR EXISTS (SELECT FROM read_models.projection_holds o WHERE o.projection = h.name
        AND (o.for_ever OR o.until > clock_timestamp()))
    ORDER BY 1 LIMIT 1;
  IF wrong IS NOT NULL THEN RETURN wrong; END IF;
  -- After a crash rows and checkpoint fall back together and are folded again: no need to wait.
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE read_models.projections p SET checkpoint = h.target, generation =
      CASE WHEN h.target = h.origin THEN nextval('read_models.projection_numbers')
        ELSE p.generation END
    FROM unnest(names, froms, tos) h (name, origin, target) WHERE p.name = h.name;
  FOR i IN 1 .. cardinality(texts) LOOP
    EXECUTE texts[i] USING documents[i];
  END LOOP;
  RETURN 'done';
END $$;
`

const SWAP = `
CREATE FUNCTION read_models.swap(live text, shadow text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  old read_models.projections;
  new read_models.projections;
BEGIN
  PERFORM FROM read_models.projections p WHERE p.name IN (live, shadow)
    ORDER BY p.name FOR UPDATE;
  SELECT * INTO old FROM read_models.projections p WHERE p.name = live;
  SELECT * INTO new FROM read_models.projections p WHERE p.name = shadow;
  IF old.name IS NULL OR new.name IS NULL THEN RETURN 'absent'; END IF;
  IF old.checkpoint > new.checkpoint THEN RETURN 'behind'; END IF;
  DELETE FROM read_models.projections p WHERE p.name = live;
  UPDATE read_models.projections p SET name = live, table_name = old.table_name,
    generation = nextval('read_models.projection_numbers') WHERE p.name = shadow;
  DELETE FROM read_models.parked p WHERE p.projection = live;
  DELETE FROM read_models.parked_keys p WHERE p.projection = live;
  UPDATE read_models.parked p SET projection = live WHERE p.projection = shadow;
  UPDATE read_models.parked_keys p SET projection = live WHERE p.projection = shadow;
  RETURN 'done';
END $$;

-- Locks the row, so that it waits for a commit that is under way; later ones see the hold.
CREATE FUNCTION read_models.hold(held text, for_ms double precision) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM read_models.projections p WHERE p.name = held FOR NO KEY UPDATE;
  INSERT INTO read_models.projection_holds AS h VALUES
    (held, for_ms IS NULL, clock_timestamp() + for_ms * interval '1 millisecond')
    ON CONFLICT (projection) DO UPDATE SET for_ever = h.for_ever OR excluded.for_ever,
      until = greatest(h.until, excluded.until);
END $$;

CREATE FUNCTION read_models.forget(gone text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM read_models.projections WHERE name = gone;
  DELETE FROM read_models.parked WHERE projection = gone;
  DELETE FROM read_models.parked_keys WHERE projection = gone;
$$;
`

/** Advisory locks: one who tidies up at a time, and never while a frozen view is open. */
export const LOCKS = { define: 7_301, tidy: 7_302, frozen: 7_303 } as const

/**
 * Points the views for people at the tables that count and removes the tables that nobody reads any
 * more. What somebody else is using is left for the next time.
 */
const tidy = (create: string, columns: string, given = '') => `
${create} FUNCTION read_models.tidy() RETURNS void LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
  one record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(${LOCKS.tidy}) THEN RETURN; END IF;
  FOR one IN SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'read_models'::regnamespace AND c.relkind = 'v'
      AND NOT EXISTS (SELECT FROM read_models.projections p WHERE p.table_name = c.relname)
  LOOP
    BEGIN
      EXECUTE format('DROP VIEW IF EXISTS read_models.%I', one.relname);
    EXCEPTION WHEN lock_not_available OR dependent_objects_still_exist THEN NULL;
    END;
  END LOOP;
  FOR one IN SELECT p.table_name, t.name FROM read_models.projections p
    JOIN read_models.projection_tables t ON t.number = p.number
    WHERE NOT EXISTS (SELECT FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid
      AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
      WHERE r.ev_class = to_regclass(format('read_models.%I', p.table_name))
        AND d.refobjid = to_regclass(format('read_models.%I', t.name)))
  LOOP
    BEGIN
      BEGIN
        EXECUTE format('CREATE OR REPLACE VIEW read_models.%I AS SELECT ${columns} FROM read_models.%I',
          one.table_name, ${given}one.name);
      EXCEPTION WHEN invalid_table_definition THEN
        EXECUTE format('DROP VIEW read_models.%I', one.table_name);
        EXECUTE format('CREATE VIEW read_models.%I AS SELECT ${columns} FROM read_models.%I',
          one.table_name, ${given}one.name);
      END;
    EXCEPTION WHEN lock_not_available OR dependent_objects_still_exist THEN NULL;
    END;
  END LOOP;
  IF NOT pg_try_advisory_xact_lock(${LOCKS.frozen}) THEN RETURN; END IF;
  FOR one IN SELECT t.number, t.name FROM read_models.projection_tables t
    WHERE NOT EXISTS (SELECT FROM read_models.projections p WHERE p.number = t.number)
  LOOP
    BEGIN
      EXECUTE format('DROP TABLE IF EXISTS read_models.%I', one.name);
      DELETE FROM read_models.projection_tables t WHERE t.number = one.number;
    EXCEPTION WHEN lock_not_available OR dependent_objects_still_exist THEN NULL;
    END;
  END LOOP;
END $$;
`

/** The columns of a table that people are shown: what is only there to be searched is left out. */
const SHOWN = `
CREATE FUNCTION read_models.shown(table_name text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = to_regclass(format('read_models.%I', table_name)) AND a.attnum > 0
      AND NOT a.attisdropped AND a.attname <> '#search';
$$;
`

export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'read models', sql: TABLES + CURRENT + COMMIT + SWAP + tidy('CREATE', '*') },
  {
    number: 2,
    name: 'search',
    sql:
      SEARCH_MIGRATION + SHOWN + tidy('CREATE OR REPLACE', '%s', 'read_models.shown(one.name), '),
  },
  { number: 3, name: 'totals', sql: TOTALS_MIGRATION },
]
