// Schemas as strangers see them: decimals instead of minor units and steps, aliases told in words.
import type { Schema } from '#kernel/schema.ts'
import { branchesOf, notesOf, shapeOf, wireName } from './schema-shape.ts'

/** A JSON Schema document of OpenAPI 3.1. */
export type Document = { readonly [member: string]: unknown }
export type Direction = 'in' | 'out'

const EXAMPLE_AMOUNT = 29.99

export function wireSchema(schema: Schema, direction: Direction): Document {
  const { type, properties, items, anyOf, ...rest } = shapeOf(schema)
  const { 'x-kind': kind, 'x-aliases': aliases, description, ...constraints } = rest
  const told = [description, aliases === undefined ? undefined : `Also: ${aliases.join(', ')}.`]
    .filter((part) => part !== undefined)
    .join(' ')
  const words = told === '' ? {} : { description: told }
  if (anyOf !== undefined)
    return { anyOf: anyOf.map((branch) => wireSchema(branch, direction)), ...words }
  if (kind !== undefined) return { ...decimalOf(kind, direction, constraints), ...words }
  if (type === 'object' && properties !== undefined)
    return { ...objectOf(schema, direction), ...words }
  if (type === 'array' && items !== undefined)
    return { type, items: wireSchema(items, direction), ...constraints, ...words }
  return { ...(type === undefined ? {} : { type }), ...plain(constraints, direction), ...words }
}

/** Decimals come in as a number or as its text, and go out as a number. */
function decimalOf(kind: string, direction: Direction, constraints: object): Document {
  const own = 'examples' in constraints ? (constraints.examples as readonly unknown[]) : []
  const example = own[0] ?? (kind === 'quantity' ? 3 : EXAMPLE_AMOUNT)
  if (direction === 'out') return { type: 'number', examples: [example] }
  const pattern = 'pattern' in constraints ? constraints.pattern : '^-?[0-9]{1,16}(\\.[0-9]{1,9})?$'
  return { type: ['number', 'string'], pattern, examples: [example] }
}

function objectOf(schema: Schema, direction: Direction): Document {
  const { properties = {}, required = [] } = shapeOf(schema)
  const members = Object.entries(properties).map(
    ([name, property]) => [wireName(name, property), wireSchema(property, direction)] as const,
  )
  const names = required.map((name) => wireName(name, properties[name]!))
  return {
    type: 'object',
    properties: Object.fromEntries(members),
    ...(names.length === 0 ? {} : { required: names }),
    ...(direction === 'in' ? { additionalProperties: false } : {}),
  }
}

/** Safe-integer bounds are what a reader expects of an integer anyway. */
function plain(constraints: object, direction: Direction): Document {
  return Object.fromEntries(
    Object.entries(constraints).filter(
      ([name, value]) =>
        Math.abs(Number(value)) !== Number.MAX_SAFE_INTEGER &&
        !name.startsWith('~') &&
        !(direction === 'out' && name === 'pattern'),
    ),
  )
}

const ownExamples = (schema: Schema): readonly unknown[] =>
  branchesOf(schema).flatMap((branch) => shapeOf(branch).examples ?? [])

/** A value that fits, for documentation. */
export function exampleOf(schema: Schema, name = 'value'): unknown {
  const { type, properties, items, required = [], ...rest } = shapeOf(schema)
  const [own] = ownExamples(schema)
  if (own !== undefined) return own
  const kind = notesOf(schema)['x-kind']
  if (kind !== undefined)
    return kind === 'quantity' || /quantity|stock/.test(name) ? 3 : EXAMPLE_AMOUNT
  const [branch] = branchesOf(schema)
  if (branch !== undefined && branch !== schema) return exampleOf(branch, name)
  const constraints: { readonly [name: string]: unknown } = rest
  if (Array.isArray(constraints.enum)) return constraints.enum[0]
  if ('const' in constraints) return constraints.const
  switch (type) {
    case 'object':
      return exampleFields(properties ?? {}, required)
    case 'array':
      return items === undefined ? [] : [exampleOf(items, name)]
    case 'integer':
    case 'number':
      return Math.max(1, Number(constraints.minimum ?? 1))
    case 'boolean':
      return true
    case 'string':
      return exampleText(constraints, name)
    default:
      return null
  }
}

/**
 * The fields that must be there, and those that bring an example: one of two that the rules ask
 * for, say.
 */
export const exampleFields = (
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
): Document =>
  Object.fromEntries(
    Object.entries(properties)
      .filter(([name, schema]) => required.includes(name) || ownExamples(schema).length > 0)
      .map(([name, schema]) => [wireName(name, schema), exampleOf(schema, name)]),
  )

function exampleText(constraints: { readonly [name: string]: unknown }, name: string): string {
  switch (constraints.format) {
    case 'uuid':
      return '01939b5a-7c1e-7000-8000-000000000001'
    case 'date-time':
      return '2026-01-31T12:00:00.000Z'
    case 'date':
      return '2026-01-31'
    case 'email':
      return 'ada@example.org'
    default:
  }
  if (name === 'currency') return 'USD'
  if (name.includes('email')) return 'ada@example.org'
  return constraints.pattern === undefined ? `a ${name.replaceAll('_', ' ')}` : `${name}-1`
}
