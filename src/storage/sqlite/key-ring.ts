// Keys of persons in a file of their own, with a backup cycle of its own: a backup of the log that held
// them would bring back whoever was forgotten. Callers of one moment share one commit.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { KEY_BYTES, type KeyRing } from '#storage/key-ring.ts'
import { openDurable } from './durable.ts'

export type SqliteKeyRingOptions = {
  readonly path: string
  /** Finds keys beside the one that makes them; `make` and `destroy` throw. */
  readonly readOnly?: boolean
}

type Keys = ReadonlyMap<string, Buffer>
type Waiter = {
  readonly subjects: readonly string[]
  readonly resolve: (keys: Keys) => void
  readonly reject: (error: unknown) => void
}

export async function openKeyRing(options: SqliteKeyRingOptions): Promise<KeyRing> {
  const { path, readOnly = false } = options
  const db = readOnly ? openBeside(path) : openOwned(path)
  const get = db.prepare('SELECT key FROM keys WHERE subject = ?')
  const find = (subjects: readonly string[]): Keys => {
    const found = new Map<string, Buffer>()
    for (const subject of subjects) {
      const row = get.get(subject) as { key: Uint8Array } | undefined
      if (row !== undefined) found.set(subject, Buffer.from(row.key))
    }
    return found
  }
  const writer = readOnly ? null : keyWriter(db, find)
  const owned = () => {
    if (writer === null) throw new Error(`${path} is open for reading only`)
    return writer
  }
  return {
    make: async (subjects) => await owned().make(subjects),
    find: async (subjects) => find(subjects),
    destroy: async (subject) => owned().destroy(subject),
    async close() {
      if (!db.isOpen) return
      writer?.flush()
      db.close()
    },
  }
}

function openOwned(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true })
  const db = openDurable(path)
  // A destroyed key is overwritten in its page, not only unlinked.
  db.exec(`PRAGMA secure_delete = ON;
    CREATE TABLE IF NOT EXISTS keys (
      subject TEXT PRIMARY KEY, key BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;`)
  return db
}

function openBeside(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true })
  db.exec('PRAGMA busy_timeout = 5000')
  return db
}

function keyWriter(db: DatabaseSync, find: (subjects: readonly string[]) => Keys) {
  const insert = db.prepare('INSERT INTO keys (subject, key) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const remove = db.prepare('DELETE FROM keys WHERE subject = ?')
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  let waiting: Waiter[] = []

  const store = (subjects: ReadonlySet<string>) => {
    db.exec('BEGIN IMMEDIATE')
    try {
      for (const subject of subjects) insert.run(subject, randomBytes(KEY_BYTES))
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }

  return {
    make(subjects: readonly string[]): Promise<Keys> {
      const found = find(subjects)
      if (subjects.every((subject) => found.has(subject))) return Promise.resolve(found)
      return new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(() => this.flush())
        waiting.push({ subjects, resolve, reject })
      })
    },
    /** One commit for everybody who waits. */
    flush(): void {
      const batch = waiting
      waiting = []
      if (batch.length === 0) return
      try {
        store(new Set(batch.flatMap(({ subjects }) => subjects)))
        for (const { subjects, resolve } of batch) resolve(find(subjects))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    },
    destroy(subject: string): void {
      remove.run(subject)
      // The write-ahead log still holds the page with the key; only an emptied one has forgotten it.
      const { busy } = checkpoint.get() as { busy: number }
      if (busy !== 0)
        throw new Error('the key is destroyed, but a reader kept its copy in the file: try again')
    },
  }
}
