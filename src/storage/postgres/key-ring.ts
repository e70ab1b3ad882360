// Keys of persons in the schema `key_ring`, apart from the log: a backup of both together would
// bring back whoever was forgotten. A deleted row is out of reach at once; the server's own copies
// (its write-ahead log, backups) are forgotten when they are overwritten.
import { randomBytes } from 'node:crypto'
import {
  DESTROYED,
  destroyedOf,
  KEY_BYTES,
  type KeyRing,
  keptKeys,
  otherKey,
  usable,
} from '#storage/key-ring.ts'
import { connect, type Statement } from './connections.ts'
import { type Migration, migrate } from './migrate.ts'

export type PostgresKeyRingOptions = {
  readonly url: string
  /** Finds keys; `make` and `destroy` throw. */
  readonly readOnly?: boolean
}

const TABLE: Migration = {
  number: 1,
  name: 'keys',
  // A destroyed key is cleared out of the table by the next round of the autovacuum, however few.
  sql: `CREATE TABLE key_ring.keys (
      subject text COLLATE "C" PRIMARY KEY,
      key bytea NOT NULL
    ) WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);`,
}

const FIND: Statement = {
  name: 'key_ring_find',
  text: 'SELECT subject, key FROM key_ring.keys WHERE subject = ANY($1)',
}
const MAKE: Statement = {
  name: 'key_ring_make',
  // Sorted, so that two processes that make the same ones do not wait for each other in a ring.
  text: `WITH made AS (
      INSERT INTO key_ring.keys (subject, key)
      SELECT * FROM unnest($1::text[], $2::bytea[]) ORDER BY 1
      ON CONFLICT DO NOTHING RETURNING subject, key)
    SELECT subject, key FROM made
    UNION ALL SELECT subject, key FROM key_ring.keys WHERE subject = ANY($1)`,
}
const PAGE: Statement = {
  name: 'key_ring_page',
  text: 'SELECT subject, key FROM key_ring.keys WHERE subject > $1 ORDER BY subject LIMIT $2',
}
const PUT: Statement = {
  name: 'key_ring_put',
  text: `INSERT INTO key_ring.keys (subject, key)
    SELECT * FROM unnest($1::text[], $2::bytea[]) ORDER BY 1 ON CONFLICT DO NOTHING`,
}
const DESTROY: Statement = {
  name: 'key_ring_destroy',
  // One row for key and destruction, so that nobody can make a key in between.
  text: `INSERT INTO key_ring.keys (subject, key) SELECT subject, '' FROM unnest($1::text[]) subject
    ORDER BY 1 ON CONFLICT (subject) DO UPDATE SET key = ''`,
}
type Row = { readonly subject: string; readonly key: Buffer }
type Keys = Map<string, Buffer>

/** Throws Unavailable when the server cannot be reached, as every method does. */
export async function openKeyRing(options: PostgresKeyRingOptions): Promise<KeyRing> {
  const { url, readOnly = false } = options
  // All of it may run twice: a key that is there stays, whoever made it.
  const connections = connect(url)
  const { read, close } = connections
  try {
    await migrate(connections, 'key_ring', [TABLE])
  } catch (error) {
    await close()
    throw error
  }
  const refuse = () => {
    if (readOnly) throw new Error('the keys are open for reading only')
  }
  const find = async (subjects: readonly string[]): Promise<Keys> =>
    subjects.length === 0 ? new Map() : keysFrom(await read<Row>(FIND, [subjects]))
  const { make, settled } = together(async (subjects) => {
    const found: Keys = new Map()
    // Once, but for a key that another process makes or destroys at the same moment.
    for (let missing = [...subjects]; missing.length > 0; ) {
      const rows = await read<Row>(MAKE, [missing, missing.map(() => randomBytes(KEY_BYTES))])
      for (const { subject, key } of rows) found.set(subject, key)
      missing = missing.filter((subject) => !found.has(subject))
    }
    return found
  })

  return {
    find: async (subjects) => usable(await find(subjects)),
    destroyed: async (subjects) => destroyedOf(await find(subjects)),
    async make(subjects) {
      refuse()
      if (subjects.length === 0) return new Map()
      const made = await make(subjects)
      // Copies: whoever wipes the key it was given must not wipe that of others.
      return usable(new Map(subjects.map((subject) => [subject, Buffer.from(made.get(subject)!)])))
    },
    async page(afterSubject, limit) {
      return keptKeys(keysFrom(await read<Row>(PAGE, [afterSubject, limit])))
    },
    async restore(keys) {
      refuse()
      const subjects = [...keys.keys()]
      await connections.transaction(async (run) => {
        const gone = subjects.filter((subject) => keys.get(subject) === null)
        if (gone.length > 0) await run(DESTROY, [gone])
        await run(PUT, [subjects, subjects.map((subject) => keys.get(subject) ?? DESTROYED)])
        const now = keysFrom(await run<Row>(FIND, [subjects]))
        for (const [subject, key] of keys)
          if (!now.get(subject)?.equals(key ?? DESTROYED)) throw otherKey()
      })
    },
    async destroy(subject) {
      refuse()
      await read(DESTROY, [[subject]])
    },
    async close() {
      await settled()
      await close()
    },
  }
}

/** One call at a time; whoever asks meanwhile shares the next. */
function together(work: (subjects: ReadonlySet<string>) => Promise<Keys>) {
  let last: Promise<unknown> = Promise.resolve()
  let next: { readonly subjects: Set<string>; readonly made: Promise<Keys> } | undefined
  const begin = () => {
    const subjects = new Set<string>()
    const made = last.then(() => {
      next = undefined
      return work(subjects)
    })
    last = made.catch(() => {})
    return { subjects, made }
  }
  return {
    make(subjects: readonly string[]): Promise<Keys> {
      next ??= begin()
      for (const subject of subjects) next.subjects.add(subject)
      return next.made
    },
    settled: () => last,
  }
}

const keysFrom = (rows: readonly Row[]): Keys =>
  new Map(rows.map(({ subject, key }) => [subject, key]))
