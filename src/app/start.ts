// `daybook start`: opens the doors, says where they are, and on SIGTERM finishes what it accepted.
import { httpDoors } from '#edges/http/doors.ts'
import { type App, compose, VERSION } from './compose.ts'
import { configFor } from './config-for.ts'
import type { Address } from './setting-kinds.ts'
import type { Config } from './settings.ts'

/** To finish what was accepted; after it the process leaves anyway. */
const LEAVE_AFTER_MS = 20_000

export async function start(argv: readonly string[]): Promise<void> {
  const config = configFor(argv)
  let stop = (_: number) => {}
  const app = await compose(config, {
    tell,
    onBroken: (error) => {
      tell(`${error.message}. Stopping: only a fresh start knows what is in the file.`)
      stop(1)
    },
  })
  const doors = await opened(app, config)
  for (const line of doors.lines) process.stdout.write(`${line}\n`)

  let stopping = false
  stop = (code) => {
    if (stopping) return
    stopping = true
    process.exitCode = code
    setTimeout(() => process.exit(process.exitCode), LEAVE_AFTER_MS).unref()
    void doors
      .close()
      .then(() => app.close())
      .catch((error) => {
        tell(`while stopping: ${String(error)}`)
        process.exitCode = 1
      })
      .finally(() => process.exit(process.exitCode))
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0))
}

const tell = (line: string) => void process.stderr.write(`${line}\n`)

async function opened(app: App, config: Config) {
  const doors = httpDoors({
    commands: app.contexts.flatMap(({ commands }) => commands),
    queries: app.contexts.flatMap(({ queries }) => queries),
    send: app.send,
    ask: app.ask,
    operations: app.operations,
    settings: config,
    version: VERSION,
    log: tell,
  })
  const all = [doors.public, doors.query, doors.admin]
  const close = async () => {
    await Promise.all(all.map((door) => door.close()))
  }
  try {
    const [main, query, admin] = await Promise.all([
      listen(doors.public, config['server.port'], config),
      listen(doors.query, config['server.query_port'], config),
      listen(doors.admin, config['server.admin_port'], config),
    ])
    const warnings = (await app.operations.health()).warnings.map((text) => `Warning: ${text}`)
    const ready = `Daybook is ready: ${main} (docs at ${main}/docs) · queries ${query} · admin ${admin}`
    return { lines: [...warnings, ready], close }
  } catch (error) {
    await close()
    await app.close()
    throw error
  }
}

type Door = ReturnType<typeof httpDoors>['public']

async function listen(door: Door, { host, port }: Address, config: Config): Promise<string> {
  const name = host ?? config['server.host']
  const bound = await door.listen(name, port)
  return `http://${name.includes(':') ? `[${name}]` : name}:${bound.port}`
}
