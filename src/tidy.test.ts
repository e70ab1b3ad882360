// The architecture, as a test: who may import whom, names, sizes, purity. Each rule is a function
// over one file's text, and each is shown a bad sample first, so that a rule that sleeps is found
// out.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'
import { describe, it } from 'node:test'

const ROOT = join(import.meta.dirname, '..')
const LINES_MAX = 400
const TEST_LINES_MAX = 800
const COLUMNS_MAX = 100
// The formatter wraps code at 100; what it leaves alone, a text, may run over.
const TEXT_COLUMNS_MAX = 110
const SCRIPTS_MAX = 10

/** Which folders of src a folder may import; itself always. Tests may import everything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  storage: ['kernel'],
  messaging: ['kernel'],
  contexts: ['kernel'],
  runtime: ['kernel', 'storage', 'messaging'],
  // Storage for the simulators' books alone: a real provider keeps its own.
  providers: ['kernel', 'contexts', 'storage'],
  edges: ['kernel', 'runtime'],
  testing: ['kernel', 'storage', 'messaging', 'runtime'],
  entry: ['kernel', 'storage', 'messaging', 'runtime'],
  // From outside: it knows the doors and the log, and nothing of how the shop is made.
  torture: ['kernel', 'storage', 'testing', 'providers'],
  simulation: ['kernel', 'storage', 'messaging', 'contexts', 'runtime', 'providers', 'testing'],
  app: [
    ...['kernel', 'storage', 'messaging', 'contexts', 'runtime', 'providers', 'edges'],
    ...['testing', 'torture', 'simulation'],
  ],
}

/**
 * A context may use those of lower levels, through their `public.ts`. Unnamed ones are the last.
 */
const CONTEXT_LEVEL: Readonly<Record<string, number>> = {
  pricing: 0,
  stores: 0,
  users: 0,
  catalog: 1,
  customers: 1,
  inventory: 2,
  payments: 3,
  shipping: 3,
  orders: 4,
  sales: 4,
  returns: 5,
  notifications: 5,
  privacy: 5,
}
const LAST_LEVEL = 6

/** Where a package may be imported: it is known in one place, so that it can be replaced. */
const PACKAGE_HOME: Readonly<Record<string, readonly string[]>> = {
  typebox: ['src/kernel/schema.ts'],
  fastify: ['src/edges/http/'],
  'lru-cache': ['src/messaging/', 'src/providers/', 'src/runtime/', 'src/storage/'],
  uuid: ['src/runtime/', 'src/app/', 'src/testing/', 'src/torture/', 'src/simulation/'],
  canonicalize: ['src/runtime/', 'src/storage/'],
  commander: ['src/app/'],
  'csv-parse': ['src/app/import/', 'src/app/jobs/'],
  'csv-stringify': ['src/app/jobs/'],
  nodemailer: ['src/app/notices/'],
  cockatiel: ['src/runtime/breaker.ts'],
  ioredis: ['src/storage/redis/', 'src/testing/'],
  pg: ['src/storage/postgres/', 'src/testing/'],
  yaml: ['src/app/config-sources.ts'],
}
/** Not imported but needed: the Node that the scripts run on. */
const NOT_IMPORTED = ['node']

const BANNED_NAMES = 'index utils util helpers helper common shared misc types manager'.split(' ')

/** Files of contexts that are not pure, and why: they ask or act, they do not decide. */
const WORLDLY: Readonly<Record<string, string>> = {
  'src/contexts/analytics/dashboard.ts': 'today, where no day is asked for',
  'src/contexts/payments/provider-calls.ts': 'a call to the provider has a time limit',
}

/**
 * Files that are larger than the limit: each may shrink (then write the new number), never grow.
 */
const GROWN: Readonly<Record<string, number>> = {}

// ── the text of a file ────────────────────────────────────────────────────────────────────────

type File = { readonly path: string; readonly text: string }
type Rule = (file: File) => readonly string[]
type Import = {
  readonly line: number
  readonly keyword: 'import' | 'export'
  readonly typeOnly: boolean
  readonly specifier: string
  /** Path of the file, or null for a package. */
  readonly target: string | null
}

const isTest = (path: string) => /\.(test|contract|types)\.ts$/.test(path)
const inSource = (path: string) => path.startsWith('src/')
const folderOf = (path: string) => (inSource(path) ? path.split('/')[1]! : '')
const contextOf = (path: string) => path.split('/')[2]!
const lineAt = (text: string, offset: number) => text.slice(0, offset).split('\n').length
const blank = (text: string) => text.replaceAll(/[^\n]/g, ' ')

