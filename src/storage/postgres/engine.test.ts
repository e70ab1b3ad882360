// The engine on PostgreSQL keeps every contract.
import { setTimeout as wait } from 'node:timers/promises'
import { engineContract } from '#storage/engine.contract.ts'
import { absent } from '#testing/absent.ts'
import { testDatabase } from '#testing/postgres-server.ts'
import { connect } from './connections.ts'

type Finding = { readonly finding: string }

const WRONG = {
  name: '',
  text: `SELECT format('position %s stands where %s belongs', position, nth) AS finding
      FROM (SELECT position, row_number() OVER (ORDER BY position) AS nth FROM event_store.log) p
      WHERE position <> nth
    UNION ALL SELECT format('%s has version %s where %s belongs', stream, version, nth)
      FROM (SELECT stream, version, row_number() OVER (PARTITION BY stream ORDER BY version) AS nth
        FROM event_store.log) v
      WHERE version <> nth
    UNION ALL SELECT format('position %s was recorded before its predecessor', position)
      FROM (SELECT position, timestamp < lag(timestamp) OVER (ORDER BY position) AS fell
        FROM event_store.log) t
      WHERE fell
    UNION ALL SELECT format('the counter says %s, the log ends at %s', h.position, l.position)
      FROM event_store.head h, (SELECT coalesce(max(position), 0) AS position FROM event_store.log) l
      WHERE h.position <> l.position
    UNION ALL SELECT format('command %s points behind the end', id)
      FROM event_store.commands c, event_store.head h WHERE c.position > h.position`,
}
const OTHERS = {
  name: '',
  text: `SELECT count(*) AS count FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`,
}

/** One look, by itself. */
async function ask<R>(url: string, statement: { name: string; text: string }) {
  const connections = connect(beside(url))
  try {
    return await connections.read<R>(statement)
  } finally {
    await connections.close()
  }
}

/** Another name for the same database: connections of its own, as another process has. */
function beside(url: string): string {
  const named = new URL(url)
  named.searchParams.set('application_name', `daybook beside ${++names}`)
  return named.href
}
let names = 0

const first = await testDatabase()
if ('skipped' in first) absent('postgres', first.skipped, 'the engine on PostgreSQL')
else {
  await first.remove()
  await engineContract('postgres', {
    async make() {
      const made = await testDatabase()
      if ('skipped' in made) throw new Error(made.skipped)
      return { place: { path: '', url: made.url }, remove: made.remove }
    },
    keeps: true,
    shares: [
      'openEventLog',
      'openReadModels',
      'openLeases',
      'openKeyRing',
      'openOutbox',
      'openJobBook',
    ],
    beside: ({ url }) => ({ path: '', url: beside(url) }),
    // The server goes on with what a killed process asked for, until it notices.
    async quiet({ url }) {
      while ((await ask<{ count: number }>(url, OTHERS))[0]!.count > 0) await wait(5)
    },
    inspect: async ({ url }) => (await ask<Finding>(url, WRONG)).map(({ finding }) => finding),
  })
}
