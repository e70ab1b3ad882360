// What only leases on a server can get wrong: its clock is set back, its disk is asked too often.
import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'node:test'
import type { Leases } from '#storage/leases.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { connect } from './connections.ts'
import { openLeases } from './leases.ts'

const LONG_MS = 3_600_000

await onPostgres('PostgreSQL leases', (fresh) => {
  it('a lease from before the clock was set back does not hold for ever', async () => {
    const { url, remove } = await fresh()
    const leases = await openLeases({ url })
    const connections = connect(url)
    await leases.acquire('sweeper', 'before', LONG_MS)
    // As a server sees it whose clock was ten days ahead.
    await connections.write({
      name: '',
      text: "UPDATE leases.leases SET until = until + interval '10 days'",
    })
    deepEqual(await leases.held(''), [])
    const lease = await leases.acquire('sweeper', 'after', LONG_MS)
    deepEqual(lease, { name: 'sweeper', holder: 'after', token: 2 })
    await connections.close()
    await leases.close()
    await remove()
  })

  it('all that a process prolongs at once is one statement', async () => {
    const { url, remove } = await fresh()
    const leases = await openLeases({ url })
    const connections = connect(url)
    const names = Array.from({ length: 50 }, (_, i) => `work-${i}`)
    await Promise.all(names.map((name) => leases.acquire(name, 'one', LONG_MS)))
    const rows = await connections.read<{ written_by: string }>({
      name: '',
      text: 'SELECT DISTINCT xmin::text AS written_by FROM leases.leases',
    })
    equal(rows.length, 1)
    await connections.close()
    await leases.close()
    await remove()
  })

  it('two processes that want the same in another order do not wait for each other', async () => {
    const { url, remove } = await fresh()
    // Two handles, as of two processes.
    const [one, other] = [await openLeases({ url }), await openLeases({ url })]
    const connections = connect(url)
    const names = Array.from({ length: 9 }, (_, i) => `work-${i}`)
    for (const name of names) await one.acquire(name, 'before', 0)
    const ask = (by: Leases, holder: string, all: readonly string[]) =>
      Promise.all(all.map((name) => by.acquire(name, holder, LONG_MS)))
    const waiting = {
      name: '',
      text: `SELECT count(*)::int AS all FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    }
    const asked = await connections.transaction(async (run) => {
      // Both have to stop in the middle of what they take.
      await run({ name: '', text: `SELECT FROM leases.leases WHERE name = 'work-4' FOR UPDATE` })
      const both = [ask(one, 'one', names), ask(other, 'other', names.toReversed())]
      for (let stopped = 0; stopped < 2; )
        stopped = (await connections.read<{ all: number }>(waiting))[0]!.all
      return both
    })
    const got = (await Promise.all(asked)).flat().filter((lease) => lease !== null)
    deepEqual(got.map(({ name }) => name).sort(), names)
    equal(new Set(got.map(({ holder }) => holder)).size, 1)
    await connections.close()
    await one.close()
    await other.close()
    await remove()
  })
})