const COMMENT = String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`
const QUOTED = String.raw`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|${'`'}(?:[^${'`'}\\]|\\[^])*${'`'}`
// A slash begins a pattern where an expression may begin; elsewhere it divides.
const PATTERN = [
  String.raw`(?<=[=(,:[!&|?{};]\s*|\breturn\s+|^\s*)\/(?![*\/])`,
  String.raw`(?:[^\/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/`,
].join('')
const TOKENS = new RegExp(`(${COMMENT})|(${QUOTED})|(${PATTERN})`, 'gm')

/** The text without comments: same lines, same columns. */
const uncommented = (text: string) =>
  text.replaceAll(TOKENS, (whole, comment) => (comment === undefined ? whole : blank(whole)))
/** Without comments, strings and patterns: only what runs. Templates count as text. */
const bare = (text: string) =>
  text.replaceAll(TOKENS, (whole, comment) =>
    comment === undefined ? `${whole[0]}${blank(whole.slice(1, -1))}${whole.at(-1)}` : blank(whole),
  )

function importsOf({ path, text }: File): readonly Import[] {
  const code = uncommented(text)
  const statement = /^(import|export)\s+(type\s+)?(?:[\w$*\s{},]*?\bfrom\s*)?['"]([^'"]+)['"]/gm
  const called = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  const found: Import[] = []
  for (const { 0: _, 1: keyword, 2: type, 3: specifier, index } of code.matchAll(statement))
    found.push({
      line: lineAt(code, index),
      keyword: keyword as 'import' | 'export',
      typeOnly: type !== undefined,
      specifier: specifier!,
      target: targetOf(path, specifier!),
    })
  for (const { 1: specifier, index } of code.matchAll(called))
    found.push({
      line: lineAt(code, index),
      keyword: 'import',
      // Loaded when needed, or only named as a type: neither can make a cycle at start.
      typeOnly: true,
      specifier: specifier!,
      target: targetOf(path, specifier!),
    })
  return found
}

function targetOf(path: string, specifier: string): string | null {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`
  if (specifier.startsWith('.')) return posix.join(dirname(path), specifier)
  return null
}

/** One problem for each place in the code where the pattern matches. */
const whereCode = (file: File, pattern: RegExp, what: (found: string) => string) =>
  [...bare(file.text).matchAll(pattern)].map(
    ({ 0: found, index }) => `${file.path}:${lineAt(file.text, index)}: ${what(found.trim())}`,
  )

// What the rules look for. Words are put together here, so that this file does not find itself.
const ANY =
  /(?:(?<!\? .*):\s*|[<|&]\s*|\bas\s+|=\s*)any(?=\s*[>)\];,=|&{]|\s*$)|,\s*any(?=\s*>)|\bany(?=\[\])/gm
const SILENCED = new RegExp(
  [
    `@${'ts'}-(ignore|nocheck)`,
    `@${'ts'}-expect-error\\s*$`,
    `biome-${'ignore'}-all`,
    `biome-${'ignore'}\\s[^:]*:?\\s*$`,
  ].join('|'),
)
const LATER = new RegExp(
  `\\b(${['TO-DO', 'FIX-ME', 'X-XX', 'HA-CK'].join('|').replaceAll('-', '')})\\b`,
)
const WORLD = new RegExp(
  [
    String.raw`\bDate\.now\b`,
    String.raw`\bnew Date\(\s*\)`,
    String.raw`(?<!new )\bDate\(`,
    String.raw`\bMath\.random\b`,
    String.raw`\b(crypto|performance|console)\.`,
    String.raw`\bprocess\.(argv|cwd|emit|env|exit|hrtime|memory|nextTick|on|pid|std|uptime)`,
    String.raw`\bset(Timeout|Interval|Immediate)\b`,
    String.raw`\b(fetch|queueMicrotask)\(`,
    String.raw`\bTemporal\.Now\b`,
  ].join('|'),
  'g',
)

// ── the rules ─────────────────────────────────────────────────────────────────────────────────

const rules = {
  'a folder imports only what the table allows': (file) => {
    const from = folderOf(file.path)
    if (!inSource(file.path) || isTest(file.path)) return []
    return importsOf(file).flatMap(({ line, target, specifier, typeOnly }) => {
      if (target === null) return []
      const to = folderOf(target)
      const at = `${file.path}:${line}: ${specifier}`
      if (isTest(target)) return [`${at} is a test; nobody imports tests`]
      if (from !== to && !MAY_IMPORT[from]?.includes(to))
        return [`${at}: ${from} may not import ${to}`]
      if (from === 'runtime' && to !== from && target.split('/').length > 3)
        return [`${at} is in an engine's folder; the runtime knows port files only`]
      if (from === 'providers' && to === 'contexts' && !typeOnly)
        return [`${at}: a provider takes only types from a context`]
      return []
    })
  },

  'a context uses another only through its public.ts, and only lower ones': (file) => {
    if (folderOf(file.path) !== 'contexts' || isTest(file.path)) return []
    const own = contextOf(file.path)
    const level = (context: string) => CONTEXT_LEVEL[context] ?? LAST_LEVEL
    return importsOf(file).flatMap(({ line, target, specifier }) => {
      if (target === null || folderOf(target) !== 'contexts' || contextOf(target) === own) return []
      const at = `${file.path}:${line}: ${specifier}`
      const other = contextOf(target)
      if (target !== `src/contexts/${other}/public.ts`) return [`${at} is not the door, public.ts`]
      return level(other) < level(own) ? [] : [`${at}: ${own} may not use ${other}`]
    })
  },

  'within a folder ./file.ts, elsewhere #folder/file.ts, always a file': (file) =>
    importsOf(file).flatMap(({ line, specifier, target }) => {
      const at = `${file.path}:${line}: ${specifier}`
      if (specifier.includes('../')) return [`${at} climbs; write #folder/file.ts`]
      if (target !== null && !/\.(ts|json)$/.test(target)) return [`${at} does not name a file`]
      return []
    }),

  'a package is imported only where it is at home': (file) => {
    if (!inSource(file.path) || isTest(file.path)) return []
    return importsOf(file).flatMap(({ line, specifier, target }) => {
      if (target !== null) return []
      const at = `${file.path}:${line}: ${specifier}`
      if (specifier.startsWith('node:'))
        return ['kernel', 'contexts'].includes(folderOf(file.path)) ? [`${at} in pure code`] : []
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      const home = PACKAGE_HOME[name] ?? []
      return home.some((place) => file.path.startsWith(place))
        ? []
        : [`${at} is imported only in ${home.join(', ') || 'no file: it is not in the table'}`]
    })
  },

  'nobody re-exports, but the doors: those of a context and of the package': (file) =>
    /^src\/(entry\/[^/]+|contexts\/[^/]+\/public)\.ts$/.test(file.path)
      ? []
      : importsOf(file)
          .filter(({ keyword }) => keyword === 'export')
          .map(({ line, specifier }) => `${file.path}:${line}: passes ${specifier} on`),

  'nothing is exported without a name': (file) =>
    whereCode(file, /\bexport\s+default\b/g, () => 'has a default export'),

  'a file name is a kebab-case noun, and says something': ({ path }) => {
    const parts = path.split('/')
    const stem = parts.pop()!.replace(/(\.(test|contract|types))?\.ts$/, '')
    const odd = [...parts, stem].filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
    const empty = [...parts, stem].filter((name) => BANNED_NAMES.includes(name))
    return [
      ...odd.map((name) => `${path}: ${name} is not kebab-case`),
      ...empty.map((name) => `${path}: ${name} says nothing about what is in it`),
    ]
  },

  'a file opens with what it is': ({ path, text }) => {
    const first = text.split('\n').find((line) => !line.startsWith('#!')) ?? ''
    return /^\/\/ \S|^\/\*\* \S/.test(first) ? [] : [`${path}:1: no opening comment`]
  },

  'a file is short': ({ path, text }) => {
    const lines = text.trimEnd().split('\n').length
    const max = GROWN[path] ?? (isTest(path) ? TEST_LINES_MAX : LINES_MAX)
    return lines > max ? [`${path}: ${lines} lines, ${max} are allowed`] : []
  },

  'a line is short': ({ path, text }) =>
    text.split('\n').flatMap((line, at) => {
      const max = /^\s*(\/\/|\/?\*)/.test(line) ? COLUMNS_MAX : TEXT_COLUMNS_MAX
      return line.length > max && !line.includes('://')
        ? [`${path}:${at + 1}: ${line.length} columns, ${max} are allowed`]
        : []
    }),

  'any stands nowhere without its reason': (file) => {
    const lines = file.text.split('\n')
    const excuse = /biome-ignore lint\/suspicious\/noExplicitAny: \w/
    return whereCode(file, ANY, () => 'any').filter((problem) => {
      const line = Number(problem.split(':')[1])
      return !excuse.test(lines[line - 2] ?? '')
    })
  },

  'a silenced check says why': ({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, at) => (SILENCED.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])),

  'rules are pure: kernel and contexts have no clock, no chance and no world': (file) =>
    !['kernel', 'contexts'].includes(folderOf(file.path)) ||
    isTest(file.path) ||
    WORLDLY[file.path] !== undefined
      ? []
      : whereCode(file, WORLD, (found) => `${found} in pure code`),

  'the environment is read in one place': (file) =>
    !inSource(file.path) || isTest(file.path) || /^src\/(app\/config\.ts|testing\/)/.test(file.path)
      ? []
      : whereCode(file, /\bprocess\.env\b/g, () => 'reads the environment; app/config.ts does'),

  'nothing is left for later, and no test runs alone': (file) => [
    ...file.text
      .split('\n')
      .flatMap((line, at) => (LATER.test(line) ? [`${file.path}:${at + 1}: ${line.trim()}`] : [])),
    ...whereCode(file, /\b(it|test|describe|suite)\.only\b|\bonly: true\b/g, (found) => found),
  ],
} satisfies Record<string, Rule>

/** Files that import each other at start, in a ring: none of them can be understood alone. */
function cycles(files: readonly File[]): readonly string[] {
  const next = new Map(
    files.map((file) => [
      file.path,
      importsOf(file).flatMap(({ target, typeOnly }) =>
        target === null || typeOnly ? [] : [target],
      ),
    ]),
  )
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(' → '))
    if (way.includes(path) || done.has(path)) return
    for (const target of next.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const path of next.keys()) visit(path, [])
  return found
}

