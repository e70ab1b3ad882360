// Several statements as one, for the small files beside the log.
import type { DatabaseSync } from 'node:sqlite'

/** Runs the work in a transaction that writes from its first statement: all of it, or nothing. */
export const wholeIn =
  (db: DatabaseSync) =>
  <T>(work: () => T): T => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      db.exec('COMMIT')
      return result
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
