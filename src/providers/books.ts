// The books of the built-in payment provider and carrier, on the engine that the rest is kept on. A
// driver is loaded only when its engine is named.
import type { BookName, ProviderBook } from './book.ts'
import type { LabelBook, LabelEntry } from './carrier-simulator.ts'
import type { LedgerEntry, PaymentBook } from './payment-simulator.ts'

export type Books = {
  readonly payments: PaymentBook
  readonly labels: LabelBook
  close(): Promise<void>
}
/** A file's path, or a server's URL; each engine looks at what it needs. */
export type BookPlace = { readonly path: string; readonly url: string }
type BookEngine = {
  openBook<Entry>(place: BookPlace, book: BookName): Promise<ProviderBook<Entry>>
}

export const bookEngines = {
  memory: () => import('./books/memory.ts'),
  sqlite: () => import('./books/sqlite.ts'),
  postgres: () => import('./books/postgres.ts'),
} as const satisfies Record<string, () => Promise<BookEngine>>
export type BookEngineName = keyof typeof bookEngines

export async function openBooks(name: BookEngineName, place: BookPlace): Promise<Books> {
  const engine: BookEngine = await bookEngines[name]()
  const payments = await engine.openBook<LedgerEntry>(place, 'payments')
  const labels = await engine.openBook<LabelEntry>(place, 'labels').catch(async (error) => {
    await payments.close()
    throw error
  })
  return {
    payments,
    labels,
    async close() {
      await payments.close()
      await labels.close()
    },
  }
}
