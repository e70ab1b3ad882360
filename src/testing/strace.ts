// Runs a program under strace: what it asks of the disk is written down, or made to fail. Systems
// without strace have no such tests, and say so.
import { execFileSync, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Why it cannot be used here; null: it can. */
export const straceMissing: string | null = (() => {
  try {
    execFileSync('strace', ['-f', '--seccomp-bpf', '-qq', '-e', 'trace=fsync', 'true'], {
      stdio: 'pipe',
    })
    return null
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0]! : String(error)
  }
})()

export type Straced = {
  /** System calls to watch, with commas. */
  readonly trace: string
  /** As strace takes it: `fsync:error=EIO:when=3`. Counted in each thread by itself. */
  readonly inject?: readonly string[]
  /** Calls that concern this file alone. */
  readonly only?: string
  /** The program keeps its own process id, signals and end; strace watches from beside. */
  readonly beside?: boolean
  /** Where the calls are written down; absent: nowhere. */
  readonly output?: string
}

/** Longer than any single write of ours. */
const STRING_MAX = 1 << 22

/** With its quick filter strace 6.1 counts calls for errors, and not for signals. */
const isSignal = (fault: string) => fault.includes(':signal=')

export const straceCommand = (
  { trace, inject = [], only, beside = false, output = '/dev/null' }: Straced,
  command: readonly string[],
): readonly string[] => [
  ...['strace', '-f', ...(inject.some(isSignal) ? [] : ['--seccomp-bpf'])],
  ...['-qq', '-xx', '-s', String(STRING_MAX), '-o', output],
  ...(beside ? ['-D'] : []),
  ...(only === undefined ? [] : ['-P', only]),
  ...['-e', `trace=${trace}`],
  ...inject.flatMap((fault) => ['-e', `inject=${fault}`]),
  ...command,
]

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** Runs to its end, on this account or another; strace ends as the program did. */
export async function runToEnd(
  command: readonly string[],
  account: { readonly uid?: number; readonly gid?: number } = {},
): Promise<Ended> {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
  const child = spawn(command[0]!, command.slice(1), { stdio, ...account })
  const said = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    said.out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    said.err += text
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, ...said }
}
