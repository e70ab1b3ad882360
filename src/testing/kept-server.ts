// A server program that ends with the test that started it, however that ends: a shell beside it
// waits for the end of a pipe that only we hold, then stops the program and removes its folder.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Account = { readonly uid?: number; readonly gid?: number }

export type KeptServer = {
  readonly pid: number
  /** What it printed so far. */
  readonly printed: () => string
  readonly hasEnded: () => boolean
  /** SIGKILL, SIGSTOP, SIGCONT …, to the program alone. */
  readonly signal: (name: NodeJS.Signals) => void
  /** Resolves when the program has ended, and its folder is gone, unless it is wanted. */
  readonly stop: (folder?: 'keep') => Promise<void>
}

export type Keep = {
  /** Removed when it is over. */
  readonly folder: string
  readonly command: readonly string[]
  /** What ends the program; it is killed when it takes more than half a minute. */
  readonly stopWith: 'QUIT' | 'KILL'
  readonly account: Account
}

// $1 folder, $2 signal, then the program. It is told to go on in case somebody had stopped it.
const KEEPER = `folder=$1; signal=$2; shift 2
: >"$folder/printed"
"$@" >>"$folder/printed" 2>&1 &
pid=$!
echo "$pid"
word=$(cat)
kill -"$signal" "$pid" 2>/dev/null
kill -CONT "$pid" 2>/dev/null
tries=0
while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 1500 ]; do sleep 0.02; tries=$((tries + 1)); done
kill -KILL "$pid" 2>/dev/null
wait "$pid"
[ "$word" = keep ] || rm -rf "$folder"`

export async function keep({ folder, command, stopWith, account }: Keep): Promise<KeptServer> {
  // A group of its own: Ctrl-C is for the tests, the keeper goes by the pipe.
  const keeper = spawn('sh', ['-c', KEEPER, 'keeper', folder, stopWith, ...command], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    ...account,
  })
  await once(keeper, 'spawn')
  const [line] = (await once(keeper.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  detach(keeper)
  return {
    pid,
    printed: () => readFileSync(join(folder, 'printed'), 'utf8'),
    hasEnded: () => !isRunning(pid),
    signal: (name) => void process.kill(pid, name),
    async stop(wanted) {
      if (keeper.exitCode !== null || keeper.signalCode !== null) return
      keeper.ref()
      const ended = once(keeper, 'exit')
      keeper.stdin.end(wanted)
      await ended
      if (wanted === 'keep') return
      // What the account of the program may not remove, we may.
      removeFolder(folder)
    },
  }
}

/** Nothing of it keeps this process from ending. */
function detach(keeper: ChildProcess): void {
  keeper.unref()
  for (const pipe of [keeper.stdin, keeper.stdout]) {
    pipe?.on('error', () => {})
    if (pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A folder for a server, on whatever account it runs. */
export function serverFolder(kind: string, { uid, gid }: Account): string {
  const folder = mkdtempSync(join(tmpdir(), `daybook-${kind}-`))
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid)
  return folder
}

/** Processes of a server that was killed may make a file meanwhile. */
export const removeFolder = (folder: string) =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 })

/**
 * PostgreSQL refuses to run as root: there it runs on its own account, or on that of nobody.
 * Ours otherwise.
 */
export function unprivileged(): Account {
  if (process.getuid?.() !== 0) return {}
  const found = ['postgres', 'nobody'].map(accountOf).find((account) => account !== null)
  if (found == null) throw new Error('root has no account to run it on: postgres or nobody')
  return found
}

function accountOf(user: string): Account | null {
  try {
    const id = (which: string) =>
      Number(execFileSync('id', [which, user], { encoding: 'utf8', stdio: 'pipe' }))
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return null
  }
}

/** Below those that a system gives by itself: nobody gets one of ours while its server is away. */
const PORTS = { from: 12_000, to: 32_000 }
const given = new Set<number>()

/** Free a moment ago: whoever binds it has to be ready to try another. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free from ${PORTS.from} to ${PORTS.to}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
