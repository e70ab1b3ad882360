// A program of its own: asks the process with the same settings (file, environment, flags) whether
// it can work, and ends with 0 or says why not. For containers, which have no curl; so it loads
// next to nothing.
import { get } from 'node:http'
import { configFor } from './config-for.ts'
import { doorsOf } from './config-rules.ts'

const ANSWERS_WITHIN_MS = 3_000

/** What stands for all addresses of a machine is none to go to. */
const ANY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

function check(host: string, port: number): Promise<void> {
  const at = `${host}:${port}`
  return new Promise((resolve, reject) => {
    const asked = get(
      {
        host: ANY[host] ?? host,
        port,
        path: '/health/ready',
        // Whatever name it listens on: this one is always let in.
        headers: { host: 'localhost' },
        timeout: ANSWERS_WITHIN_MS,
      },
      ({ statusCode }) => {
        if (statusCode === 200) resolve()
        else reject(new Error(`${at} answers ${statusCode}`))
      },
    )
    asked.on('timeout', () => asked.destroy(new Error(`no answer in ${ANSWERS_WITHIN_MS} ms`)))
    asked.on('error', (error) => reject(new Error(`${at}: ${error.message}`)))
  })
}

try {
  const [door] = doorsOf(configFor(process.argv.slice(2)))
  if (door === undefined)
    throw new Error('no port is open; set server.health_port for a process without an API')
  await check(door.host, door.port)
  // The connection may be kept open; there is nothing more to ask.
  process.exit(0)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
}
