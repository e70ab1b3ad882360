// Numbers for people (order numbers): unique and rising, with gaps. A process takes a block by one
// append and hands it out from memory, so that numbering is no bottleneck.
import { randomUUIDv7 } from 'node:crypto'
import { aggregate } from '#kernel/decider.ts'
import { eventTypes } from '#kernel/event-types.ts'
import { integer, object, text } from '#kernel/schema.ts'
import type { EventLog } from '#storage/event-log.ts'

export const numberEvents = eventTypes({
  NumberBlockTaken: { data: object({ series: text(), from: integer({ min: 1 }), to: integer() }) },
})
/** Blocks taken of one series; its id is the series' name. */
const numberSeries = aggregate({
  type: 'numbers',
  state_version: 1,
  events: numberEvents,
  initial: 0,
  evolve: { NumberBlockTaken: (_, { to }) => to },
})

const BLOCK = 1_000
const ATTEMPTS_MAX = 20

export type Numbers = { next(series: string): Promise<number> }

export function numbersFrom(log: EventLog): Numbers {
  const blocks = new Map<string, { next: number; to: number }>()
  const taking = new Map<string, Promise<void>>()

  const take = async (series: string): Promise<void> => {
    const { stream } = numberSeries.at(series)
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const events = await log.readStream(stream)
      const last = events.at(-1)
      const from = (last === undefined ? 0 : (last.data as { to: number }).to) + 1
      const to = from + BLOCK - 1
      const verdict = await log.append({
        writes: [
          {
            stream,
            expected: events.length === 0 ? 'none' : last!.version,
            events: [
              {
                event_id: randomUUIDv7(),
                event_type: 'NumberBlockTaken',
                event_version: 1,
                data: { series, from, to },
                metadata: { source: 'numbers' },
              },
            ],
          },
        ],
      })
      if (verdict.ok) {
        blocks.set(series, { next: from, to })
        return
      }
    }
    throw new Error(`no block of ${series} numbers after ${ATTEMPTS_MAX} tries`)
  }

  return {
    async next(series) {
      for (;;) {
        const block = blocks.get(series)
        if (block !== undefined && block.next <= block.to) return block.next++
        const going = taking.get(series) ?? take(series).finally(() => taking.delete(series))
        taking.set(series, going)
        await going
      }
    },
  }
}
