// The context of users: the list of what it has.
import type { Context } from '#kernel/context.ts'

export const users: Context = {
  name: 'users',
  aggregates: [],
  commands: [],
  projections: [],
  queries: [],
}
