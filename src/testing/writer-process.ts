// Runs crash-writer.ts and notes in a history what it asked for and was told, up to its end, which
// comes by a kill.
import { equal } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { EngineName, Place } from '#storage/engines.ts'
import type { Append } from '#storage/event-log.ts'
import type { CrashLine } from './crash-writer.ts'
import type { Attempt, History } from './history.ts'

export type WriterProcess = {
  readonly kill: () => void
  readonly answers: () => number
  /** Appends it was not told about. Throws when it ended by itself. */
  readonly ended: Promise<ReadonlyMap<string, Append>>
}

/** `args`: seed, round, which of the round's processes. The history's moments are the machine's. */
export function writerProcess(
  engine: EngineName,
  place: Place,
  history: History,
  args: readonly string[],
  onAnswer: (count: number) => void = () => {},
): WriterProcess {
  const program = join(import.meta.dirname, 'crash-writer.ts')
  const child = spawn(process.execPath, [program, engine, JSON.stringify(place), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let answers = 0
  const read = async () => {
    const ended = once(child, 'close')
    let trouble = ''
    child.stderr.on('data', (text) => {
      trouble += text
    })
    const asked = new Map<string, { readonly invoked: number; readonly append: Append }>()
    for await (const text of createInterface({ input: child.stdout })) {
      const line = parsed(text)
      if (line === null) continue
      if ('ask' in line) asked.set(line.ask, { invoked: line.at, append: line.append })
      else {
        const { told: name, at, verdict: outcome } = line
        history.attempts.push({ name, ...asked.get(name)!, completed: at, outcome })
        asked.delete(name)
        onAnswer(++answers)
      }
    }
    const [, signal] = await ended
    equal(signal, 'SIGKILL', `the writer ended by itself: ${trouble}`)
    const completed = Number.POSITIVE_INFINITY
    for (const [name, question] of asked)
      history.attempts.push({ name, ...question, completed, outcome: 'unknown' } satisfies Attempt)
    return new Map([...asked].map(([name, { append }]) => [name, append]))
  }
  return { kill: () => void child.kill('SIGKILL'), answers: () => answers, ended: read() }
}

/** The last line may be cut. */
function parsed(text: string): CrashLine | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
