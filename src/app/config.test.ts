// Settings: what is read from where, and that every mistake is told, all of them at once.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { parse } from 'yaml'
import { type ConfigSources, readConfig, shopSettings } from './config.ts'
import { listenAddress } from './config-rules.ts'
import { postgresUrl } from './database.ts'
import { portsOf, ROLES, rolesOf } from './roles.ts'
import { milliseconds } from './setting-kinds.ts'
import { environmentName, type SettingKey, settingKeys, settings } from './settings.ts'
import { settingsPage } from './settings-page.ts'
import { placesOf } from './stores.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'daybook-config-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
function fileOf(text: string): string {
  const path = join(folder, `config-${files++}.yaml`)
  writeFileSync(path, text)
  return path
}

function configOf(sources: ConfigSources) {
  const result = readConfig({ env: {}, file: null, ...sources })
  if (!result.ok) throw new Error(result.problems.join('\n'))
  return result.config
}
function problemsOf(sources: ConfigSources): readonly string[] {
  const result = readConfig({ env: {}, file: null, ...sources })
  return result.ok ? [] : result.problems
}

describe('the table of settings', () => {
  it('has a default that its own kind reads, for every key', () => {
    for (const key of settingKeys)
      ok(settings[key].kind.read(settings[key].standard) !== undefined, key)
  })

  it('gives every key an environment name of its own', () => {
    equal(new Set(settingKeys.map(environmentName)).size, settingKeys.length)
    equal(environmentName('server.query_port'), 'SERVER_QUERY_PORT')
  })

  it('says of every key what it is for and since when', () => {
    for (const key of settingKeys) {
      match(settings[key].about, /^.{5,}[.]$/, key)
      match(settings[key].since, /^\d+\.\d+\.\d+$/, key)
    }
  })
})

describe('every setting', () => {
  const sources = globSync('src/{app,contexts,edges,kernel,runtime}/**/*.ts', { cwd: ROOT })
    .filter((path) => !/\.test\.ts$|src\/app\/(settings|config)/.test(path))
    .map(textOf)
  const isRead = (name: string) => sources.some((source) => source.includes(`'${name}'`))

  it('is read somewhere, unless it can have one value only', () => {
    const unread = settingKeys
      .filter((key) => !settings[key].kind.allowed.startsWith('only '))
      .filter((key) => !isRead(key) && !isRead(`${key}_ms`))
    deepEqual(unread, [])
  })

  it('tells the version of the package where it tells one', () => {
    const { version } = JSON.parse(textOf('package.json'))
    equal(configOf({})['cqrs.version'], version)
  })
})

describe('the reference page', () => {
  it('says what the table says; `npm run docs` writes it anew', () =>
    equal(textOf('docs/reference/settings.md'), settingsPage()))
})

