// Processes that append to one log at the same time; they stay, so that only the first measurement
// starts them.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Timed } from './closed-loop.ts'
import type { Tools } from './question.ts'

export type AppendJob = {
  readonly url: string
  /** Over all processes; each has at least one. */
  readonly callers: number
  readonly events: number
  readonly seconds: number
}

export type Appenders = {
  /** Appends each second over the first `processes` of them, and every call's time. */
  run(processes: number, job: AppendJob): Promise<Timed>
  stop(): Promise<void>
}

export function startAppenders(count: number, atEnd: Tools['atEnd']): Appenders {
  const children = Array.from({ length: count }, () =>
    fork(join(import.meta.dirname, 'appender-child.ts'), {
      execArgv: [],
      serialization: 'advanced',
    }),
  )
  for (const child of children) atEnd(() => child.kill('SIGKILL'))
  return {
    async run(processes, job) {
      const working = children.slice(0, processes)
      const ready = working.map(told)
      for (const [at, child] of working.entries())
        child.send({ ...job, callers: shareOf(job.callers, processes, at) })
      await Promise.all(ready)
      const done = working.map(told)
      for (const child of working) child.send('go')
      const results = (await Promise.all(done)) as Timed[]
      return {
        rate: results.reduce((sum, { rate }) => sum + rate, 0),
        latenciesMs: Float64Array.from(results.flatMap(({ latenciesMs }) => [...latenciesMs])),
      }
    },
    async stop() {
      const gone = children.map((child) => once(child, 'exit'))
      for (const child of children) child.disconnect()
      await Promise.all(gone)
    },
  }
}

const shareOf = (callers: number, processes: number, at: number) =>
  Math.max(1, Math.floor(callers / processes) + (at < callers % processes ? 1 : 0))

/** Its next message; what it died of instead is on its standard error. */
function told(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const died = () => reject(new Error('a process that appends has died'))
    child.once('exit', died)
    child.once('message', (message) => {
      child.off('exit', died)
      resolve(message)
    })
  })
}
