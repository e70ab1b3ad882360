// The container and the compose file, as far as they can be judged without a container engine: what
// they promise about users, ports, passwords and settings, and that the health check tells health.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { readConfig } from './config.ts'
import { doorsOf } from './config-rules.ts'
import { environmentName, settingKeys } from './settings.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8')
const manifest = JSON.parse(read('package.json'))

// ── the image ─────────────────────────────────────────────────────────────────────────────────

type Step = { readonly word: string; readonly rest: string }

/** Instructions in order; continued lines joined, comments gone. */
const stepsOf = (text: string): readonly Step[] =>
  text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? []
      return { word, rest }
    })

describe('the image', () => {
  const steps = stepsOf(read('Dockerfile'))
  const last = steps.slice(steps.findLastIndex(({ word }) => word === 'FROM'))
  const only = (word: string) => {
    const found = last.filter((step) => step.word === word)
    equal(found.length, 1, word)
    return found[0]!.rest
  }

  it('is built on a named Node, the one that everything else runs on', () => {
    equal(
      steps.find(({ word }) => word === 'ARG')?.rest,
      `NODE_VERSION=${manifest.dependencies.node}`,
    )
    for (const { rest } of steps.filter(({ word }) => word === 'FROM'))
      match(rest, /^node:\$\{NODE_VERSION\}-slim( AS build)?$/)
  })

  it('does not run as root, and does nothing after it has become somebody else', () => {
    match(only('USER'), /^[1-9]\d*:[1-9]\d*$/)
    const after = last.slice(last.findIndex(({ word }) => word === 'USER'))
    deepEqual(
      after.filter(({ word }) => ['RUN', 'COPY', 'ADD'].includes(word)),
      [],
    )
  })

  it('takes nothing from the network but packages, whose scripts do not run', () => {
    deepEqual(
      steps.filter(({ word, rest }) => word === 'ADD' || /\b(curl|wget|apt-get|apk)\b/.test(rest)),
      [],
    )
    const npm = steps.filter(({ word, rest }) => word === 'RUN' && /^npm /.test(rest))
    equal(npm.length, 2)
    for (const { rest } of npm) match(rest, /--ignore-scripts/)
    match(npm[1]!.rest, /--omit=dev/)
  })

  it('holds no secret', () => {
    const named = steps.filter(({ word }) => word === 'ARG' || word === 'ENV')
    for (const { rest } of named) ok(!/pass|secret|token|key|url/i.test(rest), rest)
  })

  it('starts, is asked and is stopped without a shell', () => {
    deepEqual(JSON.parse(only('ENTRYPOINT')), ['node', 'dist/app/daybook.js'])
    deepEqual(JSON.parse(only('CMD')), ['start'])
    equal(only('STOPSIGNAL'), 'SIGTERM')
    const [, asked = ''] = / CMD (\[.*\])$/.exec(only('HEALTHCHECK')) ?? []
    deepEqual(JSON.parse(asked), ['node', 'dist/app/health-check.js'])
    for (const file of ['daybook', 'health-check'])
      ok(existsSync(join(ROOT, 'src', 'app', `${file}.ts`)), file)
  })

  it('keeps the book in its volume, and says which version it is', () => {
    const environment = only('ENV')
    const volume = only('VOLUME')
    match(environment, new RegExp(`\\bDATABASE_SQLITE_PATH=${volume}/`))
    match(only('LABEL'), new RegExp(`version="${manifest.version}"`))
  })

  it('is built of what is let in', () => {
    const lines = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    equal(lines[0], '*')
    const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    const copied = steps
      .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from'))
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
    deepEqual([...new Set(copied)].sort(), allowed.sort())
    for (const path of copied) ok(existsSync(join(ROOT, path)), path)
  })
})

// ── compose.yaml ──────────────────────────────────────────────────────────────────────────────

type Service = {
  readonly profiles: readonly string[]
  readonly build?: string
  readonly image: string
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: object
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
}
const compose: { readonly services: Readonly<Record<string, Service>> } = parse(
  read('compose.yaml'),
  { merge: true },
)
const services = Object.entries(compose.services)
const ours = services.filter(([, { build }]) => build !== undefined)

/** What compose makes of `${NAME:-standard}`. */
const filled = (text: string, given: Readonly<Record<string, string>>) =>
  text.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, standard: string) =>
    given[name] ? given[name] : standard,
  )
const environmentOf = (service: Service, given: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(service.environment ?? {}).map(([name, value]) => [name, filled(value, given)]),
  )
const configOf = (service: Service, given: Readonly<Record<string, string>> = {}) => {
  const found = readConfig({ env: environmentOf(service, given), file: null })
  if (!found.ok) throw new Error(found.problems.join('\n'))
  return found.config
}

