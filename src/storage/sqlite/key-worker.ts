// The thread that waits for the disk when keys are made, so that nobody else does.
import { parentPort, workerData } from 'node:worker_threads'
import type { KeyRing } from '#storage/key-ring.ts'
import { threadCalls } from '#storage/thread-calls.ts'
import { openKeyRing } from './key-ring.ts'

const port = parentPort
if (port === null) throw new Error('key-worker.ts runs as a worker thread')
let ring: KeyRing | undefined
const opened = (): KeyRing => {
  if (ring === undefined) throw new Error('the keys are not open')
  return ring
}

threadCalls(port, {
  async open() {
    ring = await openKeyRing({ path: (workerData as { path: string }).path, mode: 'inline' })
  },
  make: (subjects: readonly string[]) => opened().make(subjects),
  destroy: (subject: string) => opened().destroy(subject),
  restore: (keys: ReadonlyMap<string, Uint8Array | null>) =>
    opened().restore(
      new Map([...keys].map(([subject, key]) => [subject, key && Buffer.from(key)])),
    ),
  close: () => opened().close(),
})
