// The contract of a provider's book on every engine that keeps one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPostgres } from '#testing/postgres-server.ts'
import { bookContract } from './book.contract.ts'
import { bookEngines } from './books.ts'

const { memory, sqlite, postgres } = {
  memory: await bookEngines.memory(),
  sqlite: await bookEngines.sqlite(),
  postgres: await bookEngines.postgres(),
}

bookContract('memory', async () => ({
  open: () => memory.openBook(),
  isShared: false,
  remove: async () => {},
}))

bookContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-book-'))
  return {
    open: (name) => sqlite.openBook({ path: join(folder, 'simulator.db') }, name),
    isShared: true,
    remove: async () => rmSync(folder, { recursive: true }),
  }
})

await onPostgres('the books of the simulated providers', (fresh) =>
  bookContract('postgres', async () => {
    const { url, remove } = await fresh()
    return { open: (name) => postgres.openBook({ url }, name), isShared: true, remove }
  }),
)
