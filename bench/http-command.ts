// What the edge and the gateway cost: CPU of a command over HTTP, less the bare server's and the
// append's.
import { randomUUIDv7 } from 'node:crypto'
import { openEventLog } from '#storage/memory/event-log.ts'
import { callsEachSecond } from './closed-loop.ts'
import { COUNT_BODY, countPath } from './counter-context.ts'
import { httpCaller } from './http-caller.ts'
import { startMeasured } from './measured-child.ts'
import type { Question } from './question.ts'
import { beyond, inTurns } from './rounds.ts'

const CALLERS = 16
const COUNTERS = 200
const WARM_UP_S = 4

export const httpCommand: Question = {
  name: 'http-command',
  about: 'CPU of a command over HTTP beyond the bare HTTP server’s and the append’s',
  async answer({ seconds }) {
    const parts: { http: number; append: number }[] = []
    const rounds = await inTurns(
      async () => {
        const http = await serverCpu('raw-http.ts', seconds)
        const append = await appendCpu(seconds)
        parts.push({ http, append })
        return http + append
      },
      () => serverCpu('http-server-child.ts', seconds),
    )
    const shown = parts.map(({ http, append }) => `${http.toFixed(1)} + ${append.toFixed(1)}`)
    return [
      {
        name: 'http-command',
        measure: 'CPU of a command over HTTP, memory engine',
        baseline: 'bare node:http and the append',
        ...beyond(rounds, 'µs'),
        limits: { better: 'less', at_least: 60, aim: 30 },
        notes: [`bare server + append, µs a request, each round: ${shown.join(', ')}`],
      },
    ]
  },
}

/** µs of the server's CPU a request, after a warm-up. */
async function serverCpu(file: string, seconds: number): Promise<number> {
  const server = await startMeasured(file)
  const callers = Array.from({ length: CALLERS }, () => httpCaller(server.origin))
  let calls = 0
  const call = async (caller: number) => {
    const path = countPath(`counter-${calls++ % COUNTERS}`)
    const { status, text } = await callers[caller]!.call('POST', path, COUNT_BODY)
    if (status !== 200) throw new Error(`the server answered ${status}: ${text}`)
  }
  try {
    await callsEachSecond(CALLERS, WARM_UP_S, call)
    const [cpu, before] = [await server.cpu(), calls]
    await callsEachSecond(CALLERS, seconds, call)
    return ((await server.cpu()) - cpu) / (calls - before)
  } finally {
    for (const caller of callers) caller.close()
    await server.stop()
  }
}

/** µs of an append as the gateway makes it for this command. */
async function appendCpu(seconds: number): Promise<number> {
  const log = await openEventLog()
  const versions = new Array<number>(COUNTERS).fill(0)
  let calls = 0
  const call = async () => {
    const at = calls++ % COUNTERS
    const version = versions[at]!
    versions[at] = version + 1
    const id = randomUUIDv7()
    await log.append({
      writes: [
        {
          stream: `counter-${at}`,
          expected: version === 0 ? 'none' : version,
          events: [
            {
              event_id: id,
              event_type: 'AmountCounted',
              event_version: 1,
              data: { counter_id: `counter-${at}`, amount_minor: 1_999, note: 'rung up at till 4' },
              metadata: { correlation_id: id, causation_id: id, command_id: id, source: 'api' },
            },
          ],
        },
      ],
      command: { id, fingerprint: id, response: { counter_id: `counter-${at}`, total_minor: at } },
    })
  }
  await callsEachSecond(1, WARM_UP_S, call)
  const [cpu, before] = [process.cpuUsage(), calls]
  await callsEachSecond(1, seconds, call)
  const { user, system } = process.cpuUsage(cpu)
  await log.close()
  return (user + system) / (calls - before)
}