describe('reading the configuration', () => {
  it('stands on its defaults when nothing is given', () => {
    const config = configOf({})
    deepEqual(listenAddress(config, 'server.port'), { host: '127.0.0.1', port: 8080 })
    equal(config['event_store.driver'], 'sqlite')
    equal(config['reservation.ttl'], 900_000)
    ok(Object.isFrozen(config))
  })

  it('lets the environment win over the file, and a flag over both', () => {
    const file = fileOf('server:\n  port: 9001\n  query_port: 9002\n  admin_port: 9003\n')
    const env = { SERVER_QUERY_PORT: '9102', SERVER_ADMIN_PORT: '9103' }
    const config = configOf({ file, env, argv: ['--admin-port', '9203'] })
    equal(config['server.port'].port, 9001)
    equal(config['server.query_port'].port, 9102)
    equal(config['server.admin_port'].port, 9203)
  })

  it('takes the last flag when one is given twice', () => {
    equal(configOf({ argv: ['--port', '1', '--port=2'] })['server.port'].port, 2)
  })

  it('reads dotted keys and nested ones alike', () => {
    equal(configOf({ file: fileOf('retry.attempts: 3\n') })['retry.attempts'], 3)
    equal(configOf({ file: fileOf('retry:\n  attempts: 3\n') })['retry.attempts'], 3)
  })

  it('takes an empty variable for one that is not set', () => {
    equal(configOf({ env: { SERVER_PORT: '' } })['server.port'].port, 8080)
  })

  it('finds the file that --config names', () => {
    const path = fileOf('retry: { attempts: 3 }\n')
    const result = readConfig({ env: {}, argv: ['--config', path] })
    ok(result.ok)
    equal(result.config['retry.attempts'], 3)
  })

  it('lets port 0 stand on all three ports: the system chooses', () => {
    const argv = ['--port=0', '--query-port=0', '--admin-port=0']
    equal(configOf({ argv })['server.admin_port'].port, 0)
  })

  it('ships a file that only says what the defaults say', () => {
    const shipped = join(ROOT, 'configs', 'config.yaml')
    deepEqual(configOf({ file: shipped }), configOf({}))
    ok(Object.keys(parse(readFileSync(shipped, 'utf8'))).length > 0)
  })

  it('ships examples in it that are settings, too', () => {
    const text = textOf('configs/config.yaml').replaceAll(/^( *)# ( *[a-z_]+:.*)$/gm, '$1$2')
    const config = configOf({ file: fileOf(text) })
    deepEqual([config['event_store.driver'], config['read_store.driver']], ['postgres', 'postgres'])
    equal(config['database.postgres.sslmode'], 'verify-full')
    deepEqual(config['process.roles'], ROLES)
  })
})

describe('kinds of values', () => {
  const read = (key: SettingKey, raw: unknown) => settings[key].kind.read(raw)

  it('reads times with their unit and nothing else', () => {
    const times = {
      '100ms': 100,
      '30s': 30_000,
      '15m': 900_000,
      '24h': 86_400_000,
      '2d': 172_800_000,
    }
    for (const [text, ms] of Object.entries(times)) equal(milliseconds(text), ms)
    for (const wrong of ['30', 30, '30 s', '-1s', '1.5h', 's', '', '1e3s', null])
      equal(milliseconds(wrong), undefined, String(wrong))
  })

  it('reads addresses as ports, with or without a host', () => {
    const port = (raw: unknown) => read('server.port', raw)
    deepEqual(port(':8080'), { host: null, port: 8080 })
    deepEqual(port(8080), { host: null, port: 8080 })
    deepEqual(port('0.0.0.0:80'), { host: '0.0.0.0', port: 80 })
    deepEqual(port('[::1]:80'), { host: '::1', port: 80 })
    for (const wrong of ['65536', '-1', '80a', '', ':', '::1:80', '1.5', 'a b:80', null, true, []])
      equal(port(wrong), undefined, String(wrong))
  })

  it('reads lists from YAML and from text with commas, each thing once', () => {
    deepEqual(read('money.currencies', 'USD, EUR'), ['USD', 'EUR'])
    deepEqual(read('money.currencies', ['USD']), ['USD'])
    deepEqual(read('cors.origins', ''), [])
    for (const wrong of ['', 'usd', 'USD,USD', ['USD', 7], 'USD;EUR', {}, null])
      equal(read('money.currencies', wrong), undefined, JSON.stringify(wrong))
  })

  it('reads numbers only whole and in range where that is asked', () => {
    equal(read('retry.attempts', '5'), 5)
    equal(read('retry.factor', '1.5'), 1.5)
    for (const wrong of ['0', 101, 1.5, 'five', '', ' 5', '0x5', null, true])
      equal(read('retry.attempts', wrong), undefined, String(wrong))
    for (const wrong of ['0.9', 11, 'NaN', 'Infinity', '1e1'])
      equal(read('retry.factor', wrong), undefined, String(wrong))
  })

  it('reads text only where there is some, and not too much', () => {
    equal(read('cqrs.version', 1.5), '1.5')
    for (const wrong of ['', 'x'.repeat(51), true, null, []])
      equal(read('cqrs.version', wrong), undefined, String(wrong))
    equal(read('database.sqlite.path', ''), undefined)
  })

  it('wants the number itself in the format of order numbers', () => {
    const format = (raw: string) => read('orders.number_format', raw)
    equal(format('R{yyyy}{mm}{dd}/{seq:6}'), 'R{yyyy}{mm}{dd}/{seq:6}')
    for (const wrong of ['ORD', 'ORD-{yyyy}', '{seq:0}', '{seq} {seq}', '{year}-{seq}', ''])
      equal(format(wrong), undefined, wrong)
  })
})

describe('mistakes', () => {
  it('are told all at once, each with key, value, place and what is allowed', () => {
    const file = fileOf('server:\n  port: eighty\nmoney:\n  rounding: up\n')
    const env = { RESERVATION_TTL: '15' }
    const problems = problemsOf({ file, env, argv: ['--set', 'retry.attempts=0'] })
    equal(problems.length, 4)
    match(
      problems[0]!,
      /^server\.port is "eighty" \(from .*\.yaml, line 2\), allowed is a port from 0/,
    )
    match(
      problems[1]!,
      /^money\.rounding is "up" \(from .*line 4\), allowed is one of half_up, half_even/,
    )
    match(problems[2]!, /^reservation\.ttl is "15" \(from the environment, RESERVATION_TTL\).*unit/)
    match(problems[3]!, /^retry\.attempts is "0" \(from the command line, --set\).* 1 to 100/)
  })

  it('name the setting that was most likely meant', () => {
    const problems = problemsOf({
      file: fileOf('servre:\n  port: 1\n'),
      argv: ['--set', 'reservation.tll=1m', '--prot', '--set', 'zzz=1'],
    })
    match(problems[0]!, /^--prot .*did you mean --port\?/)
    match(problems[1]!, /^servre\.port .*did you mean server\.port\?/)
    match(problems[2]!, /^reservation\.tll .*did you mean reservation\.ttl\?/)
    match(problems[3]!, /^zzz \(.*\) is not a setting$/)
  })

  it('are found in a file that is not YAML, not settings, or not there', () => {
    match(problemsOf({ file: fileOf('a: [1\nb: 2') })[0]!, /\.yaml, line \d+: /)
    match(
      problemsOf({ file: fileOf('retry.attempts: 3\nretry.attempts: 4\n') })[0]!,
      /line 2: .*unique/,
    )
    match(problemsOf({ file: fileOf('- a\n') })[0]!, /does not hold settings/)
    match(problemsOf({ file: join(folder, 'none.yaml') })[0]!, /none\.yaml cannot be read/)
    match(problemsOf({ file: fileOf('retry:\n  attempts:\n') })[0]!, /^retry\.attempts is null/)
  })

  it('are flags without a value, and --set without key=value', () => {
    deepEqual(problemsOf({ argv: ['--port'] }), ['--port needs a value'])
    deepEqual(problemsOf({ argv: ['--set', 'x'] }), ['--set takes key=value'])
    deepEqual(problemsOf({ argv: ['--set', 'server.port'] }), [
      '--set server.port is not key=value',
    ])
  })

  it('are keys that every object has', () => {
    for (const key of ['__proto__', 'constructor', 'toString'])
      equal(problemsOf({ argv: ['--set', `${key}=1`] }).length, 1, key)
  })

  it('are two ports that are the same', () => {
    const [problem] = problemsOf({ argv: ['--port', '8081'] })
    match(problem!, /^server\.query_port is 8081 \(from the default\), and so is server\.port/)
    deepEqual(problemsOf({ argv: ['--port', '127.0.0.2:8081'] }), [])
  })

  it('are more taxes for the same goods than a line holds', () => {
    const taxes = (count: number) =>
      Array.from({ length: count }, (_, n) => `wine@Malta:Tax ${n}:1`).join(',')
    const argv = (count: number) => ['--set', `money.taxes=standard:VAT:20,${taxes(count)}`]
    match(problemsOf({ argv: argv(11) }).join(), /has 11 taxes for wine@Malta .*at most 10/)
    equal(configOf({ argv: argv(10) })['money.taxes'].length, 11)
  })

  it('are coins of a currency that the shop does not take', () => {
    const argv = (coins: string) => ['--set', `pos.cash_rounding=${coins}`]
    const [problem, ...more] = problemsOf({ argv: argv('EUR:0.05,CHF:0.05') })
    match(problem!, /^pos\.cash_rounding has CHF:0\.05 \(from .*\), .*USD, EUR, GBP, INR$/)
    deepEqual(more, [])
    deepEqual(problemsOf({ argv: argv('EUR:0.05') }), [])
  })

  it('are currencies, methods and pauses that contradict each other', () => {
    const argv = ['money.default=CHF', 'payments.default_method=cash', 'retry.base=2m'].flatMap(
      (value) => ['--set', value],
    )
    const problems = problemsOf({ argv })
    equal(problems.length, 3)
    match(problems[0]!, /^money\.default is CHF .*USD, EUR, GBP, INR/)
    match(problems[1]!, /^payments\.default_method is cash .*credit_card/)
    match(problems[2]!, /^retry\.base is 120000 ms .*retry\.max, 60000 ms/)
  })
})

describe('the open door', () => {
  it('refuses to listen where others can reach it while nobody has to sign in', () => {
    const hosts = [
      '0.0.0.0',
      '::',
      '192.168.1.5',
      'shop.example',
      'localhost.example',
      '127.0.0.1.evil',
    ]
    for (const host of hosts) {
      const [problem, ...more] = problemsOf({ argv: ['--host', host] })
      match(problem!, /^server\.host is .*auth\.unsafe_allow_anonymous: true$/, host)
      deepEqual(more, [])
    }
    for (const port of ['0.0.0.0:80', '[::]:80'])
      match(problemsOf({ argv: ['--port', port] })[0]!, /^server\.port is/)
  })

  it('opens on loopback, or when told so by the ugly name', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
      equal(configOf({ argv: ['--host', host] })['server.host'], host)
    const argv = ['--host', '0.0.0.0', '--set', 'auth.unsafe_allow_anonymous=true']
    equal(configOf({ argv })['server.host'], '0.0.0.0')
  })

  it('refuses authentication rather than pretending to have it', () => {
    const [problem] = problemsOf({ argv: ['--set', 'auth.enabled=true'] })
    match(problem!, /^auth\.enabled is "true" .*only false for now/)
  })
})

