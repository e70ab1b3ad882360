// Rules for fields that a shop sets by itself: entity → field → what it must be like. Pure; where
// they hold is said by whoever asks.
import type { FieldErrors } from './schema.ts'
import { hasUnseen } from './tidied.ts'

export const RULE_FORMATS = ['email', 'uuid'] as const
export type FieldRule = {
  readonly required?: boolean
  /** In characters, without blanks around them. */
  readonly min_length?: number
  readonly max_length?: number
  /** Of a number; both are included. */
  readonly min?: number
  readonly max?: number
  readonly format?: (typeof RULE_FORMATS)[number]
  readonly enum?: readonly string[]
}
/** By entity, by field. */
export type ValidationRules = Readonly<Record<string, Readonly<Record<string, FieldRule>>>>

const ERRORS_MAX = 20
const EMAIL_MAX = 320
const EMAIL = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:".]+(\.[^\s@<>()[\]\\,;:".]+)+$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What an e-mail address is taken for: something at a host with a dot. */
export const isEmail = (text: string): boolean =>
  text.length <= EMAIL_MAX && EMAIL.test(text) && !hasUnseen(text)

/** Every field of `given` that breaks a rule of its entity; empty: none does. */
export function brokenRules(
  rules: ValidationRules,
  entity: string,
  given: Readonly<Record<string, unknown>>,
): FieldErrors {
  const fields = Object.hasOwn(rules, entity) ? rules[entity]! : {}
  const errors: Record<string, string> = {}
  for (const [field, rule] of Object.entries(fields)) {
    const why = broken(rule, Object.hasOwn(given, field) ? given[field] : undefined)
    if (why !== null) errors[field] = why
    if (Object.keys(errors).length === ERRORS_MAX) break
  }
  return errors
}

function broken(rule: FieldRule, value: unknown): string | null {
  const isMissing =
    value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
  if (isMissing) return rule.required === true ? 'is required' : null
  const length = [...String(value).trim()].length
  if (rule.min_length !== undefined && length < rule.min_length)
    return `must have at least ${rule.min_length} characters`
  if (rule.max_length !== undefined && length > rule.max_length)
    return `must have at most ${rule.max_length} characters`
  return brokenNumber(rule, value) ?? brokenText(rule, String(value).trim())
}

function brokenNumber({ min, max }: FieldRule, value: unknown): string | null {
  if (min === undefined && max === undefined) return null
  // Decimals travel as text.
  const number = Number(value)
  if (Number.isNaN(number)) return 'must be a number'
  if (min !== undefined && number < min) return `must be at least ${min}`
  return max !== undefined && number > max ? `must be at most ${max}` : null
}

function brokenText({ format, enum: allowed }: FieldRule, text: string): string | null {
  if (format === 'email' && !isEmail(text)) return 'must be an e-mail address'
  if (format === 'uuid' && !UUID.test(text)) return 'must be a UUID'
  return allowed === undefined || allowed.includes(text)
    ? null
    : `must be one of ${allowed.join(', ')}`
}
