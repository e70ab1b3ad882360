// What everybody has who acts on the shop: clients, goods, chances, and what others have made.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '#testing/random.ts'
import type { Answer, Clients, Command } from './clients.ts'

export type Goods = {
  readonly products: readonly { readonly product_id: string; readonly price: number }[]
  readonly stores: readonly string[]
  /** The one that everybody wants, and of which there are few. */
  readonly scarce: string
  /** Those who may buy on account. */
  readonly customers: readonly string[]
}
export type Person = {
  readonly clients: Clients
  readonly goods: Goods
  readonly random: Random
  readonly known: Known
  readonly tell: (command: Command, answer: Answer | null) => void
}
/** What somebody has made, so that others can trip over it. */
export type Known = {
  readonly orders: string[]
  readonly reservations: string[]
  readonly sales: { readonly sale_id: string; readonly lines: number }[]
  readonly parcels: string[]
  readonly returns: string[]
  readonly transfers: { readonly transfer_id: string; readonly product_id: string }[]
  readonly counts: string[]
  /** Payments that were taken elsewhere. */
  readonly external: string[]
}
export const nothingKnown = (): Known => ({
  ...{ orders: [], reservations: [], sales: [], parcels: [], returns: [], transfers: [] },
  ...{ counts: [], external: [] },
})
const KNOWN_MAX = 500
/** The oldest are forgotten. */
export function remember<T>(all: T[], one: T): void {
  all.push(one)
  if (all.length > KNOWN_MAX) all.shift()
}
/** Where an order goes: no other text looks like it. */
export const streetOf = (order_id: string) => `Street of ${order_id}`
export type Act = (person: Person) => Promise<void>

/** Sends it as real clients do: once, several times at a moment, or again much later. */
export async function carry(
  { clients, random, tell }: Person,
  command: Command,
): Promise<Answer | null> {
  const key = randomUUID()
  const times = random.chance(0.1) ? random.int(2, 3) : 1
  const answer = await clients.sendTogether({ ...command, key }, times, random)
  tell(command, answer)
  if (random.chance(0.1)) {
    await sleep(random.int(0, 300))
    await clients.send({ ...command, key }, random)
  }
  return answer
}