// ── every rule on a bad sample, so that it is known to bite ──────────────────────────────────────

const bad: Record<keyof typeof rules, readonly (readonly [path: string, ...lines: string[]])[]> = {
  'a folder imports only what the table allows': [
    ['src/kernel/a.ts', "import { b } from '#storage/b.ts'"],
    ['src/storage/a.ts', "import type { b } from '#runtime/b.ts'"],
    ['src/runtime/a.ts', "import { open } from '#storage/sqlite/open.ts'"],
    ['src/runtime/a.ts', "const b = await import('#app/b.ts')"],
    ['src/edges/http/a.ts', 'import {', '  b,', "} from '#contexts/orders/public.ts'"],
    ['src/providers/a.ts', "import { b } from '#contexts/payments/provider.ts'"],
    ['src/app/a.ts', "import { b } from './b.test.ts'"],
    ['src/unheard/a.ts', "import { b } from '#kernel/b.ts'"],
    ['src/kernel/a.ts', "export type { B } from '#app/b.ts'"],
  ],
  'a context uses another only through its public.ts, and only lower ones': [
    ['src/contexts/orders/a.ts', "import { b } from '#contexts/inventory/stock.ts'"],
    ['src/contexts/inventory/a.ts', "import { b } from '#contexts/orders/public.ts'"],
    ['src/contexts/payments/a.ts', "import type { b } from '#contexts/shipping/public.ts'"],
    ['src/contexts/catalog/a.ts', "import { b } from '#contexts/catalogue/public.ts'"],
  ],
  'within a folder ./file.ts, elsewhere #folder/file.ts, always a file': [
    ['src/app/a.ts', "import { b } from '../kernel/b.ts'"],
    ['src/app/a.ts', "import { b } from '#kernel/b'"],
    ['src/app/a.ts', "import './b.js'"],
    ['src/app/a.test.ts', "import { b } from './sub/../../b.ts'"],
  ],
  'a package is imported only where it is at home': [
    ['src/runtime/a.ts', "import Fastify from 'fastify'"],
    ['src/kernel/money.ts', "import { Type } from 'typebox'"],
    ['src/kernel/a.ts', "import { createHash } from 'node:crypto'"],
    ['src/contexts/orders/a.ts', "import { readFileSync } from 'node:fs'"],
    ['src/app/a.ts', "import { x } from '@some/package/deep'"],
  ],
  'nobody re-exports, but the doors: those of a context and of the package': [
    ['src/kernel/a.ts', "export * from './b.ts'"],
    ['src/kernel/a.ts', "export { b } from './b.ts'"],
    ['src/kernel/a.ts', "export type { b } from './b.ts'"],
  ],
  'nothing is exported without a name': [['src/app/a.ts', 'export default function run() {}']],
  'a file name is a kebab-case noun, and says something': [
    ['src/app/index.ts'],
    ['src/app/utils.ts'],
    ['src/helpers/money.ts'],
    ['src/app/types.test.ts'],
    ['src/app/eventLog.ts'],
    ['src/app/Event.ts'],
  ],
  'a file opens with what it is': [
    ['src/app/a.ts', "import { b } from './b.ts'"],
    ['src/app/a.ts', '#!/usr/bin/env node', 'run()'],
    ['src/app/a.ts', '//'],
  ],
  'a file is short': [
    ['src/app/a.ts', ...Array.from({ length: LINES_MAX + 1 }, () => 'x()')],
    ['src/app/a.test.ts', ...Array.from({ length: TEST_LINES_MAX + 1 }, () => 'x()')],
  ],
  'a line is short': [
    ['src/app/a.ts', `// ${'x'.repeat(COLUMNS_MAX)}`],
    ['src/app/a.ts', ` * ${'x'.repeat(COLUMNS_MAX)}`],
    ['src/app/a.ts', `const a = '${'x'.repeat(TEXT_COLUMNS_MAX)}'`],
  ],
  'any stands nowhere without its reason': [
    ['src/app/a.ts', 'const a: any = 1'],
    ['src/app/a.ts', 'const a = b as any'],
    ['src/app/a.ts', 'const a: Map<string, any> = b'],
    ['src/app/a.ts', 'const a: readonly any[] = b'],
    ['src/app/a.ts', 'type A<B = any> = B'],
    ['src/app/a.ts', '// biome-ignore lint/suspicious/noExplicitAny:', 'const a: any = 1'],
  ],
  'a silenced check says why': [
    ['src/app/a.ts', `// @${'ts'}-ignore because`],
    ['src/app/a.ts', `// @${'ts'}-expect-error`],
    ['src/app/a.ts', `// biome-${'ignore'} lint/style/useConst`],
    ['src/app/a.ts', `// biome-${'ignore'}-all lint: no`],
  ],
  'rules are pure: kernel and contexts have no clock, no chance and no world': [
    ['src/kernel/a.ts', 'const a = Date.now()'],
    ['src/kernel/a.ts', 'const a = new Date()'],
    ['src/contexts/orders/a.ts', 'const a = Math.random()'],
    ['src/kernel/a.ts', 'const a = crypto.randomUUID()'],
    ['src/kernel/a.ts', 'setTimeout(() => {}, 1)'],
    ['src/contexts/orders/a.ts', 'const a = 1 / 2; process.exit()'],
    ['src/kernel/a.ts', "const a = 'it''s'; fetch(a)"],
  ],
  'the environment is read in one place': [['src/runtime/a.ts', 'const a = process.env.A']],
  'nothing is left for later, and no test runs alone': [
    ['src/app/a.ts', `// ${'TO'}${'DO'}: later`],
    ['src/app/a.ts', `// ${'FIX'}${'ME'}`],
    ['src/app/a.test.ts', "it.only('runs', () => {})"],
  ],
}

