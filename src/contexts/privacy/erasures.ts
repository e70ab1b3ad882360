// Who was to be forgotten, and whether it is done: one row per erasure, which is due until the key
// is gone.
import { pageAnswer, paged, pageOf, paging, rowAnswer } from '#kernel/listing.ts'
import { projection, type Row } from '#kernel/projection.ts'
import { query } from '#kernel/query.ts'
import { id, nullable, object, oneOf, optional } from '#kernel/schema.ts'
import { CAUSE_COLUMNS, type Cause, causeOf, waiting } from '#kernel/waiting.ts'
import { SUBJECT_KINDS } from './erasure.ts'

export type ErasureRow = Cause & {
  readonly subject: string
  readonly kind: string
  readonly status: 'pending' | 'done'
  readonly forced: boolean
  readonly requested_at: string
  readonly requested_by: string | null
  readonly destroyed_at: string | null
  readonly due_at: string | null
  readonly version: number
}

export const erasures = projection<ErasureRow>({
  name: 'erasures',
  version: 2,
  table: {
    name: 'erasures',
    key: 'subject',
    columns: {
      subject: 'text',
      kind: 'text',
      status: 'text',
      forced: 'bool',
      requested_at: 'instant',
      requested_by: { kind: 'text', nullable: true },
      destroyed_at: { kind: 'instant', nullable: true },
      due_at: { kind: 'instant', nullable: true },
      version: 'int',
      ...CAUSE_COLUMNS,
    },
    indexes: [['due_at'], ['status', 'requested_at'], ['requested_at']],
  },
  on: {
    ErasureRequested: {
      keys: ({ data }) => [data.subject],
      apply(_, event) {
        const { subject, kind, forced, requested_at } = event.data
        return {
          subject,
          kind,
          status: 'pending',
          forced,
          requested_at,
          requested_by: event.metadata.user_id ?? null,
          destroyed_at: null,
          // At once.
          due_at: requested_at,
          version: event.version,
          ...causeOf(event),
        }
      },
    },
    PersonalKeyDestroyed: {
      keys: ({ data }) => [data.subject],
      apply: (row, { data: { destroyed_at }, version }) =>
        row && { ...row, status: 'done', destroyed_at, due_at: null, version },
    },
  },
  sources: (key) => [`erasure-${key}`],
})

/** A crash between the two leaves the row due: the key is destroyed again, which does nothing. */
export const keyDestruction = waiting<ErasureRow>({
  name: 'key-destruction',
  projection: erasures,
  due: 'due_at',
  act: async ({ subject, version }, { forget, send, derivedId }) => {
    await forget(subject)
    const command_id = derivedId('key-destroyed', subject, String(version))
    const done = await send('RecordKeyDestroyed', { subject }, { command_id })
    if (!done.ok) throw new Error(`the key is destroyed, but: ${done.rejection.message}`)
  },
})

const answer = rowAnswer(erasures.table, {
  without: ['due_at'],
  shapes: { kind: oneOf(SUBJECT_KINDS) },
})
const shown = ({ due_at: _, ...row }: Row): Row => row

const getErasure = query({
  type: 'GetErasure',
  input: object({ subject: id() }),
  run: async ({ subject }, reader) => {
    const row = await reader.get(erasures, subject)
    return row === null ? null : shown(row)
  },
  answer: nullable(answer),
  route: {
    method: 'GET',
    path: '/api/v1/erasures/:subject',
    tag: 'privacy',
    summary: 'Whether a person has been forgotten, and when',
  },
})

const listErasures = query({
  type: 'ListErasures',
  input: object({ status: optional(oneOf(['pending', 'done'])), ...paging }),
  run: async ({ status, ...page }, reader) => {
    const found = await reader.find(erasures, {
      where: { status },
      sort: [{ column: 'requested_at', descending: true }],
      ...pageOf(page),
    })
    return paged({ ...found, items: found.items.map(shown) }, page)
  },
  answer: pageAnswer(answer),
  route: {
    method: 'GET',
    path: '/api/v1/erasures',
    tag: 'privacy',
    summary: 'Erasures, the newest first',
  },
})

export const erasureQueries = [getErasure, listErasures]
