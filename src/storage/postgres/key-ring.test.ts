// What only keys on a server can get wrong: who may write, a commit for each caller, and a deleted
// row that stays in the table.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { it } from 'node:test'
import { onPostgres } from '#testing/postgres-server.ts'
import { connect } from './connections.ts'
import { openKeyRing } from './key-ring.ts'

const COMMITS = { name: '', text: 'SELECT count(DISTINCT xmin::text) FROM key_ring.keys' }
const SETTINGS = { name: '', text: "SELECT reloptions FROM pg_class WHERE relname = 'keys'" }

await onPostgres('PostgreSQL key ring', (fresh) => {
  it('a ring for reading finds, and neither makes nor destroys', async () => {
    const { url, remove } = await fresh()
    const keys = await openKeyRing({ url })
    const reading = await openKeyRing({ url, readOnly: true })
    const made = await keys.make(['ann'])
    deepEqual(await reading.find(['ann']), made)
    await rejects(reading.make(['bob']), /reading only/)
    await rejects(reading.destroy('ann'), /reading only/)
    deepEqual(await keys.find(['ann', 'bob']), made)
    await keys.close()
    await reading.close()
    await remove()
  })

  it('callers of the same moment share a commit', async () => {
    const { url, remove } = await fresh()
    const keys = await openKeyRing({ url })
    const connections = connect(url)
    await Promise.all(Array.from({ length: 60 }, (_, i) => keys.make([`subject-${i}`])))
    const [commits] = await connections.read<{ count: number }>(COMMITS)
    ok(commits!.count < 5, `${commits!.count} commits`)
    await connections.close()
    await keys.close()
    await remove()
  })

  it('lets every destroyed key be cleared out of its table soon, however few they are', async () => {
    const { url, remove } = await fresh()
    const keys = await openKeyRing({ url })
    const connections = connect(url)
    const [found] = await connections.read<{ reloptions: readonly string[] }>(SETTINGS)
    const wanted = ['autovacuum_vacuum_threshold=0', 'autovacuum_vacuum_scale_factor=0']
    equal(
      wanted.every((setting) => found!.reloptions.includes(setting)),
      true,
    )
    await connections.close()
    await keys.close()
    await remove()
  })
})
