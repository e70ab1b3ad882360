// How events are told to people. Every event type of the shop has words; none of them holds what
// tells of a person, so that a history stays readable after that person was forgotten.
import type { DataOf, EventTypes } from '#kernel/event-types.ts'
import { exponentOf, unscaled } from '#kernel/money.ts'

/** Writes numbers as people read them; in the currency and the steps of the event at hand. */
export type Say = {
  /** `12.99 USD` */
  readonly money: (minor: number) => string
  /** `3`, `1.375` */
  readonly units: (quantity: number) => string
  /** `Harbour Street`, `order ORD-2026-1`; an id that nobody calls anything as it is. */
  readonly name: (id: string) => string
}
type Tell<D> = (data: D, say: Say) => string
/** By event type. Called with data of that type only. */
export type Words = Readonly<Record<string, Tell<never>>>

/** Words for every event of an aggregate: the compiler asks for each of them. */
export const wordsFor = <A extends { readonly events: EventTypes }>(
  _aggregate: A,
  words: { readonly [K in keyof A['events']]: Tell<DataOf<A['events']>[K]> },
): Words => words as unknown as Words

/** What an event's own data does not say: a movement of stock names no steps, a price may. */
export type Measures = {
  readonly currency?: string
  readonly quantity_scale?: number
  /** By id. */
  readonly names?: ReadonlyMap<string, string>
}

export function sayWith(data: object, known: Measures): Say {
  const { currency = known.currency, quantity_scale = known.quantity_scale ?? 0 } = data as Measures
  return {
    money: (minor) =>
      currency === undefined
        ? `${unscaled(minor, 2)}`
        : `${unscaled(minor, exponentOf(currency))} ${currency}`,
    units: (quantity) => unscaled(quantity, quantity_scale),
    name: (id) => known.names?.get(id) ?? id,
  }
}

/** `1 line`, `3 lines` */
export const count = (things: { readonly length: number } | number, thing: string): string => {
  const number = typeof things === 'number' ? things : things.length
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}
/** What was changed, by its fields' names; ids and what belongs to no field of its own left out. */
export const fieldsOf = (data: object, without: readonly string[]): string => {
  const names = Object.entries(data)
    .filter(([name, value]) => value !== undefined && !without.includes(name))
    .map(([name]) => name.replace(/_(minor|id)$/, '').replaceAll('_', ' '))
  return names.length === 0 ? 'nothing' : names.join(', ')
}
export const because = (reason: string | null | undefined): string =>
  reason === null || reason === undefined || reason === '' ? '' : `: ${reason}`
