// What operators do, over HTTP. Only the admin port has these paths.
import { flag, integer, list, object, optional, text } from '#kernel/schema.ts'
import type { Operations } from '#runtime/operations.ts'
import { health, parked, projectionStatus, rebuilt, recorded, verified } from './admin-answers.ts'
import { badFields, type Endpoint, Refused } from './endpoint.ts'
import { jobEndpoints } from './job-endpoints.ts'
import { get, operation, post } from './operation-endpoint.ts'

const EVENTS_MAX = 1000
const EVENTS_DEFAULT = 100

export function adminEndpoints(operations: Operations): readonly Endpoint[] {
  return [
    ...eventEndpoints(operations),
    ...projectionEndpoints(operations),
    ...deadLetterEndpoints(operations),
    ...healthEndpoints(operations),
    ...(operations.jobs === undefined ? [] : jobEndpoints(operations.jobs)),
  ]
}

function eventEndpoints({ events }: Operations): readonly Endpoint[] {
  return [
    operation({
      name: 'ListAggregateEvents',
      route: get('events/:aggregate_id', 'The events of one aggregate, in order'),
      input: object({
        aggregate_id: text({ max: 200 }),
        after: optional(integer({ min: 0, description: 'Only events after this position.' })),
        up_to: optional(integer({ min: 0, description: 'Only events up to this position.' })),
        limit: optional(integer({ min: 1, max: EVENTS_MAX })),
        raw: optional(
          flag({ description: 'As they were stored, not lifted to the newest version.' }),
        ),
      }),
      answer: object({ items: list(recorded), limit: integer(), next_after: optional(integer()) }),
      async run({ aggregate_id: aggregateId, after, up_to: upTo, limit = EVENTS_DEFAULT, raw }) {
        const items = await events({
          aggregateId,
          limit,
          ...(after === undefined ? {} : { after }),
          ...(upTo === undefined ? {} : { upTo }),
          ...(raw === undefined ? {} : { raw }),
        })
        const last = items.at(-1)
        const more = items.length === limit && last !== undefined
        return { items, limit, ...(more ? { next_after: last.position } : {}) }
      },
    }),
  ]
}

function projectionEndpoints(operations: Operations): readonly Endpoint[] {
  const { projections, pause, resume } = operations
  const named = object({ name: text({ max: 200 }) })
  const rebuild = rebuilder(operations)
  return [
    operation({
      name: 'ListProjections',
      route: get('projections', 'All projections, and how far they are behind'),
      input: object({}),
      answer: object({ items: list(projectionStatus) }),
      run: async () => ({ items: await projections() }),
    }),
    operation({
      name: 'RebuildProjection',
      route: post(
        'projections/rebuild',
        'Builds read models anew from the log, beside the live ones',
      ),
      input: object({
        name: text({ max: 200, description: 'A projection, or `all`.', example: 'stores' }),
        dry_run: optional(flag({ description: 'Only compares; the live table stays.' })),
      }),
      answer: object({ reports: list(rebuilt) }),
      run: async ({ name, dry_run: dryRun = false }) => ({ reports: await rebuild(name, dryRun) }),
    }),
    operation({
      name: 'ReplayEvents',
      route: post('events/replay', 'Replays the log into a projection: its table is built anew'),
      input: object({
        target: text({
          max: 200,
          description: 'The projection to replay into.',
          example: 'stores',
        }),
        from: optional(integer({ min: 0 })),
        to: optional(integer({ min: 0 })),
        types: optional(list(text())),
        dry_run: optional(flag({ description: 'Only compares; the live table stays.' })),
      }),
      answer: object({ reports: list(rebuilt) }),
      async run({ target, from = 1, to, types, dry_run: dryRun = false }) {
        const whole = 'a table is the fold of its whole log, so leave this out'
        const known = (await projections()).some(({ name }) => name === target)
        const errors = {
          ...(from > 1 ? { from: whole } : {}),
          ...(to === undefined ? {} : { to: whole }),
          ...(types === undefined ? {} : { types: whole }),
          ...(known
            ? {}
            : { target: 'is no projection; events are replayed into projections only' }),
        }
        if (Object.keys(errors).length > 0) throw badFields(errors)
        return { reports: await rebuild(target, dryRun) }
      },
    }),
    ...(['pause', 'resume'] as const).map((verb) =>
      operation({
        name: verb === 'pause' ? 'PauseProjection' : 'ResumeProjection',
        route: post(`projections/:name/${verb}`, `Lets a projection ${verb}`),
        input: named,
        answer: object({ projection: projectionStatus }),
        async run({ name }) {
          await existing(name, operations)
          await (verb === 'pause' ? pause : resume)(name)
          return { projection: await existing(name, operations) }
        },
      }),
    ),
  ]
}

/** Rebuilds one or all, one after the other; a second rebuild of the same is refused. */
function rebuilder({ projections, rebuild }: Operations) {
  const underWay = new Set<string>()
  return async (wanted: string, dryRun: boolean) => {
    const known = (await projections()).map(({ name }) => name)
    const names = wanted === 'all' ? known : known.filter((name) => name === wanted)
    if (names.length === 0) throw notThere(wanted)
    const busy = names.find((name) => underWay.has(name))
    if (busy !== undefined)
      throw new Refused({ code: 'invalid_state', message: `${busy} is being rebuilt already.` })
    for (const name of names) underWay.add(name)
    try {
      const reports = []
      for (const name of names) reports.push(await rebuild(name, { dryRun }))
      return reports
    } finally {
      for (const name of names) underWay.delete(name)
    }
  }
}

function deadLetterEndpoints(operations: Operations): readonly Endpoint[] {
  return [
    operation({
      name: 'ListDeadLetters',
      route: get(
        'dead-letters',
        'Events that a projection could not take, and those that wait behind',
      ),
      input: object({}),
      answer: object({ items: list(parked) }),
      run: async () => ({ items: await operations.parked() }),
    }),
    operation({
      name: 'RetryDeadLetters',
      route: post(
        'dead-letters/:projection/retry',
        'Tries the parked events of a projection again',
      ),
      input: object({ projection: text({ max: 200 }) }),
      answer: object({ taken: integer() }),
      async run({ projection }) {
        await existing(projection, operations)
        return { taken: await operations.retryParked(projection) }
      },
    }),
  ]
}

function healthEndpoints(operations: Operations): readonly Endpoint[] {
  let verifying = false
  return [
    operation({
      name: 'GetSystemHealth',
      route: get('health', 'The state of every part'),
      input: object({}),
      answer: health,
      status: ({ status }) => (status === 'failing' ? 503 : 200),
      run: () => operations.health(),
    }),
    operation({
      name: 'Verify',
      route: post(
        'verify',
        'Recomputes every read model from the log and compares; changes nothing',
      ),
      input: object({}),
      answer: verified,
      async run() {
        if (verifying)
          throw new Refused({
            code: 'invalid_state',
            message: 'A verification is running already.',
          })
        verifying = true
        try {
          return await operations.verify()
        } finally {
          verifying = false
        }
      },
    }),
  ]
}

const notThere = (name: string) =>
  new Refused({ code: 'not_found', message: `There is no projection ${name}.` })

async function existing(name: string, { projections }: Operations) {
  const found = (await projections()).find((projection) => projection.name === name)
  if (found === undefined) throw notThere(name)
  return found
}
