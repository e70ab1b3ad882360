// The shop's own rules of fields: as the seed has them, changed in the file, and refused when they
// are none.
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig } from './config.ts'
import { openShop } from './model-shop.ts'
import { validationRules } from './settings-rules.ts'

const rulesIn = (yaml: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-rules-'))
  const file = join(folder, 'config.yaml')
  writeFileSync(file, yaml)
  try {
    const read = readConfig({ env: {}, file })
    return read.ok ? read.config['cqrs.validation_rules'] : read.problems.join('; ')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('they stand in the file as they are, nested, and take the place of the standard', () => {
  const given = rulesIn(
    'cqrs:\n  validation_rules:\n    user:\n      name:\n        required: true\n' +
      '        min_length: 5\n      email: { format: "email" }\n',
  )
  const expected = { user: { name: { required: true, min_length: 5 }, email: { format: 'email' } } }
  deepEqual(given, expected)
  deepEqual(validationRules.read(JSON.stringify(expected)), expected)
  deepEqual(rulesIn('cqrs:\n  name: Shop\n'), validationRules.read(rulesIn('')))
})

test('what is no rule is refused, with what is allowed', () => {
  for (const wrong of [
    '{ user: { name: { lenght: 5 } } }',
    '{ user: { name: { min_length: -1 } } }',
    '{ user: { name: { min_length: 5, max_length: 4 } } }',
    '{ user: { age: { min: "18" } } }',
    '{ user: { age: { min: 120, max: 18 } } }',
    '{ user: { email: { format: "phone" } } }',
    '{ user: { email: { enum: [] } } }',
    '{ user: { email: true } }',
    '[]',
    'true',
  ])
    match(String(rulesIn(`cqrs:\n  validation_rules: ${wrong}\n`)), /validation_rules.*min_length/)
  equal(validationRules.read('{'), undefined)
})

test('another configuration gives other answers', async () => {
  const ann = { name: 'Ann', email: 'ann@example.com' }
  const answer = async (settings: Record<string, unknown>, input: object) => {
    await using shop = await openShop('memory', settings)
    const outcome = await shop.send('CreateUser', input)
    return outcome.ok ? 'created' : JSON.stringify(outcome.rejection.errors)
  }
  equal(await answer({}, ann), '{"age":"is required"}')
  const dropped = { user: { name: { min_length: 4 } } }
  const settings = { 'cqrs.validation_rules': validationRules.read(dropped) }
  equal(await answer(settings, ann), '{"name":"must have at least 4 characters"}')
  equal(await answer(settings, { name: 'Anna' }), 'created')
})
