// What users of shared connections rely on: their own end is theirs alone, and an orderly one.
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import { onPostgres } from '#testing/postgres-server.ts'
import { connect } from './connections.ts'

const ONE = { name: '', text: 'SELECT 1 AS one' }
const SLOW = { name: '', text: 'SELECT pg_sleep(0.02), 1 AS one' }

await onPostgres('PostgreSQL connections', (fresh) => {
  it('answer everything that was asked before they were closed', async () => {
    const { url, remove } = await fresh()
    const connections = connect(url)
    // More than there are connections: most of them wait for one.
    const asked = Array.from({ length: 50 }, () => connections.read<{ one: number }>(SLOW))
    await connections.close()
    equal((await Promise.all(asked)).flat().filter(({ one }) => one === 1).length, 50)
    await remove()
  })

  it('are closed for the one who closed them, and open for others', async () => {
    const { url, remove } = await fresh()
    const [mine, theirs] = [connect(url), connect(url)]
    await mine.close()
    await rejects(mine.read(ONE), /connections are closed/)
    await rejects(
      mine.transaction(async (run) => run(ONE)),
      /connections are closed/,
    )
    deepEqual(await theirs.read(ONE), [{ one: 1 }])
    await mine.close()
    deepEqual(await theirs.read(ONE), [{ one: 1 }])
    await theirs.close()
    await remove()
  })
})