/** What looks like a breach and is none. */
const good: readonly (readonly [path: string, ...lines: string[]])[] = [
  ['src/kernel/a.ts', '// A note on Date.now() and process.env.', "const a = 'new Date()'"],
  ['src/kernel/a.ts', '// Reads a given instant.', 'const a = new Date(instant)'],
  ['src/kernel/a.ts', '/** Says why. */', 'const a = x / 2 // Date.now()', "const b = /'/.test(a)"],
  ['src/runtime/a.ts', '// Ports.', "import type { Log } from '#storage/event-log.ts'"],
  ['src/app/a.ts', '// Loads.', "const engine = () => import('#storage/sqlite/open.ts')"],
  ['src/app/config.ts', '// Settings.', 'const a = process.env'],
  ['src/providers/a.ts', '// Pays.', "import type { P } from '#contexts/payments/provider.ts'"],
  ['src/contexts/orders/a.ts', '// Order.', "import { b } from '#contexts/inventory/public.ts'"],
  ['src/contexts/pos/a.ts', '// Sale.', "import { b } from '#contexts/orders/public.ts'"],
  ['src/entry/kernel.ts', '// The door.', "export * from '#kernel/decider.ts'"],
  ['src/contexts/pos/public.ts', '// The door.', "export { sale } from './sale.ts'"],
  ['src/app/a.ts', '// Any.', 'type Find = { any?: string }', 'const { where, any } = find'],
  ['src/app/a.ts', '// Any.', 'const kind = scaled ? exact : any'],
  ['src/kernel/a.ts', '// Days.', 'const midnight = new Date(`1970`)'],
  ['src/app/a.ts', '// biome-ignore lint/suspicious/noExplicitAny: rows differ', 'let a: any'],
  ['src/kernel/schema.ts', '// Schemas.', "import { Type } from 'typebox'"],
  ['src/app/a.test.ts', '// Test.', "import { open } from '#storage/sqlite/open.ts'"],
]

