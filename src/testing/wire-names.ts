// How commands and queries are called from outside: paths, statuses and names of fields are for
// ever, so a test holds them as one line each. What is told to people has to say something.
import { match } from 'node:assert/strict'
import type { Route } from '#kernel/decider.ts'
import type { ObjectSchema, Schema } from '#kernel/schema.ts'

type Offered = { readonly type: string; readonly input: ObjectSchema; readonly route?: Route }

/** By type: `POST /api/v1/products`, its other paths, `201 products`, and fields: `code=sku`. */
export const wireNames = (offered: readonly Offered[]): Readonly<Record<string, string[]>> =>
  Object.fromEntries(offered.map((each) => [each.type, namesOf(each)]))

function namesOf({ input, route }: Offered): string[] {
  describedIn(input)
  const fields = Object.entries(input.properties as Readonly<Record<string, Schema>>)
  const names = fields.flatMap(([name, schema]) => {
    const aliases = (schema as { readonly 'x-aliases'?: readonly string[] })['x-aliases']
    return aliases === undefined ? [] : [[name, ...aliases].join('=')]
  })
  return [...(route === undefined ? [] : wayOf(route)), ...names]
}

function wayOf({ method, path, aliases = [], status = 200, tag, summary }: Route): string[] {
  match(summary, /^[A-Z].{9,}[^.]$/, `${path} has no summary`)
  return [`${method} ${path}`, ...aliases, `${status} ${tag}`]
}

/** A description that is there says something. */
function describedIn(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return
  for (const [name, inner] of Object.entries(schema))
    if (name === 'description' && typeof inner === 'string') match(inner, /\.$/)
    else describedIn(inner)
}
