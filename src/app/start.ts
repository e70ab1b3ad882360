// `daybook start`: opens the doors, says where they are, and on SIGTERM finishes what it accepted.
import { type Doors, httpDoors } from '#edges/http/doors.ts'
import { type App, compose, VERSION } from './compose.ts'
import { configFor } from './config-for.ts'
import { demoArgv, runDemo } from './demo/demo.ts'
import type { Trading } from './demo/trade.ts'
import { type PortKey, portsOf, type Roles } from './roles.ts'
import type { Address } from './setting-kinds.ts'
import type { Config } from './settings.ts'
import { sparing } from './sparing.ts'

/** To finish what was accepted; after it the process leaves anyway. */
const LEAVE_AFTER_MS = 20_000

export type StartOptions = {
  /** A shop to look at: filled where the book is empty, and kept busy. */
  readonly demo?: boolean
}

export async function start(given: readonly string[], { demo = false }: StartOptions = {}) {
  const argv = demo ? demoArgv(given) : given
  const config = configFor(argv)
  let stop = (_: number) => {}
  const app = await compose(config, {
    tell,
    onBroken: (error) => {
      tell(`${error.message}. Stopping: it takes a fresh start.`)
      stop(1)
    },
  })
  // A port that is taken is told at once, not behind a month of trade.
  const doors = await opened(app, config)
  const trading = demo ? await demonstrating(app, doors) : null
  for (const line of doors.lines) process.stdout.write(`${line}\n`)

  let stopping = false
  stop = (code) => {
    if (stopping) return
    stopping = true
    process.exitCode = code
    setTimeout(() => process.exit(process.exitCode), LEAVE_AFTER_MS).unref()
    void Promise.all([trading?.stop(), doors.close()])
      .then(() => app.close())
      .catch((error) => {
        tell(`while stopping: ${String(error)}`)
        process.exitCode = 1
      })
      .finally(() => process.exit(process.exitCode))
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0))
}

const tell = sparing((line) => void process.stderr.write(`${line}\n`))

async function demonstrating(
  app: App,
  doors: { readonly close: () => Promise<void> },
): Promise<Trading> {
  try {
    return await runDemo(app, tell)
  } catch (error) {
    await doors.close()
    await app.close()
    throw error
  }
}

/** Which door listens where, and what the start line calls it. */
const DOORS = {
  'server.port': ['public', 'commands'],
  'server.query_port': ['query', 'queries'],
  'server.admin_port': ['admin', 'admin'],
  'server.health_port': ['health', 'health'],
} as const satisfies Record<PortKey, readonly [keyof Doors, string]>

async function opened(app: App, config: Config) {
  const { roles } = app
  const doors = httpDoors({
    commands: app.contexts.flatMap(({ commands }) => commands),
    queries: app.contexts.flatMap(({ queries }) => queries),
    send: app.send,
    ask: app.ask,
    operations: app.operations,
    offers: roles.isAll ? 'everything' : 'commands',
    settings: roles.has('admin') ? config : { ...config, 'admin.expose_on_main': false },
    version: VERSION,
    log: tell,
  })
  const close = async () => {
    await Promise.all(Object.values(doors).map((door) => door.close()))
  }
  try {
    const places = await Promise.all(
      portsOf(roles).flatMap((key) => {
        const address = config[key]
        const [door, name] = DOORS[key]
        if (address === '') return []
        return [listen(doors[door], key, address, config).then((url) => ({ name, url }))]
      }),
    )
    const warnings = (await app.operations.health()).warnings.map((text) => `Warning: ${text}`)
    return { lines: [...warnings, readyLine(roles, places)], close }
  } catch (error) {
    await close()
    await app.close()
    throw error
  }
}

type Place = { readonly name: string; readonly url: string }

function readyLine(roles: Roles, places: readonly Place[]): string {
  const [first] = places
  const told = places.map(({ name, url }) =>
    url === first?.url
      ? `${roles.isAll ? '' : `${name} `}${url} (docs at ${url}/docs)`
      : `${name} ${url}`,
  )
  const what = roles.isAll ? 'Daybook is ready' : `Daybook is ready as ${roles.text}`
  return told.length === 0 ? `${what}.` : `${what}: ${told.join(' · ')}`
}

type Door = Doors['public']

async function listen(
  door: Door,
  key: PortKey,
  { host, port }: Address,
  config: Config,
): Promise<string> {
  const name = host ?? config['server.host']
  const shown = name.includes(':') ? `[${name}]` : name
  try {
    const bound = await door.listen(name, port)
    return `http://${shown}:${bound.port}`
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const why = Object.hasOwn(NO_DOOR, code) ? NO_DOOR[code] : String(error)
    throw new Error(`${key}: ${shown}:${port} ${why} (${code})`, { cause: error })
  }
}

/** What the system says of a door that it does not open, and what to do then. */
const NO_DOOR: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken: stop what listens there, or set another port',
  EACCES: 'is not for this user: set a port from 1024 on',
  EADDRNOTAVAIL: 'is no address of this machine: set another host',
}