const fileOf = ([path, ...lines]: readonly [string, ...string[]]): File => ({
  path,
  text: lines.join('\n'),
})

describe('each rule of the house', () => {
  for (const [name, samples] of Object.entries(bad))
    it(`bites: ${name}`, () => {
      for (const sample of samples)
        equal(rules[name as keyof typeof rules](fileOf(sample)).length, 1, sample.join('\n'))
    })

  it('lets pass what only looks like a breach', () => {
    for (const sample of good)
      for (const rule of Object.values<Rule>(rules)) deepEqual(rule(fileOf(sample)), [])
  })

  it('finds files that import each other in a ring', () => {
    const ring = [
      fileOf(['src/app/a.ts', "import { b } from './b.ts'"]),
      fileOf(['src/app/b.ts', "import { c } from '#app/c.ts'"]),
      fileOf(['src/app/c.ts', "import { a } from './a.ts'"]),
    ]
    equal(cycles(ring).length, 1)
    const open = fileOf(['src/app/c.ts', "import type { a } from './a.ts'"])
    deepEqual(cycles([ring[0]!, ring[1]!, open]), [])
  })
})

// ── and on the code ───────────────────────────────────────────────────────────────────────────

const files: readonly File[] = globSync('{src,bench,examples,scripts}/**/*.ts', { cwd: ROOT })
  .map((path) => path.split(sep).join('/'))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

