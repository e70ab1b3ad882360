// From one caller to hundreds, from one writing process to three: what each mix gets out of
// PostgreSQL, and how long a caller waits.
import { type Appenders, startAppenders } from './appenders.ts'
import { oneRowTransactions } from './postgres-appends.ts'
import type { PostgresServer } from './postgres-server.ts'
import type { Question, Result, Round, Tools } from './question.ts'
import { inTurns, median, percentile, shareOf } from './rounds.ts'

/** There are many mixes; each is measured for a part of the time. */
const PART = 1 / 3

type Mix = {
  readonly callers: number
  readonly events: number
  readonly processes: readonly number[]
}

type Mixes = Readonly<Record<'callers' | 'events' | 'processes', readonly number[]>>

export const postgresCallers = callersQuestion({
  callers: [1, 16, 64, 256],
  events: [1, 10],
  processes: [1, 3],
})

/** A test asks for fewer. */
export function callersQuestion(mixes: Mixes): Question {
  return {
    name: 'postgres-callers',
    about: 'PostgreSQL: 1 to 256 callers, 1 and 10 events, 1 and 3 processes, p50 and p99',
    async answer(tools) {
      const server = await tools.postgres()
      const appenders = startAppenders(Math.max(...mixes.processes), tools.atEnd)
      const results: Result[] = []
      try {
        for (const events of mixes.events)
          for (const callers of mixes.callers) {
            const mix = { callers, events, processes: mixes.processes }
            results.push(...(await rows(tools, server, appenders, mix)))
          }
      } finally {
        await appenders.stop()
      }
      return results
    },
  }
}

/** One baseline a round for all numbers of processes. */
async function rows(tools: Tools, server: PostgresServer, appenders: Appenders, mix: Mix) {
  const { callers, events } = mix
  const seconds = tools.seconds * PART
  tools.tell(`${counted(callers, 'caller')}, ${counted(events, 'event')}`)
  const measured = mix.processes.map(
    (processes) => ({ processes, rates: [], waits: [] }) as Measured,
  )
  const bare = await inTurns(
    async () => (await oneRowTransactions(tools, server, callers, events, seconds)).best / events,
    async () => {
      for (const { processes, rates, waits } of measured) {
        const { rate, latenciesMs } = await server.withDatabase((url) =>
          appenders.run(processes, { callers, events, url, seconds }),
        )
        rates.push(rate)
        waits.push([0.5, 0.99].map((share) => percentile(latenciesMs, share)))
      }
      return 0
    },
  )
  return measured.map((one) => {
    const rounds = bare.map(({ raw }, round) => ({ raw, ours: one.rates[round]! }))
    return rowOf(mix, one, rounds)
  })
}

type Measured = {
  readonly processes: number
  readonly rates: number[]
  /** p50 and p99 of each round. */
  readonly waits: (readonly number[])[]
}

function rowOf({ callers, events }: Mix, { processes, waits }: Measured, rounds: readonly Round[]) {
  const [p50, p99] = [0, 1].map((at) => median(waits.map((wait) => wait[at]!)).toFixed(1))
  const all = counted(Math.max(callers, processes), 'caller')
  return {
    name: `postgres-callers-${callers}-${events}-${processes}`,
    measure: `PostgreSQL: appends of ${counted(events, 'event')}, ${all}, ${counted(processes, 'process')}`,
    baseline: `transactions of ${counted(events, 'row')}, ${counted(callers, 'client')}`,
    ...shareOf(rounds, '/s'),
    notes: [`p50 ${p50} ms, p99 ${p99} ms`],
  }
}

const counted = (number: number, word: string) =>
  number === 1 ? `1 ${word}` : `${number} ${word}${word.endsWith('s') ? 'es' : 's'}`
