// The registry of event types: what may be stored, in which version, and how old versions are
// lifted.
import { check, type Infer, type ObjectSchema } from '#kernel/schema.ts'

/** One event type. Stored for ever: never rename or reuse a name; add a version and an upcaster. */
export type EventType<S extends ObjectSchema = ObjectSchema> = {
  readonly data: S
  /** Version of `data`, 1 unless there are upcasters. */
  readonly version?: number
  /** `upcast[n]` lifts data of version n to n + 1; pure. */
  readonly upcast?: Readonly<Record<number, (data: never) => unknown>>
  /** Stored data of each older version, as it was written then; a test lifts them. */
  readonly samples?: Readonly<Record<number, unknown>>
  /** Other names under which subscribers and filters may ask for it (`StockReplenished`). */
  readonly aliases?: readonly string[]
  /** Fields that tell of a person: encrypted under the subject's key before they are stored. */
  readonly personal?: {
    readonly fields: readonly string[]
    /** Whose they are: a stable id such as a customer's. null: nobody's, they stay as they are. */
    readonly subject: (data: never) => string | null
    /**
     * The first version that is stored so; 1 unless said. What older ones have in clear is shown
     * until the subject is forgotten.
     */
    readonly since?: number
  }
  /** Whose key is going or gone: whoever remembers it forgets it when he meets this event. */
  readonly forgets?: (data: never) => string
  /** That key is destroyed already. */
  readonly isGone?: true
}

export type EventTypes = Readonly<Record<string, EventType>>
/** Event name to data. */
export type DataOf<T extends EventTypes> = { readonly [K in keyof T]: Infer<T[K]['data']> }
/** Gives the map back with its types kept. */
export const eventTypes = <const T extends EventTypes>(types: T): T => types

export const versionOf = (type: EventType): number => type.version ?? 1

/**
 * Thrown for an event that may not be stored: a bug of whoever wrote it, never a user's mistake.
 */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent'
}

/** Throws InvalidEvent unless the type is known and the data fits its newest schema. */
export function checkEvent(types: EventTypes, type: string, data: unknown): EventType {
  const known = Object.hasOwn(types, type) ? types[type] : undefined
  if (known === undefined)
    throw new InvalidEvent(`unknown event type ${type}; register it in its context`)
  const checked = check(known.data, data)
  if (!checked.ok)
    throw new InvalidEvent(`${type} does not fit its schema: ${JSON.stringify(checked.errors)}`)
  return known
}

/**
 * Lifts stored data to the newest version of its type. Types unknown here come back as they are.
 */
export function lift(types: EventTypes, type: string, version: number, data: unknown): unknown {
  const known = Object.hasOwn(types, type) ? types[type] : undefined
  if (known === undefined) return data
  let lifted = data
  for (let from = version; from < versionOf(known); from++) {
    const upcaster = known.upcast?.[from]
    if (upcaster === undefined)
      throw new InvalidEvent(`${type} has no upcaster from version ${from}`)
    lifted = upcaster(lifted as never)
  }
  return lifted
}
