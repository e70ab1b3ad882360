// What disk-writer.ts is told to do, and what it says; read by the tests that run it.
import { join } from 'node:path'
import type { Append, Verdict } from '#storage/event-log.ts'
import type { Attempt } from './history.ts'

export type DiskPoint =
  | 'after key'
  | 'before append'
  | 'after append'
  | 'after failure'
  | 'before fold'
  | 'after fold'

export type DiskWork = {
  readonly folder: string
  readonly seed: number
  /** Before each command's id. */
  readonly name: string
  readonly rounds: number
  /** Asked before anything else. */
  readonly first?: readonly Append[]
  /** The log as it must not be: `synchronous=NORMAL`. Shows what a test of durability is worth. */
  readonly careless?: boolean
  /** SQLite's own limit on the log's size. */
  readonly pageLimit?: number
  /** Dies there at the count-th time. */
  readonly crashAt?: { readonly point: DiskPoint; readonly count: number }
  /** Whether its write-ahead logs are written back now and then; true when absent. */
  readonly checkpoints?: boolean
  /** Whether it closes and opens everything half way; true when absent. */
  readonly reopens?: boolean
}

export type DiskLine =
  | { readonly ask: string; readonly at: number; readonly append: Append }
  | { readonly told: string; readonly at: number; readonly verdict: Verdict }
  | {
      readonly failed: string
      readonly at: number
      readonly error: string
      readonly message: string
      readonly known: 'unknown' | 'absent'
    }
  | { readonly readable: number; readonly head: number }
  | { readonly keyless: string; readonly error: string; readonly message: string }
  | { readonly folded: number }
  | { readonly unfolded: number; readonly error: string; readonly message: string }
  | { readonly unclosed: string }
  | { readonly done: number }

/** The files lie in a folder that the store makes. */
export const placesIn = (folder: string) => ({
  log: join(folder, 'data', 'shop.db'),
  views: join(folder, 'data', 'shop-views.db'),
  keys: join(folder, 'data', 'shop-keys.db'),
})

/** The last line may be cut. */
export function linesIn(text: string): readonly DiskLine[] {
  const lines = text.split('\n')
  lines.pop()
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as DiskLine)
}

/** What was asked and came of it, as the checkers take it. */
export function attemptsIn(lines: readonly DiskLine[]): readonly Attempt[] {
  const attempts: Attempt[] = []
  const open = new Map<string, { readonly at: number; readonly append: Append }>()
  const settle = (name: string, completed: number, outcome: Attempt['outcome']) => {
    const { at: invoked, append } = open.get(name)!
    open.delete(name)
    attempts.push({ name: `${name} at ${invoked}`, invoked, completed, append, outcome })
  }
  for (const line of lines)
    if ('ask' in line) {
      // Asked again: the first time was never answered.
      if (open.has(line.ask)) settle(line.ask, Number.POSITIVE_INFINITY, 'unknown')
      open.set(line.ask, line)
    } else if ('told' in line) settle(line.told, line.at, line.verdict)
    else if ('failed' in line) settle(line.failed, line.at, line.known)
  for (const name of [...open.keys()]) settle(name, Number.POSITIVE_INFINITY, 'unknown')
  return attempts
}
