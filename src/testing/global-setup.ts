// Before and after a whole run of tests (`node --test --test-global-setup`): one PostgreSQL for all
// of them. A file that is run alone starts its own.
import { shareServer } from './postgres-server.ts'

let stop = async () => {}

export async function globalSetup(): Promise<void> {
  stop = await shareServer()
}

export async function globalTeardown(): Promise<void> {
  await stop()
}
