// Files into the shop and out of it, over HTTP. A file comes and goes as a stream; what becomes of
// it is asked for under the job's id.
import { Readable } from 'node:stream'
import {
  flag,
  type Infer,
  id,
  instant,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '#kernel/schema.ts'
import {
  JOB_FORMATS,
  JOB_KINDS,
  JOB_MODES,
  type JobFormat,
  type JobMove,
  type JobOperations,
  type JobView,
} from '#runtime/job-operations.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import {
  badFields,
  type Call,
  type Endpoint,
  isLabel,
  NO_LABEL,
  queryOf,
  Refused,
} from './endpoint.ts'
import { get, operation, post } from './operation-endpoint.ts'

const LIMIT = 50
const LIMIT_MAX = 1_000
const MEDIA_TYPES: Readonly<Record<JobFormat, string>> = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
}

const job = object({
  job_id: id(),
  direction: oneOf(['import', 'export']),
  kind: oneOf(JOB_KINDS),
  format: oneOf(JOB_FORMATS),
  mode: oneOf(JOB_MODES),
  dry_run: flag(),
  status: text({ description: 'receiving, waiting, running, stopping, stopped, done or failed.' }),
  note: nullable(text({ max: 2_000, description: 'Why it waits, or has failed.' })),
  rows: integer({ description: 'Rows that are dealt with.' }),
  created: integer(),
  updated: integer({ description: 'Also those that were so already.' }),
  failed: integer({ description: 'Rows that were refused; `errors` tells why.' }),
  started_by: nullable(text({ max: 200 })),
  created_at: instant(),
  updated_at: instant(),
  ended_at: nullable(instant()),
})
const byId = object({ job_id: id() })
const page = object({
  limit: optional(integer({ min: 1, max: LIMIT_MAX, description: `Default ${LIMIT}.` })),
  before: optional(id({ description: 'Only jobs that were begun before this one.' })),
})
const user = optional(text({ max: 200, description: 'Whoever asks for it.' }))

export function jobEndpoints(jobs: JobOperations): readonly Endpoint[] {
  return [
    upload(jobs),
    ...watching(jobs, 'import', 'imports'),
    rowErrors(jobs),
    operation({
      name: 'StartExport',
      route: { ...post('exports', 'Writes a file of what is there'), status: 202 },
      input: object({
        kind: oneOf(JOB_KINDS),
        format: optional(oneOf(JOB_FORMATS)),
        user_id: user,
      }),
      answer: job,
      run: ({ kind, format = 'csv', user_id = null }) =>
        jobs.startExport({ kind, format, user_id, key: null }),
    }),
    ...watching(jobs, 'export', 'exports'),
    download(jobs),
  ]
}

const importInput = object({
  kind: oneOf(JOB_KINDS, { description: 'What the rows are.' }),
  mode: optional(oneOf(JOB_MODES, { description: 'Stock: `add` puts quantities on top.' })),
  dry_run: optional(flag({ description: 'Judges every row and writes nothing.' })),
  user_id: user,
})

function upload(jobs: JobOperations): Endpoint {
  const read = inputReader(importInput)
  const write = answerWriter(job)
  return {
    name: 'StartImport',
    route: {
      ...post('imports', 'Brings in a file; what became of its rows is asked later'),
      status: 202,
    },
    kind: 'operation',
    input: importInput,
    answer: job,
    unbounded: true,
    takes: Object.values(MEDIA_TYPES),
    problems: [
      ...(['unsupported_media_type', 'payload_too_large', 'invalid_state'] as const),
      'idempotency_key_reused',
    ],
    async handle(call) {
      const fields = read({ path: {}, query: queryOf(call.url), body: {} })
      if (!fields.ok) throw badFields(fields.errors)
      // `read` has just checked them.
      const {
        kind,
        mode = 'set',
        dry_run = false,
        user_id = null,
      } = fields.value as Infer<typeof importInput>
      const format = formatIn(call)
      if (mode === 'add' && kind !== 'stock') throw badFields({ mode: 'is `set` but for stock' })
      const wanted = { kind, format, mode, dry_run, user_id, key: keyIn(call) }
      const begun = await jobs
        .startImport(wanted, textIn(call))
        .catch((error) => refused(error, call))
      return { status: 202, text: write(begun) }
    },
  }
}

function formatIn({ headers }: Call): JobFormat {
  const [given = ''] = (headers['content-type'] ?? '').split(';')
  const type = given.trim().toLowerCase()
  const isPlain = (headers['content-encoding'] ?? 'identity') === 'identity'
  const format = JOB_FORMATS.find((one) => MEDIA_TYPES[one] === type)
  if (format !== undefined && isPlain) return format
  throw new Refused({
    code: 'unsupported_media_type',
    message: `A file is ${Object.values(MEDIA_TYPES).join(' or ')}, as it is: without encoding.`,
  })
}

function keyIn({ headers }: Call): string | null {
  const key = headers['idempotency-key']
  if (key === undefined) return null
  if (!isLabel(key)) throw badFields({ 'Idempotency-Key': NO_LABEL })
  return key
}

/** Whoever stops reading leaves the connection open: it still has to carry the answer. */
const textIn = ({ stream }: Call): AsyncIterable<Uint8Array> =>
  stream === undefined ? Readable.from([]) : stream.iterator({ destroyOnReturn: false })

