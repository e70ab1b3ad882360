// The users, one row each, and the questions about them. An erased one keeps only the id.
import { listOf } from '#kernel/list-of.ts'
import { asOfFields, nowOrThen, pageAnswer, paged, rowAnswer } from '#kernel/listing.ts'
import { projection, type Row } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import { flag, id, nullable, object, optional, text } from '#kernel/schema.ts'

export type UserRow = {
  readonly user_id: string
  readonly name: string | null
  readonly email: string | null
  readonly age: number | null
  readonly is_active: boolean
  readonly is_erased: boolean
  readonly created_at: string
  readonly updated_at: string
  readonly deleted_at: string | null
  readonly version: number
}
const NOTHING = { name: null, email: null, age: null } as const

export const users = projection<UserRow>({
  name: 'users',
  version: 2,
  table: {
    name: 'users',
    key: 'user_id',
    columns: {
      user_id: 'text',
      name: { kind: 'text', nullable: true, personal: true },
      email: { kind: 'text', nullable: true, personal: true },
      age: { kind: 'int', nullable: true, personal: true },
      is_active: 'bool',
      is_erased: 'bool',
      created_at: 'instant',
      updated_at: 'instant',
      deleted_at: { kind: 'instant', nullable: true },
      version: 'int',
    },
    indexes: [['name'], ['email'], ['created_at']],
    search: { name: 'name', email: 'code' },
  },
  on: {
    UserCreated: {
      keys: ({ data }) => [data.user_id],
      apply: (_, { data: { email_claim, ...data }, timestamp, version }) => ({
        ...data,
        is_active: true,
        is_erased: false,
        updated_at: timestamp,
        deleted_at: null,
        version,
      }),
    },
    UserUpdated: {
      keys: ({ data }) => [data.user_id],
      apply: (row, { data: { email_claim, ...data }, timestamp, version }) =>
        row && { ...row, ...data, updated_at: timestamp, version },
    },
    UserDeleted: {
      keys: ({ data }) => [data.user_id],
      apply: (row, { timestamp, version }) =>
        row && { ...row, is_active: false, updated_at: timestamp, deleted_at: timestamp, version },
    },
    UserErased: {
      keys: ({ data }) => [data.user_id],
      apply: (row, { timestamp, version }) =>
        row && {
          ...row,
          ...NOTHING,
          is_active: false,
          is_erased: true,
          updated_at: timestamp,
          deleted_at: row.deleted_at ?? timestamp,
          version,
        },
    },
  },
  sources: (key) => [`user-${key}`],
})

const answer = object({ id: id(), ...rowAnswer(users.table).properties })
const shown = (row: Row): Row => ({ id: row.user_id!, ...row })

const getUser = query({
  type: 'GetUser',
  input: object({ user_id: id({ aliases: ['id'] }), ...asOfFields }),
  run: async (input, reader) => {
    const row = await nowOrThen(reader, users, input.user_id, input)
    return row === null ? null : shown(row)
  },
  answer: nullable(answer),
  route: {
    method: 'GET',
    path: '/api/v1/users/:user_id',
    tag: 'users',
    summary: 'One user, now or as it was',
  },
})

const offered = listOf(users, { sort: ['name', 'email', 'created_at'], standard: ['name'] })

const listUsers = query({
  type: 'ListUsers',
  input: object({
    search_term: optional(
      text({
        max: 200,
        aliases: ['q', 'term', 'search'],
        description:
          'Words of name or e-mail, the last perhaps unfinished; mistyped ones are forgiven. ' +
          'Without a sort the best match comes first. Where it means very many, `total` is null.',
      }),
    ),
    include_inactive: optional(flag()),
    ...offered.fields,
  }),
  run: async (input, reader) => {
    const { search_term: term, include_inactive } = input
    const where = include_inactive === true ? {} : { is_active: true }
    const found = await reader.find(users, offered.find(input, { where, search: term }))
    return paged({ ...found, items: found.items.map(shown) }, input)
  },
  answer: pageAnswer(answer),
  route: {
    method: 'GET',
    path: '/api/v1/users',
    tag: 'users',
    summary: 'Users by words in name or e-mail',
  },
})

export const userQueries = [getUser, listUsers]
