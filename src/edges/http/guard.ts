// Who may talk to us from a browser. Loopback is no boundary there: any page can reach 127.0.0.1.
// So the Host header must name us (DNS rebinding), and an Origin header one of ours or of the list.
import type { IncomingHttpHeaders } from 'node:http'
import type { Rejection } from '#kernel/decider.ts'

export type GuardSettings = {
  /** Host names beside those of the loopback, without ports. */
  readonly allowedHosts: readonly string[]
  /** Origins of other sites whose pages may call and read: `https://shop.example.org`. */
  readonly corsOrigins: readonly string[]
}
export type Guard = {
  /** Why this request may not go on; null when it may. Also for upgrades to WebSocket. */
  refusal(headers: IncomingHttpHeaders): Rejection | null
  /** The headers that let a page of another, listed origin read the answer. */
  corsHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, string>>
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
const READABLE =
  'ETag, Location, Link, X-Correlation-Id, Idempotent-Replayed, Retry-After, X-Cache, Age'
const SENDABLE =
  'Content-Type, Idempotency-Key, If-Match, X-Correlation-Id, X-Min-Position, Authorization'
const PREFLIGHT_AGE_S = 600

export function guard({ allowedHosts, corsOrigins }: GuardSettings): Guard {
  const hosts = new Set([...LOOPBACK, ...allowedHosts.map((host) => host.toLowerCase())])
  const listed = new Set(corsOrigins)
  for (const origin of listed)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new Error(`cors.origins: ${origin} is not an origin such as https://shop.example.org`)
  const isOurs = (origin: string) =>
    URL.canParse(origin) && new URL(origin).origin === origin && hosts.has(new URL(origin).hostname)

  return {
    refusal({ host = '', origin }) {
      if (!hosts.has(hostName(host)))
        return {
          code: 'misdirected_request',
          message:
            'This server does not answer under this host name (setting server.allowed_hosts).',
        }
      if (origin === undefined || listed.has(origin) || isOurs(origin)) return null
      return {
        code: 'origin_not_allowed',
        message: 'Pages of this origin may not call this server (setting cors.origins).',
      }
    },
    corsHeaders({ origin, 'access-control-request-method': wanted }) {
      if (listed.size === 0) return NONE
      if (origin === undefined || !listed.has(origin)) return { vary: 'Origin' }
      return {
        vary: 'Origin',
        'access-control-allow-origin': origin,
        'access-control-expose-headers': READABLE,
        ...(wanted === undefined
          ? {}
          : {
              'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
              'access-control-allow-headers': SENDABLE,
              'access-control-max-age': String(PREFLIGHT_AGE_S),
            }),
      }
    },
  }
}

const NONE = {}

/**
 * `[::1]:8080` is `[::1]`. Whatever is no host with an optional port equals no name in the list.
 */
function hostName(host: string): string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::[0-9]{1,5})?$/.exec(host)
  return match === null ? '' : match[1]!.toLowerCase()
}

/** On every answer, errors included. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
}
