// The torture with a fault planted, as users run it; what came of it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { inherited } from '#testing/inherited.ts'
import type { Break } from './breaks.ts'

const ROOT = join(import.meta.dirname, '..')
const SECONDS = 10
const REST_SECONDS = 30

export type BrokenRun = {
  readonly code: number
  readonly said: string
  /** What the check that had to notice said first; null when it noticed nothing. */
  readonly noticed: string | null
}

export function runBroken(one: Break, seed: number): Promise<BrokenRun> {
  const argv = [
    ...[join(ROOT, 'app', 'main.ts'), 'torture', '--seconds', String(SECONDS)],
    ...['--rest', String(REST_SECONDS), '--seed', String(seed)],
    ...(one.store === undefined ? [] : ['--store', one.store]),
    ...(one.many === true ? ['--processes', 'many'] : []),
  ]
  const env = {
    ...inherited(),
    NODE_OPTIONS: `--import=${join(ROOT, 'testing', 'broken-module.ts')}`,
    BROKEN: JSON.stringify(one.changes),
  }
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      const lines = stdout.split('\n')
      const at = lines.findIndex((line) => line.startsWith(`BROKEN ${one.promise}`))
      const noticed = at === -1 ? null : `${lines[at]}\n${lines[at + 1]}`
      resolve({ code, said: `${stdout}${stderr}`, noticed })
    })
  })
}
