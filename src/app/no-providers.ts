// For threads and commands that never act on the outside: calling it would be a bug, so it throws.
import type { Providers } from './contexts.ts'
import { refusing } from './refusing.ts'

const WHY = 'nothing may act on the outside'

export const noProviders: Providers = {
  provider: refusing('the payment provider', WHY),
  carrier: refusing('the carrier', WHY),
}
