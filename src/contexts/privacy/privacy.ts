// The context of privacy: forgetting persons. The list of what it has.
import type { Context } from '#kernel/context.ts'
import { erasureCommands } from './erase-person.ts'
import { erasure } from './erasure.ts'
import { erasureQueries, erasures, keyDestruction } from './erasures.ts'

export const privacy: Context = {
  name: 'privacy',
  aggregates: [erasure],
  commands: erasureCommands,
  projections: [erasures],
  queries: erasureQueries,
  waiting: [keyDestruction],
}
