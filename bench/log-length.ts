// Whether a book that is ten times longer starts slower or holds more: the same program, the same
// goods, the same work after the start.

import { startDaybook } from './daybook-process.ts'
import type { Book } from './long-book.ts'
import { callsOn, madeBook } from './long-book.ts'
import type { Limits, Question, Result, Round, Tools } from './question.ts'
import { inTurns, shareOf } from './rounds.ts'

const EVENTS_A_SECOND = 5_000
const TIMES = 10
const CALLS = 1_000
const LIMITS: Limits = { better: 'less', at_least: 125, aim: 110 }

export const logLength: Question = {
  name: 'log-length',
  about: 'start-up and memory of the program on a log ten times as long, beside the short one',
  async answer(tools) {
    const events = Math.round(EVENTS_A_SECOND * tools.seconds)
    const few = await madeBook(tools, events)
    const many = await madeBook(tools, events * TIMES)
    const started: Round[] = []
    const memory = await inTurns(
      async () => {
        const { startedInMs, residentMb } = await startedOn(tools, few)
        started.push({ raw: startedInMs, ours: 0 })
        return residentMb
      },
      async () => {
        const { startedInMs, residentMb } = await startedOn(tools, many)
        started.push({ raw: started.pop()!.raw, ours: startedInMs })
        return residentMb
      },
    )
    const lengths = { ours: inThousands(many.events), raw: inThousands(few.events) }
    const start: Result = {
      name: 'log-length-start',
      measure: `start-up of the program, ${lengths.ours} events in the log`,
      baseline: `${lengths.raw} events`,
      ...shareOf(started, 'ms'),
      limits: LIMITS,
    }
    // Only Linux tells what a process holds; elsewhere there is no such row.
    if (memory.some(({ ours, raw }) => Number.isNaN(ours + raw))) return [start]
    const held: Result = {
      name: 'log-length-memory',
      measure: `memory of the program, ${lengths.ours} events, after ${CALLS} commands`,
      baseline: `${lengths.raw} events`,
      ...shareOf(memory, 'MB'),
      limits: LIMITS,
    }
    return [start, held]
  },
}

const inThousands = (events: number) => `${(events / 1_000).toLocaleString('en-US')}k`

async function startedOn({ atEnd }: Tools, { folder, products }: Book) {
  const daybook = await startDaybook(folder, atEnd)
  await callsOn(daybook.origin, products, CALLS)
  const residentMb = daybook.residentMb()
  await daybook.stop()
  return { startedInMs: daybook.startedInMs, residentMb }
}
