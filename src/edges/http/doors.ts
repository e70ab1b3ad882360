// The doors of the product: public (commands and queries), queries only, admin, and one that only
// says how the process is. Paths below /api/v1/admin/ are on the admin door alone, unless the
// settings say otherwise. A process opens those that its roles need.
import type { Command } from '#kernel/decider.ts'
import type { Query } from '#kernel/query.ts'
import type { Send } from '#kernel/waiting.ts'
import type { Operations } from '#runtime/operations.ts'
import { adminEndpoints } from './admin-endpoints.ts'
import { type CommandRoute, commandEndpoints } from './command-endpoints.ts'
import { documentPages } from './docs-pages.ts'
import type { Endpoint } from './endpoint.ts'
import { guard } from './guard.ts'
import { processEndpoints } from './health-endpoints.ts'
import { openApi } from './openapi.ts'
import { ADMIN_PATH } from './operation-endpoint.ts'
import { type Ask, type QueryRoute, queryEndpoints } from './query-endpoints.ts'
import { type Door, httpServer } from './server.ts'

/**
 * By their dotted keys, so that the program's settings can be handed over as they are; times in ms.
 */
export type EdgeSettings = {
  readonly 'server.allowed_hosts'?: readonly string[]
  readonly 'server.read_timeout'?: number
  readonly 'server.write_timeout'?: number
  readonly 'server.idle_timeout'?: number
  readonly 'admin.expose_on_main'?: boolean
  readonly 'cors.origins'?: readonly string[]
  /** What the API's description calls the service. */
  readonly 'cqrs.name'?: string
  readonly 'cqrs.version'?: string
  readonly 'cqrs.description'?: string
}

export type DoorParts = {
  readonly commands: readonly Command[]
  readonly queries: readonly Query[]
  readonly send: Send
  readonly ask: Ask
  readonly operations: Operations
  readonly settings?: EdgeSettings
  /** What the public door offers; `commands` where other processes answer queries. */
  readonly offers?: 'everything' | 'commands'
  /** The product's version, for the API's description. */
  readonly version: string
  /** One line of JSON for each request that failed on our side. */
  readonly log: (line: string) => void
}
export type Doors = Readonly<Record<'public' | 'query' | 'admin' | 'health', Door>>

const TIMEOUT_MS = 30_000
const IDLE_TIMEOUT_MS = 60_000

export function httpDoors(parts: DoorParts): Doors {
  const { settings = {}, operations, log } = parts
  const name = settings['cqrs.name'] ?? 'Daybook'
  const version = settings['cqrs.version'] ?? parts.version
  const description = settings['cqrs.description'] ?? ''
  const routed = {
    commands: parts.commands.filter(
      (command): command is CommandRoute => command.route !== undefined,
    ),
    queries: parts.queries.filter((query): query is QueryRoute => query.route !== undefined),
  }
  const readPaths = routed.queries.filter(isGet).map(({ route }) => route.path)
  const commands = commandEndpoints(routed.commands, parts.send, readPaths)
  const queries = queryEndpoints(routed.queries, parts.ask)
  const all = [...commands, ...queries]
  const admin = [...all.filter(isAdmin), ...adminEndpoints(operations)]
  const open = (endpoints: readonly Endpoint[]) => endpoints.filter((one) => !isAdmin(one))
  const door = (title: string, offered: readonly Endpoint[]): Door => {
    const endpoints = [...offered, ...processEndpoints(operations)]
    return httpServer({
      endpoints,
      pages: documentPages(() => openApi(endpoints, { title, version, description })),
      guard: guard({
        allowedHosts: settings['server.allowed_hosts'] ?? [],
        corsOrigins: settings['cors.origins'] ?? [],
      }),
      settings: {
        readTimeoutMs: settings['server.read_timeout'] ?? TIMEOUT_MS,
        writeTimeoutMs: settings['server.write_timeout'] ?? TIMEOUT_MS,
        idleTimeoutMs: settings['server.idle_timeout'] ?? IDLE_TIMEOUT_MS,
      },
      log,
    })
  }
  const exposed = settings['admin.expose_on_main'] === true ? admin : []
  const offered = parts.offers === 'commands' ? commands : all
  return {
    public: door(name, [...open(offered), ...exposed]),
    query: door(`${name} queries`, open(queries)),
    admin: door(`${name} admin`, admin),
    health: door(`${name} health`, []),
  }
}

const isAdmin = ({ route }: Endpoint) => route.path.startsWith(ADMIN_PATH)
const isGet = ({ route }: QueryRoute) => route.method === 'GET'
