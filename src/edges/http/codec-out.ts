// The one codec of the edge, outward: an answer's schema becomes a function that writes its JSON
// text. Money and quantities leave as decimals with all their digits; what the schema does not name
// stays in.
import { exponentOf, unscaled } from '#kernel/money.ts'
import { check, type Schema } from '#kernel/schema.ts'
import { branchesOf, notesOf, shapeOf, wireName } from './schema-shape.ts'

/** JSON text of a value; `currency` and `scale` are those of the nearest object around it. */
type Write = (value: unknown, currency?: string, scale?: number) => string

/** Writes answers of this schema. Made once per endpoint. */
export function answerWriter(schema: Schema): (value: unknown) => string {
  const write = writerOf(schema)
  return (value) => write(value)
}

function writerOf(schema: Schema): Write {
  const { type, properties, items, patternProperties, additionalProperties } = shapeOf(schema)
  const branches = branchesOf(schema)
  if (branches.length > 1) return union(branches)
  if (branches[0] !== undefined && branches[0] !== schema) return nullable(writerOf(branches[0]))
  if (type === 'object' && properties !== undefined) return object(properties)
  if (type === 'array' && items !== undefined) return array(writerOf(items))
  const [member = additionalProperties] = Object.values(patternProperties ?? {})
  if (type === 'object' && typeof member === 'object') return record(writerOf(member))
  if (notesOf(schema)['x-kind'] === 'quantity') return quantity
  return type === 'string' ? text : type === 'integer' ? integer : any
}

/** JSON, whatever it is; `undefined` and functions have none. */
const any: Write = (value) => JSON.stringify(value) ?? 'null'
const text: Write = (value) => JSON.stringify(value) ?? 'null'
const integer: Write = (value) => (typeof value === 'number' ? String(value) : any(value))
const quantity: Write = (value, _, scale) =>
  typeof value === 'number' && scale !== undefined ? unscaled(value, scale) : any(value)
const nullable =
  (write: Write): Write =>
  (value, currency, scale) =>
    value === null ? 'null' : write(value, currency, scale)

function union(branches: readonly Schema[]): Write {
  const choices = branches.map((schema) => ({ schema, write: writerOf(schema) }))
  return (value, currency, scale) => {
    if (value === null) return 'null'
    // A value that fits none is written by the first, which lets out only what it names.
    const choice = choices.find(({ schema }) => check(schema, value).ok) ?? choices[0]!
    return choice.write(value, currency, scale)
  }
}

function array(write: Write): Write {
  return (value, currency, scale) => {
    if (!Array.isArray(value)) return 'null'
    let json = '['
    for (let i = 0; i < value.length; i++)
      json += (i === 0 ? '' : ',') + write(value[i], currency, scale)
    return `${json}]`
  }
}

function record(write: Write): Write {
  return (value, currency, scale) => {
    if (typeof value !== 'object' || value === null) return 'null'
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => `${JSON.stringify(key)}:${write(member, currency, scale)}`)
    return `{${members.join(',')}}`
  }
}

type Field = { readonly name: string; readonly label: string; readonly write: Write }

function object(properties: Readonly<Record<string, Schema>>): Write {
  const fields = Object.entries(properties).map(([name, schema]): Field => {
    const wire = wireName(name, schema)
    const label = `${JSON.stringify(wire)}:`
    if (wire === name) return { name, label, write: labelled(label, writerOf(schema)) }
    return { name, label, write: money(label, `${JSON.stringify(name)}:`) }
  })
  const knowsStale = Object.hasOwn(properties, 'stale')
  return (value, aroundCurrency, aroundScale) => {
    if (typeof value !== 'object' || value === null) return 'null'
    const members = value as Readonly<Record<string, unknown>>
    const own = members.currency
    const currency = typeof own === 'string' ? own : aroundCurrency
    const ownScale = members.quantity_scale
    const scale = typeof ownScale === 'number' ? ownScale : aroundScale
    let json = ''
    for (const { name, write } of fields) {
      const member = members[name]
      if (member !== undefined) json += (json === '' ? '{' : ',') + write(member, currency, scale)
    }
    // Every reader marks what waits for an operator, whether the answer's schema thinks of it or
    // not.
    if (!knowsStale && members.stale === true)
      json += json === '' ? '{"stale":true' : ',"stale":true'
    return json === '' ? '{}' : `${json}}`
  }
}

const labelled =
  (label: string, write: Write): Write =>
  (value, currency, scale) =>
    label + write(value, currency, scale)

/**
 * Without a currency in sight an amount keeps its inside name, so that nobody reads cents as euros.
 */
const money =
  (wire: string, inside: string): Write =>
  (value, currency) =>
    typeof value === 'number'
      ? currency === undefined
        ? `${inside}${value}`
        : wire + unscaled(value, exponentOf(currency))
      : wire + any(value)
