// An operator's request as an endpoint: fields in, an answer out, all under the admin's path.
import type { Route } from '#kernel/decider.ts'
import type { Infer, ObjectSchema, Schema } from '#kernel/schema.ts'
import { inputReader } from './codec-in.ts'
import { answerWriter } from './codec-out.ts'
import { badFields, type Endpoint, givenIn } from './endpoint.ts'

export const ADMIN_PATH = '/api/v1/admin/'

type Operation<S extends ObjectSchema, Result> = {
  readonly name: string
  readonly route: Route
  readonly input: S
  readonly answer: Schema
  readonly status?: (result: Result) => number
  readonly run: (input: Infer<S>) => Promise<Result>
}

export function operation<S extends ObjectSchema, Result>({
  name,
  route,
  input,
  answer,
  status,
  run,
}: Operation<S, Result>): Endpoint {
  const read = inputReader(input)
  const write = answerWriter(answer)
  return {
    name,
    route,
    kind: 'operation',
    input,
    answer,
    unbounded: true,
    problems: [...(route.path.includes(':') ? ['not_found'] : []), 'invalid_state'],
    async handle(call) {
      const fields = read(givenIn(call, route.method))
      if (!fields.ok) throw badFields(fields.errors)
      // `read` has just checked the fields against S.
      const result = await run(fields.value as Infer<S>)
      return { status: status?.(result) ?? route.status ?? 200, text: write(result) }
    },
  }
}

export const get = (path: string, summary: string): Route => ({
  method: 'GET',
  path: ADMIN_PATH + path,
  tag: 'admin',
  summary,
})
export const post = (path: string, summary: string): Route => ({
  ...get(path, summary),
  method: 'POST',
})
