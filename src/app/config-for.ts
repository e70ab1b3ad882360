// The configuration for a command, or all its mistakes at once and nothing opened.
import { readConfig } from './config.ts'
import type { Config } from './settings.ts'

export function configFor(argv: readonly string[]): Config {
  const read = readConfig({ argv })
  if (read.ok) return read.config
  const { length } = read.problems
  throw new Error(
    [
      `${length === 1 ? 'a setting is' : `${length} settings are`} wrong; nothing was opened`,
      ...read.problems,
    ].join('\n  - '),
  )
}
