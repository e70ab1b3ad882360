// The built-in payment provider and carrier, with their books on the engine that keeps the events:
// whatever process carries an operation out, all know of it.
import { type BookEngineName, type BookPlace, openBooks } from '#providers/books.ts'
import { openCarrier } from '#providers/carrier-simulator.ts'
import { troubleByChance } from '#providers/fault-script.ts'
import { openPaymentProvider } from '#providers/payment-simulator.ts'
import type { Providers } from './contexts.ts'

export async function openSimulatedProviders(
  engine: BookEngineName,
  place: BookPlace,
  /** The share of calls that meet a fault. */
  faults: number,
  opening: AsyncDisposableStack,
): Promise<Providers> {
  const books = await openBooks(engine, place)
  opening.defer(() => books.close())
  const trouble = troubleByChance(faults)
  return {
    provider: openPaymentProvider({ book: books.payments, trouble }),
    carrier: openCarrier({ book: books.labels, trouble }),
  }
}
