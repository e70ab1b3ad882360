// The context of users: the list of what it has.
import type { Context } from '#kernel/context.ts'
import { user } from './user.ts'
import { userCommands } from './user-commands.ts'
import { userQueries, users as userRows } from './user-list.ts'

export const users: Context = {
  name: 'users',
  aggregates: [user],
  commands: userCommands,
  projections: [userRows],
  queries: userQueries,
}
