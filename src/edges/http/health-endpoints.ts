// Whether this process lives, and whether it can work; for load balancers, so no word about the
// inside.
import { object, oneOf } from '#kernel/schema.ts'
import type { Operations } from '#runtime/operations.ts'
import { badFields, type Endpoint, queryOf } from './endpoint.ts'

export function processEndpoints(operations: Pick<Operations, 'health'>): readonly Endpoint[] {
  return [
    probe('GetLiveness', ['/health', '/health/live'], LIVES, async () => 'ok'),
    probe('GetReadiness', ['/health/ready'], WORKS, async () => {
      const { status } = await operations.health()
      return status
    }),
  ]
}

const LIVES = 'Lives: asks nothing of anything else'
const WORKS = 'Can work: 503 when a part it needs fails'

function probe(
  name: string,
  [path, ...aliases]: readonly [string, ...string[]],
  summary: string,
  ask: () => Promise<string>,
): Endpoint {
  return {
    name,
    kind: 'health',
    route: { method: 'GET', path, aliases, tag: 'health', summary },
    input: object({}),
    answer: object({ status: oneOf(['ok', 'degraded', 'failing']) }),
    problems: ['unavailable'],
    async handle({ url }) {
      for (const given in queryOf(url)) throw badFields({ [given]: 'is not a known field' })
      const status = await ask()
      return { status: status === 'failing' ? 503 : 200, text: JSON.stringify({ status }) }
    },
  }
}