describe('compose.yaml', () => {
  it('starts one process on SQLite when nothing is said', () => {
    const lines = read('.env')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    deepEqual(lines, ['COMPOSE_PROFILES=sqlite'])
    const started = services.filter(([, { profiles }]) => profiles.includes('sqlite'))
    deepEqual(
      started.map(([name]) => name),
      ['daybook'],
    )
    const config = configOf(started[0]![1])
    deepEqual([config['event_store.driver'], config['process.roles']], ['sqlite', ['all']])
  })

  it('starts nothing without a profile, so that no two books are kept by mistake', () => {
    for (const [name, { profiles }] of services) equal(profiles.length, 1, name)
  })

  it('has a process for each role on PostgreSQL, which waits until the server can work', () => {
    const fleet = ours.filter(([, { profiles }]) => profiles.includes('postgres'))
    const roles = fleet.map(([, service]) => configOf(service)['process.roles'])
    deepEqual(roles.flat().sort(), ['admin', 'command', 'projection', 'query', 'saga'])
    for (const [name, service] of fleet) {
      equal(configOf(service)['event_store.driver'], 'postgres', name)
      equal(service.depends_on?.postgres?.condition, 'service_healthy', name)
    }
    for (const name of ['postgres', 'redis']) ok(compose.services[name]?.healthcheck, name)
  })

  it('publishes on loopback only, what the process listens on', () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) match(filled(port, {}), /^127\.0\.0\.1:\d+:\d+$/, name)
    for (const [name, service] of ours) {
      const inside = doorsOf(configOf(service))
      for (const { host } of inside) equal(host, '0.0.0.0', name)
      const published = (service.ports ?? []).map((port) => Number(port.split(':').at(-1)))
      const offered = inside.filter(({ key }) => key !== 'server.health_port')
      deepEqual(
        published,
        offered.map(({ port }) => port),
        name,
      )
    }
  })

  it('has a port that the health check can ask, in every process', () => {
    for (const [name, service] of ours) ok(doorsOf(configOf(service)).length > 0, name)
  })

  it('holds no password: it comes from outside or the server does not start', () => {
    for (const [name, service] of services)
      for (const [key, value] of Object.entries(service.environment ?? {}))
        if (/PASSWORD|SECRET|TOKEN/.test(key)) equal(value, `\${DB_PASSWORD:-}`, `${name} ${key}`)
  })

  it('passes the usual variables on', () => {
    const given = {
      DB_HOST: 'db.internal',
      DB_PORT: '5432',
      DB_USER: 'shop',
      DB_PASSWORD: 'given',
      DB_NAME: 'book',
    }
    for (const [name, service] of ours) {
      const config = configOf(service, given)
      deepEqual(
        [
          config['event_store.driver'],
          config['database.postgres.host'],
          config['database.postgres.port'],
          config['database.postgres.user'],
          config['database.postgres.password'],
          config['database.postgres.name'],
        ],
        ['postgres', 'db.internal', 5432, 'shop', 'given', 'book'],
        name,
      )
    }
  })

  it('takes a server at any port', () => {
    for (const [name, service] of ours.filter(([, { profiles }]) => profiles.includes('postgres')))
      equal(configOf(service, { DB_PORT: '6543' })['database.postgres.port'], 6543, name)
  })

  it('sets only what is a setting', () => {
    const known = new Set([
      ...settingKeys.map(environmentName),
      ...['HOST', 'PORT', 'USER', 'PASSWORD', 'NAME'].map((part) => `DB_${part}`),
    ])
    for (const [name, { environment = {} }] of ours)
      for (const key of Object.keys(environment)) ok(known.has(key), `${name}: ${key}`)
  })

  it('gives its processes nothing they do not need', () => {
    for (const [name, service] of ours) {
      equal(service.read_only, true, name)
      deepEqual(service.cap_drop, ['ALL'], name)
      equal(service.image, `daybook:${manifest.version}`, name)
    }
  })
})

// ── the health check ──────────────────────────────────────────────────────────────────────────

const CHECK = join(import.meta.dirname, 'health-check.ts')

async function checked(...argv: string[]): Promise<{ code: number | null; said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-check-'))
  const child = spawn(process.execPath, [CHECK, ...argv], { cwd: folder, stdio: 'pipe' })
  let said = ''
  child.stderr.on('data', (text) => {
    said += String(text)
  })
  const [code] = await once(child, 'close')
  rmSync(folder, { recursive: true })
  return { code, said }
}

describe('the health check', () => {
  for (const [status, expected] of [
    [200, 0],
    [503, 1],
  ] as const)
    it(`ends with ${expected} when the process answers ${status}`, async () => {
      const asked: (string | undefined)[] = []
      const server = createServer(({ url, headers }, answer) => {
        asked.push(url, headers.host)
        answer.writeHead(status).end('{}')
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const open = ['--set', 'server.host=0.0.0.0', '--set', 'auth.unsafe_allow_anonymous=true']
      const { code, said } = await checked('--port', `:${port}`, ...open)
      server.close()
      equal(code, expected, said)
      deepEqual(asked, ['/health/ready', 'localhost'])
      if (code !== 0) match(said, /answers 503/)
    })

  it('ends with 1 when nobody answers, or when there is no port to ask', async () => {
    // No system gives this port to anybody who asks for any.
    const away = await checked('--port', ':1')
    equal(away.code, 1)
    match(away.said, /ECONNREFUSED/)
    const url = 'database.postgres.url=postgres://daybook@localhost/daybook'
    const silent = await checked('--role', 'saga', '--set', url)
    equal(silent.code, 1)
    match(silent.said, /server\.health_port/)
  })
})
