// What only a file of keys can get wrong: remembering a destroyed one, a commit for each caller.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openKeyRing } from './key-ring.ts'

describe('SQLite key ring', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-keys-'))
    path = join(folder, 'keys.db')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const bytesHold = (key: Buffer) =>
    readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(key))

  test('no file holds a destroyed key any more, neither the database nor its log', async () => {
    const keys = await openKeyRing({ path })
    const made = await keys.make(Array.from({ length: 200 }, (_, i) => `subject-${i}`))
    await keys.make(['later'])
    const doomed = made.get('subject-77')!
    ok(bytesHold(doomed).length > 0)
    await keys.destroy('subject-77')
    deepEqual(bytesHold(doomed), [])
    ok(bytesHold(made.get('subject-78')!).length > 0)
    await keys.close()
    deepEqual(bytesHold(doomed), [])
  })

  test('callers of the same moment share one commit', async () => {
    const keys = await openKeyRing({ path })
    const before = statSync(`${path}-wal`).size
    await Promise.all(Array.from({ length: 60 }, (_, i) => keys.make([`subject-${i}`])))
    // Each commit of its own would add a page of 4 KiB at least.
    ok(statSync(`${path}-wal`).size - before < 10 * 4_096)
    await keys.close()
  })

  test('a key ring beside the owner finds, and neither makes nor destroys', async () => {
    const keys = await openKeyRing({ path })
    const beside = await openKeyRing({ path, readOnly: true })
    const made = await keys.make(['ann'])
    deepEqual(await beside.find(['ann']), made)
    await rejects(beside.make(['bob']), /reading only/)
    await rejects(beside.destroy('ann'), /reading only/)
    await keys.destroy('ann')
    equal((await beside.find(['ann'])).size, 0)
    await beside.close()
    await keys.close()
  })
})
