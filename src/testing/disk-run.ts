// Runs disk-writer.ts to its end, whatever ends it, and asks again for what it got no answer to.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openEventLog } from '#storage/sqlite/event-log.ts'
import { attemptsIn, type DiskLine, type DiskWork, linesIn, placesIn } from './disk-lines.ts'
import { machineTick } from './history.ts'
import { again } from './sample-appends.ts'
import { type Ended, runToEnd, type Straced, straceCommand } from './strace.ts'

const WRITER = join(import.meta.dirname, 'disk-writer.ts')

export type DiskRun = Ended & { readonly lines: readonly DiskLine[] }

/** `before`: words of a shell before the program, as `ulimit -f 100`. */
export async function runDiskWriter(
  work: DiskWork,
  { straced, before }: { readonly straced?: Straced; readonly before?: string } = {},
): Promise<DiskRun> {
  mkdirSync(work.folder, { recursive: true })
  const program = [process.execPath, WRITER, JSON.stringify(work)]
  const command = straced === undefined ? program : straceCommand(straced, program)
  const whole =
    before === undefined ? command : ['sh', '-c', `${before}; exec "$@"`, '-', ...command]
  const ended = await runToEnd(whole)
  return { ...ended, lines: linesIn(ended.out) }
}

/** As clients do: the same command once more, for whatever is not known. The lines go on. */
export async function askAgain(
  folder: string,
  lines: readonly DiskLine[],
): Promise<readonly DiskLine[]> {
  const log = await openEventLog({ path: placesIn(folder).log, mode: 'inline' })
  const more: DiskLine[] = []
  try {
    for (const { append, outcome } of attemptsIn(lines)) {
      if (outcome !== 'unknown' || append.command === undefined) continue
      const asked = again(append)
      const ask = append.command.id
      more.push({ ask, at: machineTick(), append: asked })
      const verdict = await log.append(asked)
      more.push({ told: ask, at: machineTick(), verdict })
    }
  } finally {
    await log.close()
  }
  return [...lines, ...more]
}
