// Keys of persons in a file of their own, with a backup cycle of its own: a backup of the log that
// held them would bring back whoever was forgotten. Callers of one moment share one commit.
import { randomBytes } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { StorageFull } from '#storage/event-log.ts'
import {
  DESTROYED,
  destroyedOf,
  KEY_BYTES,
  type KeptKeys,
  type KeyRing,
  keptKeys,
  otherKey,
  usable,
} from '#storage/key-ring.ts'
import { threadCalls } from '#storage/thread-calls.ts'
import { Unavailable } from '#storage/unavailable.ts'
import { addChecksum, checksumOfKey, damaged, isWholeKey, type KeyRow } from './checksums.ts'
import { openingFile, troubleOf } from './disk-errors.ts'
import { makeFolderOf, openDurable } from './durable.ts'
import { wholeIn } from './whole.ts'

export type SqliteKeyRingOptions = {
  readonly path: string
  /** `worker` (default): a thread of its own waits for the disk. `inline`: this thread does. */
  readonly mode?: 'worker' | 'inline'
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
  const { path, readOnly = false, mode = 'worker' } = options
  if (readOnly) return ringOf(openBeside(path), refusing(path))
  if (mode === 'worker') return await ringInThread(path)
  const db = openOwned(path)
  return ringOf(db, keyWriter(db, path))
}

type Writer = {
  make(subjects: readonly string[]): Promise<Keys>
  destroy(subject: string): Promise<void>
  restore(keys: KeptKeys): Promise<void>
  close(): Promise<void>
}

const refusing = (path: string): Writer => {
  const refuse = () => Promise.reject(new Error(`${path} is open for reading only`))
  return { make: refuse, destroy: refuse, restore: refuse, close: async () => {} }
}

/** Finds on this connection, writes wherever the writer is. */
function ringOf(db: DatabaseSync, writer: Writer): KeyRing {
  const find = finder(db)
  const page = db.prepare('SELECT subject FROM keys WHERE subject > ? ORDER BY subject LIMIT ?')
  return {
    async page(afterSubject, limit) {
      const rows = page.all(afterSubject, limit) as { subject: string }[]
      return keptKeys(find(rows.map(({ subject }) => subject)))
    },
    restore: (keys) => writer.restore(keys),
    async make(subjects) {
      const found = find(subjects)
      const isThere = subjects.every((subject) => found.has(subject))
      return isThere ? usable(found) : await writer.make(subjects)
    },
    find: async (subjects) => usable(find(subjects)),
    destroyed: async (subjects) => destroyedOf(find(subjects)),
    destroy: (subject) => writer.destroy(subject),
    async close() {
      if (!db.isOpen) return
      await writer.close()
      if (db.isOpen) db.close()
    },
  }
}

const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 }

async function ringInThread(path: string): Promise<KeyRing> {
  const file = import.meta.url.endsWith('.ts') ? './key-worker.ts' : './key-worker.js'
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { path },
    execArgv: [],
    resourceLimits: HEAP,
  })
  const calls = threadCalls(worker, {})
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('error', (error) =>
    calls.end(error instanceof Error ? error : new Error(String(error))),
  )
  void gone.then(() => calls.end(new Error(`the keys ${path} are closed`)))
  try {
    await calls.call('open')
  } catch (error) {
    await worker.terminate()
    throw error
  }
  const beside = openBeside(path)
  return ringOf(beside, {
    async make(subjects) {
      const keys = await calls.call<ReadonlyMap<string, Uint8Array>>('make', subjects)
      return new Map([...keys].map(([subject, key]) => [subject, Buffer.from(key)]))
    },
    destroy: (subject) => calls.call('destroy', subject),
    restore: (keys) => calls.call('restore', keys),
    async close() {
      // The writer goes last: it alone can leave everything in one file.
      beside.close()
      await calls.call('close')
      await worker.terminate()
      await gone
    },
  })
}

/** Also those that were destroyed: empty. */
function finder(db: DatabaseSync): (subjects: readonly string[]) => Keys {
  const get = db.prepare('SELECT * FROM keys WHERE subject = ?')
  return (subjects) => {
    const found = new Map<string, Buffer>()
    for (const subject of subjects) {
      const row = get.get(subject) as KeyRow | undefined
      if (row === undefined) continue
      if (!isWholeKey(row)) throw damaged(db.location() ?? 'the key ring', 'a key')
      found.set(subject, Buffer.from(row.key))
    }
    return found
  }
}

function openOwned(path: string): DatabaseSync {
  makeFolderOf(path)
  const db = openDurable(path, 'keys')
  // A destroyed key is overwritten in its page, not only unlinked.
  const schema = `PRAGMA secure_delete = ON;
    CREATE TABLE IF NOT EXISTS keys (
      subject TEXT PRIMARY KEY, key BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;`
  openingFile(path, () => {
    db.exec(schema)
    addChecksum(db, 'keys')
  })
  return db
}

function openBeside(path: string): DatabaseSync {
  return openingFile(path, () => {
    const db = new DatabaseSync(path, { readOnly: true })
    db.exec('PRAGMA busy_timeout = 5000')
    return db
  })
}

function keyWriter(db: DatabaseSync, path: string): Writer {
  const find = finder(db)
  const insert = db.prepare(
    'INSERT INTO keys (subject, key, checksum) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const put = (subject: string, key: Buffer) =>
    insert.run(subject, key, checksumOfKey(subject, key))
  const replace = db.prepare(
    `INSERT INTO keys (subject, key, checksum) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET key = excluded.key, checksum = excluded.checksum`,
  )
  const destroy = (subject: string) =>
    replace.run(subject, DESTROYED, checksumOfKey(subject, DESTROYED))
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)')
  let waiting: Waiter[] = []

  const inCommit = wholeIn(db)
  const store = (subjects: ReadonlySet<string>) =>
    inCommit(() => {
      for (const subject of subjects) put(subject, randomBytes(KEY_BYTES))
    })

  /** One commit for everybody who waits. */
  const flush = () => {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      store(new Set(batch.flatMap(({ subjects }) => subjects)))
      for (const { subjects, resolve } of batch) resolve(usable(find(subjects)))
    } catch (error) {
      for (const { reject } of batch) reject(told(error, path))
    }
  }

  return {
    make: (subjects) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ subjects, resolve, reject })
      }),
    close: async () => flush(),
    restore: async (keys) =>
      inCommit(() => {
        for (const [subject, key] of keys)
          if (key === null) destroy(subject)
          else put(subject, key)
        const now = find([...keys.keys()])
        for (const [subject, key] of keys)
          if (!now.get(subject)?.equals(key ?? DESTROYED)) throw otherKey()
      }),
    async destroy(subject) {
      try {
        destroy(subject)
      } catch (error) {
        throw told(error, path)
      }
      // The write-ahead log still holds the page with the key; only an emptied one has forgotten
      // it.
      const { busy } = checkpoint.get() as { busy: number }
      if (busy !== 0)
        throw new Error('the key is destroyed, but a reader kept its copy in the file: try again')
    },
  }
}

/** Whoever asked for a key has recorded nothing yet, so that he may ask again. */
function told(error: unknown, path: string): unknown {
  const trouble = troubleOf(error)
  if (trouble === null) return error
  return trouble === 'full'
    ? new StorageFull(`no room to write ${path} (${String(error)})`, { cause: error })
    : new Unavailable(`${path} cannot be written (${String(error)})`, { cause: error })
}
