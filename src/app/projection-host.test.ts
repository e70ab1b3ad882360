// The projection thread as its process sees it: one that ends by itself is told, one that is closed
// is not.
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { compose } from './compose.ts'
import { readConfig } from './config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-host-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function opened() {
  const broken: string[] = []
  const threads: Worker[] = []
  const seen = (worker: Worker) => void threads.push(worker)
  process.on('worker', seen)
  const read = readConfig({ argv: ['--data', join(folder, 'shop.db')], env: {}, file: null })
  if (!read.ok) throw new Error(read.problems.join())
  const app = await compose(read.config, { onBroken: ({ message }) => broken.push(message) })
  process.off('worker', seen)
  // The others are the log's and the keys' writers.
  return { app, broken, thread: threads.at(-1)! }
}

it('a projection thread that ends by itself makes its process stop: nothing is projected', async () => {
  const { app, broken, thread } = await opened()
  await thread.terminate()
  deepEqual(broken, ['the projection thread has ended'])
  const { status, warnings } = await app.operations.health()
  equal(status, 'failing')
  match(warnings.join(), /the projections: the projection thread has ended/)
  await rejects(app.close())
})

it('one that is closed is not missed', async () => {
  const { app, broken } = await opened()
  await app.close()
  deepEqual(broken, [])
})