function refused(error: unknown, { stream }: Call): never {
  // Whoever sent it has gone: it is nobody's fault here, and nobody hears the answer.
  if (stream?.destroyed && !stream.readableEnded)
    throw new Refused({ code: 'malformed_request', message: 'The file broke off.' })
  const { name, message } = error instanceof Error ? error : { name: '', message: '' }
  if (name === 'TextTooLarge') throw new Refused({ code: 'payload_too_large', message })
  if (name === 'UploadTaken') throw new Refused({ code: 'invalid_state', message })
  if (name === 'KeyReused') throw new Refused({ code: 'idempotency_key_reused', message })
  if (name === 'TextRefused') throw badFields({ '(body)': message })
  throw error
}

// ── watching ──────────────────────────────────────────────────────────────────────────────────

function watching(
  jobs: JobOperations,
  direction: JobView['direction'],
  path: string,
): readonly Endpoint[] {
  const Name = direction === 'import' ? 'Import' : 'Export'
  const found = async (job_id: string) => {
    const known = await jobs.get(direction, job_id)
    if (known === null) throw notThere(direction, job_id)
    return known
  }
  const moved = (verb: 'stop' | 'resume', summary: string) =>
    operation({
      name: `${verb === 'stop' ? 'Stop' : 'Resume'}${Name}`,
      route: { ...post(`${path}/:job_id/${verb}`, summary), status: 202 },
      input: byId,
      answer: job,
      async run({ job_id }) {
        await found(job_id)
        const move = await jobs[verb](job_id)
        if (move === null) throw notThere(direction, job_id)
        return doneOr(move, verb)
      },
    })
  return [
    operation({
      name: `List${Name}s`,
      route: get(path, `All ${path}, the newest first`),
      input: page,
      answer: object({ items: list(job), limit: integer(), next_before: nullable(id()) }),
      async run({ limit = LIMIT, before }) {
        const wanted = { limit, ...(before === undefined ? {} : { before }) }
        const items = await jobs.list(direction, wanted)
        const last = items.at(-1)
        const more = items.length === limit && last !== undefined
        return { items, limit, next_before: more ? last.job_id : null }
      },
    }),
    operation({
      name: `Get${Name}`,
      route: get(`${path}/:job_id`, `How far an ${direction} is`),
      input: byId,
      answer: job,
      run: ({ job_id }) => found(job_id),
    }),
    moved('stop', 'Stops it behind the rows that are under way'),
    moved('resume', 'Goes on where it stopped or failed'),
  ]
}

function doneOr({ job, done }: JobMove, verb: string): JobView {
  if (done) return job
  throw new Refused({
    code: 'invalid_state',
    message: `It is ${job.status}: there is nothing to ${verb}.`,
    details: { status: job.status },
  })
}

const notThere = (direction: string, jobId: string) =>
  new Refused({ code: 'not_found', message: `There is no ${direction} ${jobId}.` })

function rowErrors(jobs: JobOperations): Endpoint {
  return operation({
    name: 'ListImportErrors',
    route: get('imports/:job_id/errors', 'What was wrong with which row, in the order of the file'),
    input: object({
      job_id: id(),
      limit: optional(integer({ min: 1, max: LIMIT_MAX, description: `Default ${LIMIT}.` })),
      after_line: optional(integer({ min: 0, description: 'Only behind this line …' })),
      after_field: optional(text({ max: 200, description: '… or in it behind this field.' })),
    }),
    answer: object({
      items: list(object({ line: integer(), field: text(), reason: text({ max: 2_000 }) })),
      limit: integer(),
      next: nullable(object({ after_line: integer(), after_field: text() })),
    }),
    async run({ job_id, limit = LIMIT, after_line, after_field }) {
      if ((await jobs.get('import', job_id)) === null) throw notThere('import', job_id)
      if (after_line === undefined && after_field !== undefined)
        throw badFields({ after_field: 'goes with after_line' })
      const after =
        // Without a field the whole line is behind.
        after_line === undefined ? null : { line: after_line, field: after_field ?? LAST_FIELD }
      const items = await jobs.errors(job_id, { after, limit })
      const last = items.at(-1)
      const more = items.length === limit && last !== undefined
      return {
        items,
        limit,
        next: more ? { after_line: last.line, after_field: last.field } : null,
      }
    },
  })
}
/** Behind every field's name. */
const LAST_FIELD = '\u{10ffff}'

function download(jobs: JobOperations): Endpoint {
  const read = inputReader(byId)
  return {
    name: 'DownloadExport',
    route: get('exports/:job_id/file', 'The file, once the export is done'),
    kind: 'operation',
    input: byId,
    answer: object({}),
    gives: Object.values(MEDIA_TYPES),
    unbounded: true,
    problems: ['not_found', 'invalid_state'],
    async handle(call) {
      const fields = read({ path: call.path, query: queryOf(call.url), body: {} })
      if (!fields.ok) throw badFields(fields.errors)
      // `read` has just checked it.
      const { job_id } = fields.value as Infer<typeof byId>
      const found = await jobs.get('export', job_id)
      if (found === null) throw notThere('export', job_id)
      if (found.status !== 'done')
        throw new Refused({
          code: 'invalid_state',
          message: `The export is ${found.status}: its file is not whole.`,
          details: { status: found.status },
        })
      return {
        status: 200,
        contentType: `${MEDIA_TYPES[found.format]}; charset=utf-8`,
        headers: {
          'content-disposition': `attachment; filename="${found.kind}.${found.format}"`,
          'cache-control': 'no-store',
        },
        text: '',
        stream: Readable.from(jobs.text(job_id), { objectMode: false }),
      }
    },
  }
}
