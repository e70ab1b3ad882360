// A line of JSON on standard output that is with the kernel before the next step: a kill cannot
// take it back, and a trace shows its place.
import { writeSync } from 'node:fs'

export function say(line: object): void {
  const text = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let sent = 0; sent < text.length; ) sent += sentOf(text, sent)
}

/** A full pipe takes nothing for the moment: the parent is behind. */
function sentOf(text: Buffer, from: number): number {
  try {
    return writeSync(1, text, from)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    return 0
  }
}
