// C2: did every reader of the whole log see it as it is in the end, without a gap, without going
// back, and with everything that was acknowledged before it asked?
import type { Recorded } from '#kernel/message.ts'
import { type Attempt, ladder, type Page, type Problem } from './history.ts'

export function checkReads(
  pages: readonly Page[],
  attempts: readonly Attempt[],
  log: readonly Recorded[],
): readonly Problem[] {
  const problems: Problem[] = []
  const tell = (message: string) => problems.push({ message, attempts: [] })
  const texts = log.map((event) => JSON.stringify(event))
  const acked = ladder(
    attempts.flatMap(({ completed, outcome }) =>
      typeof outcome !== 'string' && outcome.ok ? [[completed, outcome.position] as const] : [],
    ),
  )
  const ends = new Map<string, number>()
  for (const { reader, asked, after, limit, events } of pages) {
    const where = `${reader}, asking at ${asked} for what follows ${after},`
    const before = ends.get(reader) ?? 0
    if (after !== before) tell(`${where} stood at ${before}`)
    if (events.length > limit) tell(`${where} got ${events.length} events instead of ${limit}`)
    events.forEach((event, i) => {
      if (event.position !== after + i + 1)
        tell(`${where} saw position ${event.position} where ${after + i + 1} belongs`)
      else if (JSON.stringify(event) !== texts[event.position - 1])
        tell(`${where} saw another event ${event.position} than the log has`)
    })
    const end = events.at(-1)?.position ?? after
    const known = acked.before(asked)
    if (events.length < limit && end < known)
      tell(`${where} saw the log end at ${end}; ${known} was acknowledged before`)
    ends.set(reader, end)
  }
  return problems
}
