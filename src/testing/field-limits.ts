// What a schema takes at its very limits: a sample that fits, and for each field what still fits
// and what does not any more.
import { ok } from 'node:assert/strict'
import { check, type Schema } from '#kernel/schema.ts'

/** By the field's path (`lines.0.quantity`): what fits, and what does not. */
export type Limits = Readonly<Record<string, readonly [fits: unknown[], not: unknown[]]>>

/** A text of so many characters fits, one of one more does not. */
export const upTo = (max: number): readonly [string[], string[]] => [
  ['x'.repeat(max)],
  ['x'.repeat(max + 1)],
]
/** Not even one less. */
export const atLeast = (min: number): readonly [number[], number[]] => [[min], [min - 1]]

/** The sample holds what is required and no more: without any field of it, it does not fit. */
export function assertLimits(schema: Schema, sample: object, limits: Limits = {}): void {
  const whole = check(schema, sample)
  ok(whole.ok, `the sample does not fit: ${JSON.stringify(whole)}`)
  for (const field of Object.keys(sample)) {
    const { [field]: _, ...rest } = sample as Readonly<Record<string, unknown>>
    ok(!check(schema, rest).ok, `fits without ${field}`)
  }
  ok(!check(schema, { ...sample, no_such_field: 1 }).ok, 'takes a field that it does not know')
  for (const [path, [fits, not]] of Object.entries(limits)) {
    const shown = (value: unknown) => `${path}: ${JSON.stringify(value)?.slice(0, 60)}`
    for (const value of fits) ok(check(schema, put(sample, path, value)).ok, shown(value))
    for (const value of not)
      ok(!check(schema, put(sample, path, value)).ok, `takes ${shown(value)}`)
  }
}

function put(sample: object, path: string, value: unknown): object {
  const copy = structuredClone(sample) as Record<string, unknown>
  const names = path.split('.')
  const last = names.pop()!
  // A path names what is in the sample; the last part may be new.
  const inner = names.reduce((at, name) => at[name] as Record<string, unknown>, copy)
  inner[last] = value
  return copy
}
