// How the edge looks at a schema: as the JSON Schema document that it is, with the kernel's
// annotations.
import type { FieldKind, Schema } from '#kernel/schema.ts'

export type Shape = {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly examples?: readonly unknown[]
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly 'x-kind'?: FieldKind
  readonly 'x-aliases'?: readonly string[]
}
/** Every schema is a JSON Schema document; the library's types only hide it. */
export const shapeOf = (schema: Schema): Shape => schema as unknown as Shape

/** The branches of a union that are not null; the schema itself when it is none. */
export function branchesOf(schema: Schema): readonly Schema[] {
  const { anyOf } = shapeOf(schema)
  return anyOf?.filter((branch) => shapeOf(branch).type !== 'null') ?? [schema]
}

/** Annotations of a field, also when it is nullable and so wrapped in a union. */
export function notesOf(schema: Schema): Pick<Shape, 'x-kind' | 'x-aliases' | 'description'> {
  const own = shapeOf(schema)
  const [only, ...others] = branchesOf(schema)
  const inner = only === undefined || others.length > 0 ? own : shapeOf(only)
  const kind = own['x-kind'] ?? inner['x-kind']
  const aliases = own['x-aliases'] ?? inner['x-aliases']
  const description = own.description ?? inner.description
  return {
    ...(kind === undefined ? {} : { 'x-kind': kind }),
    ...(aliases === undefined ? {} : { 'x-aliases': aliases }),
    ...(description === undefined ? {} : { description }),
  }
}

const MINOR = /_minor(?=$|\[)/
/** An amount that the wire tells as a decimal; also where it is one side of a filter. */
export const isAmount = (name: string, schema: Schema): boolean =>
  notesOf(schema)['x-kind'] === 'money' && MINOR.test(name)
/** The wire says `sell_price` where the inside says `sell_price_minor`. */
export const wireName = (name: string, schema: Schema): string =>
  isAmount(name, schema) ? name.replace(MINOR, '') : name