describe('where events and rows are kept', () => {
  const drivers = (sources: ConfigSources) => {
    const config = configOf(sources)
    return [config['event_store.driver'], config['read_store.driver']]
  }
  const set = (...values: string[]) => ({ argv: values.flatMap((value) => ['--set', value]) })

  it('is PostgreSQL when an address or a driver says so, and SQLite otherwise', () => {
    const url = 'postgres://shop@db.example/shop'
    deepEqual(drivers({}), ['sqlite', 'sqlite'])
    deepEqual(drivers(set('database.driver=postgres')), ['postgres', 'postgres'])
    deepEqual(drivers(set(`database.postgres.url=${url}`)), ['postgres', 'postgres'])
    deepEqual(drivers(set('database.postgres.host=db')), ['postgres', 'postgres'])
    deepEqual(drivers(set('database.postgres.password=x')), ['sqlite', 'sqlite'])
    deepEqual(drivers({ env: { DB_HOST: 'db', DB_PORT: '5432' } }), ['postgres', 'postgres'])
    const named = { ...set('database.driver=sqlite'), env: { DB_HOST: 'db', DB_PORT: '3306' } }
    deepEqual(drivers(named), ['sqlite', 'sqlite'])
  })

  it('may be one for events and another for rows; rows never outlive their events', () => {
    const mixed = set('database.driver=postgres', 'read_store.driver=memory')
    deepEqual(drivers(mixed), ['postgres', 'memory'])
    deepEqual(drivers(set('event_store.driver=memory')), ['memory', 'memory'])
    const [problem] = problemsOf(set('event_store.driver=memory', 'read_store.driver=sqlite'))
    match(problem!, /^read_store\.driver is sqlite .* memory for both$/)
  })

  it('reads the usual variables', () => {
    const env = {
      DB_HOST: 'db.example',
      DB_PORT: '5432',
      DB_USER: 'shop keeper',
      DB_PASSWORD: 'p@ss w%rd/:?#',
      DB_NAME: 'shop',
    }
    const url = new URL(postgresUrl(configOf({ env }), 10))
    equal(url.host, 'db.example:5432')
    equal(decodeURIComponent(url.username), env.DB_USER)
    equal(decodeURIComponent(url.password), env.DB_PASSWORD)
    equal(url.pathname, '/shop')
    const own = { ...env, DATABASE_POSTGRES_HOST: 'other.example' }
    equal(new URL(postgresUrl(configOf({ env: own }), 10)).hostname, 'other.example')
    for (const name of ['DB_HOST', 'DB_PORT', 'DB_NAME']) {
      const [problem] = problemsOf({ env: { ...env, [name]: 'not / good' } })
      match(problem!, new RegExp(`from the environment, ${name}`))
    }
  })

  it('is refused where it cannot be told, with the ways to say it', () => {
    const url = set('database.postgres.url=postgres://shop@db/shop').argv
    const refused: [ConfigSources, RegExp][] = [
      [{ env: { DB_HOST: 'mysql', DB_PORT: '3306' } }, /DB_PORT 3306 names MySQL, .* not built/],
      [{ env: { DB_HOST: 'db' } }, /DB_HOST names a server of an unknown kind: set DB_PORT=5432/],
      [{ env: { DB_HOST: 'db', DB_PORT: '6432' } }, /DB_HOST names a server of an unknown kind/],
      [{ env: { MONGODB_URI: 'mongodb://db/x' } }, /MONGODB_URI names MongoDB, .* not built/],
      [{ env: { DB_PORT: '3306' }, argv: url }, /several databases .* MySQL, .* PostgreSQL/],
      [{ env: { MONGODB_URI: 'mongodb://db/x', DB_PORT: '5432' } }, /several databases .* MongoDB/],
      [{ argv: [...url, '--data', 'shop.db'] }, /several databases .* a SQLite file/],
    ]
    for (const [sources, expected] of refused) {
      const [problem, ...more] = problemsOf(sources)
      match(problem!, expected)
      match(problem!, /database\.driver/)
      deepEqual(more, [])
    }
  })

  it('is what was said last, of one store or of both', () => {
    const file = fileOf('event_store.driver: sqlite\nread_store.driver: sqlite\n')
    const url = { DATABASE_POSTGRES_URL: 'postgres://shop@db/shop' }
    deepEqual(drivers({ file, ...set('database.driver=postgres') }), ['postgres', 'postgres'])
    deepEqual(drivers({ file, env: { DATABASE_DRIVER: 'postgres' } }), ['postgres', 'postgres'])
    const both = fileOf('database.driver: postgres\nread_store.driver: sqlite\n')
    deepEqual(drivers({ file: both }), ['postgres', 'sqlite'])
    // Anybody's variables do not overrule what the shop's own file says; its own ones are asked.
    const anybody = { DB_HOST: 'db', DB_PORT: '5432' }
    deepEqual(drivers({ file, env: anybody }), ['sqlite', 'sqlite'])
    const [problem] = problemsOf({ file, env: url })
    match(problem!, /^database\.postgres\.url .* event_store\.driver is sqlite \(from .*line 1\)/)
    deepEqual(drivers({ file, env: { ...url, DATABASE_DRIVER: 'sqlite' } }), ['sqlite', 'sqlite'])
    const inFile = fileOf('event_store.driver: sqlite\ndatabase.postgres.host: db\n')
    deepEqual(drivers({ file: inFile }), ['sqlite', 'sqlite'])
  })

  it('takes an address in one line or in parts, not both', () => {
    const url = 'database.postgres.url=postgres://shop:word@db/shop'
    for (const part of ['host=db', 'port=5432', 'user=shop', 'name=shop', 'password=x']) {
      const [problem] = problemsOf(set(url, `database.postgres.${part}`))
      match(problem!, /is in database\.postgres\.url .* already; give it once$/)
    }
    const apart = set(
      'database.postgres.url=postgres://shop@db/shop',
      'database.postgres.password=x',
      'database.postgres.sslmode=verify-full',
      'database.postgres.max_connections=20',
      'database.postgres.read_url=postgresql://reader@replica/shop',
    )
    const { log, queries, views } = placesOf(configOf(apart))
    const whole =
      'postgres://shop:x@db/shop?sslmode=verify-full&max_connections=20&application_name=daybook+all'
    deepEqual([log.place.url, views.place.url], [whole, whole])
    match(queries.place.url, /^postgresql:\/\/reader:x@replica\/shop\?/)
    match(placesOf(configOf(apart), 'thread').log.place.url, /max_connections=4&/)
    equal(placesOf(configOf({})).log.place.url, '')
  })

  it('never shows a password, whatever is wrong with it', () => {
    const wrong = [
      'database.postgres.url=mysql://shop:hunter2@db/shop',
      'database.postgres.url=postgres://shop:hunter2@/shop',
      'database.postgres.read_url=hunter2',
      `database.postgres.password=${'hunter2'.repeat(200)}`,
      'database.postgres.pasword=hunter2',
      'hunter2',
    ]
    for (const value of wrong) {
      const [problem] = problemsOf(set(value))
      ok(problem !== undefined, value)
      ok(!problem.includes('hunter2'), problem)
    }
    const loose = problemsOf({
      argv: ['hunter2', '--database.postgres.password=hunter2', '--x=hunter2'],
    })
    equal(loose.length, 3)
    ok(!loose.join().includes('hunter2'), loose.join())
    const env = { DB_HOST: 'db', DB_PASSWORD: 'hunter2', MONGODB_URI: 'mongodb://x:hunter2@db' }
    ok(!problemsOf({ env }).join().includes('hunter2'))
    const url = 'database.postgres.url=postgres://shop:hunter2@db/shop'
    ok(!problemsOf(set(url, 'database.postgres.password=hunter2')).join().includes('hunter2'))
    ok(!problemsOf(set(url, 'retry.base=2m')).join().includes('hunter2'))
  })
})

