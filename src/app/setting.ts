// One setting: how it is read, its default, what it is for.
import type { Kind } from './setting-kinds.ts'

export type Setting<T = unknown> = {
  readonly kind: Kind<T>
  /** Written as in the file, so that the page shows what one would write. */
  readonly standard: unknown
  readonly about: string
  /** The release that has it first. */
  readonly since: string
  /** Holds a password: its value is never shown. */
  readonly secret?: true
}

export const setting = <T>(kind: Kind<T>, standard: unknown, about: string, since = '0.1.0') =>
  ({ kind, standard, about, since }) satisfies Setting<T>
export const secret = <T>(kind: Kind<T>, standard: unknown, about: string, since = '0.1.0') =>
  ({ ...setting(kind, standard, about, since), secret: true }) satisfies Setting<T>
