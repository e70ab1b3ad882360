// The way to the server is cut in the middle of an append, and the server's process does not end,
// as when its disk stands still: it may commit any time later, so nothing is decided before it is
// gone.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { onPostgres, ownPostgres } from '#testing/postgres-server.ts'
import { append } from '#testing/sample-appends.ts'
import { tcpProxy } from '#testing/tcp-proxy.ts'
import { openEventLog } from './event-log.ts'

/** Longer than the server itself waits for a process that it was told to end. */
const STUCK_MS = 6_000

await onPostgres('a process of PostgreSQL that is stuck', () => {
  it('is waited for before its append is judged or asked for again', async () => {
    const cluster = await ownPostgres()
    const proxy = await tcpProxy(cluster.url)
    const admin = new pg.Client(cluster.url)
    await admin.connect()
    const log = await openEventLog({ url: proxy.url })
    let stuck: number | null = null
    try {
      await admin.query('BEGIN; SELECT * FROM event_store.head FOR UPDATE')
      let answered = false
      const asked = log.append(append('note-1')).finally(() => {
        answered = true
      })
      stuck = await blocked(admin)
      process.kill(stuck, 'SIGSTOP')
      proxy.cut()
      proxy.open()
      await admin.query('COMMIT')
      await wait(STUCK_MS)
      ok(!answered, 'nobody can know yet')
      process.kill(stuck, 'SIGCONT')
      stuck = null
      const verdict = await asked
      deepEqual(verdict.ok && [verdict.position, verdict.versions], [1, [1]])
      equal((await log.head()).position, 1)
    } finally {
      if (stuck !== null) process.kill(stuck, 'SIGCONT')
      await log.close()
      await admin.end()
      await proxy.close()
      await cluster.stop()
    }
  })
})

/** The process that waits behind this one. */
async function blocked(admin: pg.Client): Promise<number> {
  for (;;) {
    const { rows } = await admin.query(
      'SELECT pid FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))',
    )
    if (rows.length > 0) return rows[0].pid
    await wait(10)
  }
}