describe('the code', () => {
  it('is here to be read', () => {
    ok(files.length > 40)
    for (const folder of Object.keys(MAY_IMPORT))
      ok(
        files.some(({ path }) => folderOf(path) === folder),
        `src/${folder} is empty`,
      )
  })

  for (const [name, rule] of Object.entries<Rule>(rules))
    it(name, () => deepEqual(files.flatMap(rule), []))

  it('has no files that import each other in a ring', () =>
    deepEqual(cycles(files.filter(({ path }) => !isTest(path))), []))

  it('keeps the list of files that are not pure: what became pure is taken off', () => {
    for (const path of Object.keys(WORLDLY)) {
      const file = files.find((candidate) => candidate.path === path)
      ok(file !== undefined && whereCode(file, WORLD, (found) => found).length > 0, path)
    }
  })

  it('keeps the list of files that are too long: what shrank is written down', () => {
    for (const [path, max] of Object.entries(GROWN)) {
      const file = files.find((candidate) => candidate.path === path)
      equal(file?.text.trimEnd().split('\n').length, max, path)
    }
  })
})

describe('the package', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const imported = new Set(
    files.flatMap((file) =>
      importsOf(file).flatMap(({ specifier, target }) =>
        target === null ? [specifier.split('/')[0]!, specifier] : [],
      ),
    ),
  )

  it('needs nothing that it does not use, and has a home for all it uses', () => {
    const needed = Object.keys(manifest.dependencies).filter((name) => !NOT_IMPORTED.includes(name))
    deepEqual(
      needed.filter((name) => !imported.has(name)),
      [],
    )
    deepEqual(Object.keys(PACKAGE_HOME).sort(), needed.sort())
  })

  it('has few scripts, each run on the Node it brings along', () => {
    ok(Object.keys(manifest.scripts).length <= SCRIPTS_MAX)
    match(manifest.dependencies.node, /^\d+\.\d+\.\d+$/)
  })

  it('has no functions of more than 70 lines: the linter is told so', () => {
    const { linter } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
    deepEqual(linter.rules.complexity.noExcessiveLinesPerFunction, {
      level: 'error',
      options: { maxLines: 70 },
    })
  })
})
