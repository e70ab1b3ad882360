// For `node --import`: this process dies as soon as the file KILLED_AT has more bytes than
// KILLED_AT_BYTES; nobody who looks from outside could be sure to look in time.
import { statSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const { KILLED_AT: file = '', KILLED_AT_BYTES: bytes = '0' } = process.env
const sizeNow = () => statSync(file, { throwIfNoEntry: false })?.size ?? -1

if (isMainThread)
  setInterval(() => {
    if (sizeNow() > Number(bytes)) process.kill(process.pid, 'SIGKILL')
  }, 1).unref()
