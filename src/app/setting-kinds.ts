// What a setting may be, and how its text is read: one reader for file, environment and flags, so
// that a value means the same wherever it comes from.

export type Kind<T> = {
  /** What is allowed, for mistakes and for the reference page. */
  readonly allowed: string
  /** The value, or undefined when `raw` is none. `raw` is text, or whatever YAML made of it. */
  readonly read: (raw: unknown) => T | undefined
}

export const flag: Kind<boolean> = {
  allowed: 'true or false',
  read: (raw) =>
    raw === true || raw === 'true' ? true : raw === false || raw === 'false' ? false : undefined,
}

/** For a switch whose other position is not built: told so instead of being ignored. */
export const only = (value: boolean, why: string): Kind<boolean> => ({
  allowed: `only ${value} for now: ${why}`,
  read: (raw) => (flag.read(raw) === value ? value : undefined),
})

export const text = (max: number, min = 0): Kind<string> => ({
  allowed: `text of ${min === 0 ? 'at most' : `${min} to`} ${max} characters`,
  read: (raw) => {
    if (typeof raw !== 'string' && typeof raw !== 'number') return undefined
    const value = String(raw)
    return value.length <= max && value.length >= min ? value : undefined
  },
})

/** Text of a certain form; `allowed` says which. */
export const matching = (pattern: RegExp, allowed: string): Kind<string> => ({
  allowed,
  read: (raw) => (typeof raw === 'string' && pattern.test(raw) ? raw : undefined),
})

export const oneOf = <const V extends readonly string[]>(values: V): Kind<V[number]> => ({
  allowed: values.length === 1 ? `only ${values[0]} for now` : `one of ${values.join(', ')}`,
  read: (raw) => values.find((value) => value === raw),
})

/** The same, or nothing. */
export const orEmpty = <T>(kind: Kind<T>): Kind<T | ''> => ({
  allowed: `${kind.allowed}; or empty`,
  read: (raw) => (raw === '' ? '' : kind.read(raw)),
})

/** Where a PostgreSQL server is; other schemes are other servers. */
export const postgresAddress = (): Kind<string> => ({
  allowed: 'postgres://USER@HOST:PORT/DATABASE, the only server that is built',
  read: (raw) => {
    const url = typeof raw === 'string' && raw.length <= 2_000 ? URL.parse(raw) : null
    const known = url !== null && ['postgres:', 'postgresql:'].includes(url.protocol)
    return known && url.hostname !== '' && url.pathname.length > 1 ? url.href : undefined
  },
})

export const integer = (min: number, max: number): Kind<number> => ({
  allowed: `a whole number from ${min} to ${max}`,
  read: (raw) => within(wholeNumber(raw), min, max),
})

export const decimal = (min: number, max: number): Kind<number> => ({
  allowed: `a number from ${min} to ${max}`,
  read: (raw) => {
    if (typeof raw === 'number') return within(raw, min, max)
    return typeof raw === 'string' && /^[0-9]+(\.[0-9]+)?$/.test(raw)
      ? within(Number(raw), min, max)
      : undefined
  },
})

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A span of time with its unit; the value is in milliseconds. */
export const duration = (min: string, max: string): Kind<number> => ({
  allowed: `a time from ${min} to ${max}, with its unit (ms, s, m, h, d)`,
  read: (raw) => within(milliseconds(raw), milliseconds(min)!, milliseconds(max)!),
})

export function milliseconds(raw: unknown): number | undefined {
  if (typeof raw !== 'string') return undefined
  const [, amount, unit] = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(raw) ?? []
  return unit === undefined ? undefined : Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]
}

/** A YAML list, or text with commas. `min` 0 lets the list be empty. */
export const listOf = <T>(item: Kind<T>, min = 0): Kind<readonly T[]> => ({
  allowed: `a list${min === 0 ? '' : ` of at least ${min}`}, each ${item.allowed}`,
  read: (raw) => {
    const parts =
      typeof raw === 'string'
        ? raw
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : raw
    if (!Array.isArray(parts) || parts.length < min) return undefined
    const values = parts.map(item.read)
    if (values.includes(undefined) || new Set(values).size !== values.length) return undefined
    return Object.freeze(values) as readonly T[]
  },
})

export const hostName = matching(/^[A-Za-z0-9.:-]{1,253}$/, 'a host name or an IP address')
export const word = matching(/^[a-z][a-z0-9_]{0,49}$/, 'a word of a-z, 0-9 and _')

/** Where a server listens. Without a host it is `server.host`; port 0 lets the system choose. */
export type Address = { readonly host: string | null; readonly port: number }

export const address: Kind<Address> = {
  allowed:
    'a port from 0 to 65535, alone (8080 or ":8080") or after a host (127.0.0.1:8080, [::1]:0)',
  read: (raw) => {
    const [, bracketed, plain, digits] =
      /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]*)):)?([0-9]{1,5})$/.exec(String(raw)) ?? []
    const port = within(wholeNumber(digits), 0, 65_535)
    if (port === undefined) return undefined
    return Object.freeze({ host: bracketed ?? (plain || null), port })
  },
}

function wholeNumber(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? raw : undefined
  return typeof raw === 'string' && /^-?[0-9]{1,15}$/.test(raw) ? Number(raw) : undefined
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}
