// Reads the settings: defaults, file, environment, flags, in rising order. All mistakes are told at
// once, before anything is opened. The only file that reads the environment.
import { closest } from '#kernel/closest.ts'
import { mistakesBetween } from './config-rules.ts'
import { fileValues, flagValues, type Given } from './config-sources.ts'
import { chooseDrivers, seedValues } from './database.ts'
import type { Setting } from './setting.ts'
import { type Config, environmentName, type SettingKey, settingKeys, settings } from './settings.ts'

export type ConfigSources = {
  /** Arguments that set something: `--set key=value`, `--port 0`, `--config PATH`. */
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The file; null: none. Absent: `--config`, else configs/config.yaml if it is there. */
  readonly file?: string | null
}
export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] }

export function readConfig({
  argv = [],
  env = process.env,
  file,
}: ConfigSources = {}): ConfigResult {
  const problems: string[] = []
  const flags = flagValues(argv, problems)
  const named = file === undefined ? flags.file : file
  const values: Record<string, unknown> = {}
  const origins = new Map<string, string>()

  for (const key of settingKeys) values[key] = settings[key].kind.read(settings[key].standard)
  const given = [
    ...fileValues(named, problems),
    ...seedValues(env),
    ...environmentValues(env),
    ...flags.given,
  ]
  for (const one of given) {
    const problem = take(one, values)
    if (problem !== null) problems.push(problem)
    else origins.set(one.key, one.origin)
  }
  // Rules between settings only make sense for settings that are right by themselves.
  if (problems.length === 0) problems.push(...chooseDrivers(values as Config, origins, env))
  if (problems.length === 0) problems.push(...mistakesBetween(values as Config, origins))
  if (problems.length > 0) return { ok: false, problems }
  // Every key was read by its own kind, which is what Config is made of.
  return { ok: true, config: Object.freeze(values) as Config }
}

/** Puts one value in; the mistake if it is none. */
function take({ key, raw, origin }: Given, values: Record<string, unknown>): string | null {
  if (!Object.hasOwn(settings, key)) {
    const near = closest(key, settingKeys)
    const hint = near === null ? '' : `; did you mean ${near}?`
    return `${key} (from ${origin}) is not a setting${hint}`
  }
  const { kind, secret }: Setting = settings[key as SettingKey]
  const value = kind.read(raw)
  if (value === undefined) {
    const what = secret === true ? 'not acceptable' : shown(raw)
    return `${key} is ${what} (from ${origin}), allowed is ${kind.allowed}`
  }
  values[key] = value
  return null
}

function environmentValues(env: Readonly<Record<string, string | undefined>>): readonly Given[] {
  return settingKeys.flatMap((key) => {
    const raw = env[environmentName(key)]
    // An empty variable is how a compose file or a shell says "not set".
    return raw === undefined || raw === ''
      ? []
      : [{ key, raw, origin: `the environment, ${environmentName(key)}` }]
  })
}

const shown = (raw: unknown) => JSON.stringify(raw) ?? String(raw)

/** The settings that deciders read, under the names they know. */
export const shopSettings = (config: Config): Readonly<Record<string, unknown>> =>
  Object.freeze({
    'reservation.ttl_ms': config['reservation.ttl'],
    'payments.capture_on': config['payments.capture_on'],
    'payments.default_method': config['payments.default_method'] || null,
    'payments.methods': config['payments.methods'],
    'money.currencies': config['money.currencies'],
    'money.default': config['money.default'],
    'money.rounding': config['money.rounding'],
    'money.taxes': config['money.taxes'],
    'money.prices_include_tax': config['money.prices_include_tax'],
    'money.tax_level': config['money.tax_level'],
    'inventory.negative': config['inventory.negative'],
    'orders.client_price': config['orders.client_price'],
    'cqrs.validation_rules': config['cqrs.validation_rules'],
    'orders.require_customer': config['orders.require_customer'],
    'orders.number_format': config['orders.number_format'],
    'pos.tenders': config['pos.tenders'],
    'pos.stock_policy': config['pos.stock_policy'],
    'pos.price_override': config['pos.price_override'],
    'pos.refund_without_original': config['pos.refund_without_original'],
    'pos.fact_after_ms': config['pos.fact_after'],
    'pos.require_session': config['pos.require_session'],
    'pos.cash_rounding': config['pos.cash_rounding'],
    'pos.number_format': config['pos.number_format'],
    'pos.refund_number_format': config['pos.refund_number_format'],
    'stores.auto_create': config['stores.auto_create'],
    'webhooks.allow_private': config['webhooks.allow_private'],
    'webhooks.allowed_hosts': config['webhooks.allowed_hosts'],
    'catalog.enrich_with_inventory': config['catalog.enrich_with_inventory'],
    'saga.deadline_ms': config['saga.deadline'],
    'saga.step_timeout_ms': config['saga.step_timeout'],
    'saga.alarm_after': config['saga.alarm_after'],
    'retry.base_ms': config['retry.base'],
    'retry.factor': config['retry.factor'],
    'retry.max_ms': config['retry.max'],
  })
