// What fields must be like, as the shop sets it: a setting that is a document of its own.
import { STANDARD_RULES } from '#contexts/users/public.ts'
import { type FieldRule, RULE_FORMATS, type ValidationRules } from '#kernel/validation-rules.ts'
import { setting } from './setting.ts'
import type { Kind } from './setting-kinds.ts'

const WORD = /^[a-z][a-z0-9_]{0,49}$/
const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isLength = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const CHECKS: Readonly<Record<keyof FieldRule, (value: unknown) => boolean>> = {
  required: (value) => typeof value === 'boolean',
  min_length: isLength,
  max_length: isLength,
  min: isNumber,
  max: isNumber,
  format: (value) => RULE_FORMATS.some((format) => format === value),
  enum: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
}

export const validationRules: Kind<ValidationRules> = {
  allowed:
    'entity: { field: { required, min_length, max_length, min, max, format (email, uuid), enum } }; ' +
    'as JSON in the environment and in flags',
  read: (raw) => {
    const value = isText(raw) ? parsed(raw as string) : raw
    const isRule = everyEntry(
      (name, one) => Object.hasOwn(CHECKS, name) && CHECKS[name as keyof FieldRule](one),
    )
    const isField = everyEntry((name, rule) => WORD.test(name) && isRule(rule) && isSane(rule))
    const isEntity = everyEntry((name, fields) => WORD.test(name) && isField(fields))
    // Looked at down to the last rule.
    return isEntity(value) ? (value as ValidationRules) : undefined
  },
}

export const rules = {
  'cqrs.validation_rules': setting(
    validationRules,
    STANDARD_RULES,
    'Rules for fields. What is given takes the place of all of them, so a rule is dropped by leaving ' +
      'it out. Those of `user` hold wherever users are created or changed; those of `order` and ' +
      '`payment` are for the generic API alone.',
  ),
} as const

const everyEntry =
  (holds: (name: string, value: unknown) => boolean) =>
  (value: unknown): value is object =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([name, one]) => holds(name, one))

/** No value could keep to bounds that cross. */
function isSane({ min_length = 0, max_length, min, max }: FieldRule): boolean {
  return (
    (max_length === undefined || min_length <= max_length) &&
    (min === undefined || max === undefined || min <= max)
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON: not acceptable, as anything else that is none.
    return undefined
  }
}
