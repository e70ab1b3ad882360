// For threads and commands that never act on the outside: calling it would be a bug, so it throws.
import type { Providers } from './contexts.ts'

const refusing = <T extends object>(what: string): T =>
  new Proxy({} as T, {
    get: (_, call) =>
      call === 'name'
        ? 'none'
        : () => {
            throw new Error(
              `${what}.${String(call)} was called where nothing may act on the outside`,
            )
          },
  })

export const noProviders: Providers = {
  provider: refusing('the payment provider'),
  carrier: refusing('the carrier'),
}
