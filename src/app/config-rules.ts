// Rules between settings, and those that keep an open door from being left open by mistake.
import { isIP } from 'node:net'
import { coinIn, TAXES_MAX } from '#contexts/pricing/public.ts'
import { type PortKey, portsOf, rolesOf } from './roles.ts'
import type { Config, SettingKey } from './settings.ts'

/** What is wrong with settings that are each right by themselves. */
export function mistakesBetween(
  config: Config,
  origins: ReadonlyMap<string, string>,
): readonly string[] {
  const from = (key: SettingKey) => `from ${origins.get(key) ?? 'the default'}`
  return [
    ...roleMistakes(config, from),
    ...portMistakes(config, from),
    ...doorMistakes(config, from),
    ...(config['money.currencies'].includes(config['money.default'])
      ? []
      : [
          `money.default is ${config['money.default']} (${from('money.default')}), ` +
            `allowed is one of money.currencies: ${config['money.currencies'].join(', ')}`,
        ]),
    ...methodMistakes(config, from),
    ...taxMistakes(config, from),
    ...coinMistakes(config, from),
    ...mailMistakes(config, from),
    ...(config['retry.base'] <= config['retry.max']
      ? []
      : [
          `retry.base is ${config['retry.base']} ms (${from('retry.base')}), allowed is at most ` +
            `retry.max, ${config['retry.max']} ms (${from('retry.max')})`,
        ]),
  ]
}

/** A line holds so many taxes; more would be told at the first order. */
function taxMistakes(config: Config, from: From): readonly string[] {
  const due = Map.groupBy(config['money.taxes'], (entry) => entry.split(':')[0]!)
  return [...due].flatMap(([goods, { length }]) =>
    length <= TAXES_MAX
      ? []
      : [
          `money.taxes has ${length} taxes for ${goods} (${from('money.taxes')}), allowed are at ` +
            `most ${TAXES_MAX}`,
        ],
  )
}

/** A coin of a currency that no sale may have is a slip of the pen. */
function coinMistakes(config: Config, from: From): readonly string[] {
  const coins = config['pos.cash_rounding']
  if (typeof coins === 'number') return []
  const key = 'pos.cash_rounding'
  const allowed = config['money.currencies']
  const strange = coins.filter((entry) => !allowed.includes(coinIn(entry)?.currency ?? ''))
  return strange.map(
    (entry) =>
      `${key} has ${entry} (${from(key)}), allowed are currencies of money.currencies: ` +
      allowed.join(', '),
  )
}

type From = (key: SettingKey) => string

/** One process owns a file; only a server lets several work at the same book. */
function roleMistakes(config: Config, from: From): readonly string[] {
  const roles = rolesOf(config['process.roles'])
  const files = (['event_store.driver', 'read_store.driver'] as const).find(
    (key) => config[key] !== 'postgres',
  )
  return roles.isAll || files === undefined
    ? []
    : [
        `process.roles is ${roles.text} (${from('process.roles')}) and ${files} is ` +
          `${config[files]} (${from(files)}): one process owns the file, several need PostgreSQL; ` +
          'allowed is all, or any roles with database.driver: postgres',
      ]
}

/** The ports that this process opens, and where. */
export function doorsOf(config: Config) {
  return portsOf(rolesOf(config['process.roles'])).flatMap((key) => {
    const address = listenAddress(config, key)
    const names = config[key] !== '' && config[key].host !== null
    return address === null
      ? []
      : [{ key, ...address, source: names ? key : ('server.host' as const) }]
  })
}

function portMistakes(config: Config, from: From): readonly string[] {
  const doors = doorsOf(config)
  return doors.flatMap(({ key, host, port }, at) => {
    const taken = doors
      .slice(0, at)
      .find((other) => port !== 0 && other.port === port && other.host === host)
    return taken === undefined
      ? []
      : [
          `${key} is ${port} (${from(key)}), and so is ${taken.key} (${from(taken.key)}); ` +
            'each needs its own',
        ]
  })
}

function doorMistakes(config: Config, from: From): readonly string[] {
  if (config['auth.unsafe_allow_anonymous']) return []
  const open = doorsOf(config).filter(({ host }) => !isLoopback(host))
  const sources = new Map(open.map(({ source, host }) => [source, host]))
  return [...sources].map(
    ([key, host]) =>
      `${key} is ${host} (${from(key)}), which others can reach, and nobody ` +
      'would have to sign in; allowed is loopback (127.0.0.1, ::1, localhost), or any host with ' +
      'auth.unsafe_allow_anonymous: true',
  )
}

function methodMistakes(config: Config, from: From): readonly string[] {
  const method = config['payments.default_method']
  if (method === '' || config['payments.methods'].includes(method)) return []
  const methods = config['payments.methods'].join(', ')
  return [
    `payments.default_method is ${method} (${from('payments.default_method')}), ` +
      `allowed is one of payments.methods: ${methods}; or empty`,
  ]
}

/** A server without a sender, or somebody to be written to without a server. */
function mailMistakes(config: Config, from: From): readonly string[] {
  const [url, sender] = [config['smtp.url'], config['smtp.from']]
  if (url !== '' && sender === '')
    return [`smtp.url is set (${from('smtp.url')}) and smtp.from is not: say who e-mail comes from`]
  const operators = config['notifications.operators']
  return url === '' && operators.length > 0
    ? [
        `notifications.operators is set (${from('notifications.operators')}) and smtp.url is not: ` +
          'say which server takes e-mail',
      ]
    : []
}

/** Where this port listens; null: it is not wanted. */
export function listenAddress(config: Config, key: PortKey) {
  const address = config[key]
  if (address === '') return null
  const { host, port } = address
  return { host: host ?? config['server.host'], port }
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
