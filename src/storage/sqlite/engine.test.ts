// The engine on SQLite keeps every contract.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { engineContract } from '#storage/engine.contract.ts'

await engineContract('sqlite', {
  make: async () => {
    const made = mkdtempSync(join(tmpdir(), 'daybook-engine-'))
    return {
      place: { path: join(made, 'store.db'), url: '' },
      remove: async () => rmSync(made, { recursive: true, force: true }),
    }
  },
  keeps: true,
  shares: ['openLeases', 'openReadModels', 'openOutbox', 'openJobBook'],
  inspect: async ({ path }) => {
    const db = new DatabaseSync(path, { readOnly: true })
    const rows = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[]
    db.close()
    return rows.map((row) => row.integrity_check).filter((found) => found !== 'ok')
  },
})
