// What a process may be there for. Roles are data: any mix, and `all` is the whole of them.
import type { Kind } from './setting-kinds.ts'

export const ROLES = ['command', 'query', 'projection', 'saga', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** One word of `process.roles`. */
export const ROLE: Kind<Role | 'all'> = {
  allowed: `one of all, ${ROLES.join(', ')} (sync is not built yet)`,
  read: (raw) => (raw === 'all' ? 'all' : ROLES.find((role) => role === raw)),
}

export type Roles = {
  readonly has: (role: Role) => boolean
  /** All of them: one port then offers commands and queries. */
  readonly isAll: boolean
  /** As it is told: `all`, or the roles. */
  readonly text: string
}

export function rolesOf(named: readonly (Role | 'all')[]): Roles {
  const isAll = named.includes('all') || ROLES.every((role) => named.includes(role))
  const has = (role: Role) => isAll || named.includes(role)
  return { has, isAll, text: isAll ? 'all' : ROLES.filter(has).join(', ') }
}

export type PortKey =
  | 'server.port'
  | 'server.query_port'
  | 'server.admin_port'
  | 'server.health_port'

/** The ports that a process with these roles opens; that of health only where no API is. */
export function portsOf({ has }: Roles): readonly PortKey[] {
  const api: PortKey[] = []
  if (has('command')) api.push('server.port')
  if (has('query')) api.push('server.query_port')
  if (has('admin')) api.push('server.admin_port')
  return api.length > 0 ? api : ['server.health_port']
}
