// A server in a process of its own that tells its port, and how much CPU it has used when asked.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** In the child: user and system time of all its threads, in µs, for every message. */
export function serveMeasured(port: number): void {
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.(port)
}

export type MeasuredChild = {
  readonly origin: string
  /** µs so far. */
  cpu(): Promise<number>
  stop(): Promise<void>
}

/** In the bench. The child goes when its channel does, so also when the bench is killed. */
export async function startMeasured(file: string): Promise<MeasuredChild> {
  const child: ChildProcess = fork(join(import.meta.dirname, file), { execArgv: [] })
  const told = async () => Number((await once(child, 'message'))[0])
  const port = await told()
  return {
    origin: `http://127.0.0.1:${port}`,
    cpu() {
      const answer = told()
      child.send('cpu')
      return answer
    },
    async stop() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}
