// Whether a SQLite file is sound in itself: pages, trees, indexes. Reads all of it.
import { DatabaseSync } from 'node:sqlite'

const PROBLEMS_MAX = 20

/** What is wrong with it, in SQLite's words; [] when nothing is. */
export function problemsOf(path: string): readonly string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = db.prepare(`PRAGMA integrity_check(${PROBLEMS_MAX})`).all()
    const said = rows.map((row) => String((row as { integrity_check: string }).integrity_check))
    return said.length === 1 && said[0] === 'ok' ? [] : said
  } catch (error) {
    return [String(error)]
  } finally {
    db.close()
  }
}