describe('roles', () => {
  const on = (driver: string, ...roles: string[]) => ({
    argv: ['--role', roles.join(','), '--set', `database.driver=${driver}`],
  })

  it('are all by default, and any mix on PostgreSQL', () => {
    ok(rolesOf(configOf({})['process.roles']).isAll)
    const some = rolesOf(configOf(on('postgres', 'saga', 'command'))['process.roles'])
    deepEqual([some.has('command'), some.has('query'), some.isAll], [true, false, false])
    equal(some.text, 'command, saga')
    ok(rolesOf(configOf(on('sqlite', ...ROLES))['process.roles']).isAll)
  })

  it('other than all are refused on a file, and so is what is not built', () => {
    for (const driver of ['sqlite', 'memory']) {
      const [problem] = problemsOf(on(driver, 'command', 'query'))
      match(problem!, /^process\.roles is command, query .*one process owns the file, several need/)
      match(problem!, /allowed is all, or any roles with database\.driver: postgres$/)
    }
    const mixed = on('postgres', 'query')
    const [problem] = problemsOf({ argv: [...mixed.argv, '--set', 'read_store.driver=sqlite'] })
    match(problem!, /read_store\.driver is sqlite/)
    match(problemsOf(on('postgres', 'sync'))[0]!, /sync is not built yet/)
    match(problemsOf(on('postgres', 'comand'))[0]!, /one of all, command, query/)
    match(problemsOf(on('postgres', ''))[0]!, /^process\.roles is ""/)
  })

  it('open only their own ports, and the rules look at no others', () => {
    const ports = (...roles: string[]) =>
      portsOf(rolesOf(configOf(on('postgres', ...roles))['process.roles']))
    deepEqual(ports('all'), ['server.port', 'server.query_port', 'server.admin_port'])
    deepEqual(ports('query', 'saga'), ['server.query_port'])
    deepEqual(ports('projection', 'saga'), ['server.health_port'])
    const same = ['--port', '8081', '--host', '0.0.0.0']
    const saga = configOf({ argv: [...on('postgres', 'saga').argv, ...same] })
    equal(listenAddress(saga, 'server.health_port'), null)
    const open = { argv: [...on('postgres', 'saga').argv, '--set', 'server.health_port=0.0.0.0:9'] }
    match(problemsOf(open)[0]!, /^server\.health_port is 0\.0\.0\.0/)
  })
})

describe('the settings of deciders', () => {
  it('have the names and units that rules read', () => {
    const argv = ['--set', 'reservation.ttl=1m', '--set', 'payments.default_method=']
    const shop = shopSettings(configOf({ argv }))
    equal(shop['reservation.ttl_ms'], 60_000)
    equal(shop['payments.default_method'], null)
    equal(shop['money.default'], 'USD')
    ok(Object.values(shop).every((value) => value !== undefined))
  })
})
