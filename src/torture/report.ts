// What a person reads after the torture: what was done, what went wrong on purpose, what was looked
// at, and, if something broke, the few lines that say what.
import type { Report, TortureOptions } from './torture.ts'

const PROBLEMS_SHOWN = 5

export type Paint = (style: 'green' | 'red' | 'bold', text: string) => string

/** Lines for the terminal; `command` runs the same again. */
export function reportLines(
  { place, processes, checks, faults, done, refused, ...sums }: Report,
  { seed, seconds, buyers }: Pick<TortureOptions, 'seed' | 'seconds' | 'buyers'>,
  command: string,
  paint: Paint,
): readonly string[] {
  const broken = checks.filter(({ problems }) => problems.length > 0)
  const list = (all: ReadonlyMap<string, number>) =>
    [...all].map(([name, count]) => `${told(count)} ${name}`).join(', ') || 'none'
  const sum = [...done.values()].reduce((all, count) => all + count, 0)
  return [
    `${place}, ${processes === 1 ? 'one process' : `${processes} processes`}, ` +
      `${buyers} buyers for ${seconds} s, seed ${seed}`,
    `Carried out: ${told(sum)} (${list(done)})`,
    `Refused:     ${list(refused)}`,
    `Faults:      ${list(faults)}`,
    `Requests:    ${told(sums.requests)}, asked again ${told(sums.repeats)} times; ` +
      `${told(sums.events)} events; at rest after ${sums.restSeconds.toFixed(1)} s`,
    '',
    ...checks.flatMap(({ promise, compared, problems }) => [
      problems.length === 0
        ? `${paint('green', 'ok    ')} ${promise}: ${told(compared)} looked at`
        : `${paint('red', 'BROKEN')} ${promise}: ${problems.length} of ${told(compared)}`,
      ...problems.slice(0, PROBLEMS_SHOWN).map((problem) => `         ${problem}`),
      ...(problems.length > PROBLEMS_SHOWN
        ? [`         and ${problems.length - PROBLEMS_SHOWN} more`]
        : []),
    ]),
    '',
    broken.length === 0
      ? paint('bold', `Every promise held. Lost: 0.`)
      : paint('bold', `${broken.length} of ${checks.length} promises broken. Again: ${command}`),
  ]
}

const told = (count: number) => count.toLocaleString('en')
