// Rules between settings, and those that keep an open door from being left open by mistake.
import { isIP } from 'node:net'
import type { Config, SettingKey } from './settings.ts'

const PORTS = ['server.port', 'server.query_port', 'server.admin_port'] as const

/** What is wrong with settings that are each right by themselves. */
export function mistakesBetween(
  config: Config,
  origins: ReadonlyMap<string, string>,
): readonly string[] {
  const from = (key: SettingKey) => `from ${origins.get(key) ?? 'the default'}`
  return [
    ...portMistakes(config, from),
    ...doorMistakes(config, from),
    ...(config['money.currencies'].includes(config['money.default'])
      ? []
      : [
          `money.default is ${config['money.default']} (${from('money.default')}), ` +
            `allowed is one of money.currencies: ${config['money.currencies'].join(', ')}`,
        ]),
    ...methodMistakes(config, from),
    ...(config['retry.base'] <= config['retry.max']
      ? []
      : [
          `retry.base is ${config['retry.base']} ms (${from('retry.base')}), allowed is at most ` +
            `retry.max, ${config['retry.max']} ms (${from('retry.max')})`,
        ]),
  ]
}

type From = (key: SettingKey) => string

function portMistakes(config: Config, from: From): readonly string[] {
  return PORTS.flatMap((key, at) => {
    const { host, port } = listenAddress(config, key)
    const other = PORTS.slice(0, at).find((earlier) => {
      const taken = listenAddress(config, earlier)
      return port !== 0 && taken.port === port && taken.host === host
    })
    return other === undefined
      ? []
      : [
          `${key} is ${port} (${from(key)}), and so is ${other} (${from(other)}); ` +
            'each needs its own',
        ]
  })
}

function doorMistakes(config: Config, from: From): readonly string[] {
  if (config['auth.unsafe_allow_anonymous']) return []
  const open = PORTS.filter((key) => !isLoopback(listenAddress(config, key).host))
  const sources = new Set(
    open.map((key) => (config[key].host === null ? ('server.host' as const) : key)),
  )
  return [...sources].map(
    (key) =>
      `${key} is ${hostOf(config, key)} (${from(key)}), which others can reach, and nobody ` +
      'would have to sign in; allowed is loopback (127.0.0.1, ::1, localhost), or any host with ' +
      'auth.unsafe_allow_anonymous: true',
  )
}

const hostOf = (config: Config, key: 'server.host' | (typeof PORTS)[number]) =>
  key === 'server.host' ? config[key] : config[key].host

function methodMistakes(config: Config, from: From): readonly string[] {
  const method = config['payments.default_method']
  if (method === '' || config['payments.methods'].includes(method)) return []
  const methods = config['payments.methods'].join(', ')
  return [
    `payments.default_method is ${method} (${from('payments.default_method')}), ` +
      `allowed is one of payments.methods: ${methods}; or empty`,
  ]
}

/** Where this port listens. */
export function listenAddress(config: Config, key: (typeof PORTS)[number]) {
  const { host, port } = config[key]
  return { host: host ?? config['server.host'], port }
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}
