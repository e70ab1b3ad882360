// Whether a SQLite file is sound in itself: pages, trees, indexes, keys. Reads all of it.
import { DatabaseSync } from 'node:sqlite'
import { isWholeKey, type KeyRow } from './checksums.ts'

const PROBLEMS_MAX = 20

/** What is wrong with it, in SQLite's words; [] when nothing is. */
export function problemsOf(path: string): readonly string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = db.prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`).all()
    const said = rows.map((row) => String((row as { integrity_check: string }).integrity_check))
    // A walk through a damaged tree may have no end.
    return said.length === 1 && said[0] === 'ok' ? keyProblems(db) : said
  } catch (error) {
    return [String(error)]
  } finally {
    db.close()
  }
}

/** A file of keys: a damaged name would pass for somebody who was forgotten. */
function keyProblems(db: DatabaseSync): readonly string[] {
  const [there] = db.prepare("SELECT 1 FROM pragma_table_info('keys') WHERE name = 'key'").all()
  if (there === undefined) return []
  let [count, at] = [0, 0]
  const found: string[] = []
  for (const row of db.prepare('SELECT * FROM keys').iterate() as Iterable<KeyRow>) {
    at++
    if (isWholeKey(row) || ++count > PROBLEMS_MAX) continue
    found.push(`row ${at} of the keys is not what was written`)
  }
  return found
}
