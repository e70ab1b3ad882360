// What only leases on a server can get wrong: its clock is set back, its disk is asked too often.
import { deepEqual, equal } from 'node:assert/strict'
import { it } from 'node:test'
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
})
