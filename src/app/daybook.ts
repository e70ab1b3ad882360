#!/usr/bin/env node
// The command `daybook` of an installed package. An older Node than the product needs hands over to
// the one that the package brings along.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const NODE_MAJOR_MIN = 24

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) await import('./main.ts')
else handOver()

function handOver() {
  const node = packagedNode()
  if (node === null) {
    console.error(
      `Daybook needs Node ${NODE_MAJOR_MIN} or newer; this is ${process.version}, and the Node that ` +
        'comes with the package was not installed (npm install with scripts allowed brings it).',
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => child.kill(signal))
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
