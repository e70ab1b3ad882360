// What users of shared connections rely on: their own end is theirs alone, and an orderly one.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
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

  it('that are refused say by which server, what it said and where to look, and no password', async () => {
    const { url, remove } = await fresh()
    const [wrong, nowhere] = [new URL(url), new URL(url)]
    wrong.password = 'hunter2'
    nowhere.pathname = '/nowhere'
    for (const [to, said] of [
      [wrong, 'password authentication failed'],
      [nowhere, 'database "nowhere" does not exist'],
    ] as const) {
      const connections = connect(to.href)
      for (const ask of [() => connections.read(ONE), () => connections.reserve()]) {
        const { name, message } = await failure(ask())
        equal(name, 'Error', 'not as if it were away: a second try helps nobody')
        ok(message.startsWith(`PostgreSQL at ${to.host}${to.pathname} does not let`), message)
        ok(message.includes(said) && message.includes('database.postgres.*'), message)
        ok(!message.includes('hunter2'))
      }
      await connections.close()
    }
    await remove()
  })
})

const failure = (asked: Promise<unknown>): Promise<Error> =>
  asked.then(
    () => Promise.reject(new Error('it was let in')),
    (error) => error,
  )
