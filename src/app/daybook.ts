#!/usr/bin/env node
// The command `daybook` of an installed package. An older Node than the product needs hands over to
// the one that the package brings along, and jobs run with limits on their memory.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR_MIN = 24
/**
 * Jobs over large files stay small; as in package.json's `daybook`. A server takes what it needs.
 */
const JOB_LIMITS = ['--max-semi-space-size=4', '--max-old-space-size=256']

const MAIN = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url),
)

const isNewEnough = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN
const isServer = process.argv[2] === 'start'
if (isNewEnough && isServer) await import('./main.ts')
else handOver(isNewEnough ? process.execPath : packagedNode(), isServer ? [] : JOB_LIMITS)

function handOver(node: string | null, flags: readonly string[]) {
  if (node === null) {
    console.error(
      `Daybook needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}, and the Node that ` +
        'comes with the package was not installed (npm install with scripts allowed brings it).',
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [...flags, MAIN, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  // A terminal interrupts both of us; told twice, a job would take it as "at once".
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  child.on('error', (error) => {
    console.error(`${node} does not start: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

function packagedNode(): string | null {
  try {
    const home = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const path = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(path) ? path : null
  } catch {
    // Not installed at all: the same as not there.
    return null
  }
}
