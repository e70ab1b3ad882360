// `daybook start --demo`: a small shop with a month behind it, and trade that goes on.
import type { App } from '#app/compose.ts'
import { configFor } from '#app/config-for.ts'
import { progressBar } from '#app/import/progress.ts'
import { seeded } from '#testing/random.ts'
import { fillDemo } from './fill.ts'
import { type Trading, trade } from './trade.ts'

const PATH = 'data/demo.db'
const TAXES = 'standard:VAT:19'
/** A deed about every so often. */
const TRADE_EVERY_MS = 3_000

/** The settings of a demonstration: a book of its own unless one is named, and taxes to show. */
export function demoArgv(argv: readonly string[]): readonly string[] {
  const config = configFor(argv)
  const standard = configFor([])
  const isOwn = config['database.sqlite.path'] !== standard['database.sqlite.path']
  return [
    ...(isOwn || config['event_store.driver'] !== 'sqlite' ? [] : ['--data', PATH]),
    ...(config['money.taxes'].length > 0 ? [] : ['--set', `money.taxes=${TAXES}`]),
    ...argv,
  ]
}

/** Fills the shop unless it is full, says so, and keeps it busy until it is stopped. */
export async function runDemo(app: App, tell: (line: string) => void): Promise<Trading> {
  const bar = progressBar(process.stderr)
  const filled = await fillDemo(app, new Date().toISOString(), bar.show)
  bar.end()
  if (filled !== null) {
    const refused = [...filled.refused].map(([code, times]) => `${times} ${code}`)
    tell(
      `The demonstration shop has a month behind it: ${filled.taken} commands taken, ` +
        `${refused.length === 0 ? 'none' : refused.join(', ')} refused, ` +
        `${filled.failedOrders} orders failed.`,
    )
  }
  return trade({ ...app, random: seeded(Date.now()), everyMs: TRADE_EVERY_MS, tell })
}
