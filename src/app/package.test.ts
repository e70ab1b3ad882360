// The package as others get it: packed, installed into an empty folder, embedded, started and
// checked there by the compiler. Nothing of this folder is within its reach.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { printedBy } from '#testing/example-output.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const EXAMPLE = join(ROOT, 'examples', 'bank-account.ts')

type Packed = { readonly filename: string; readonly files: readonly { readonly path: string }[] }

describe('the packed package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-package-'))
  after(() => rmSync(folder, { recursive: true }))
  const installed = join(folder, 'node_modules', 'daybook')
  const node = join(folder, 'node_modules', '.bin', 'node')
  const command = join(folder, 'node_modules', '.bin', 'daybook')
  let packed: Packed

  before(() => {
    const npm = (...argv: string[]) =>
      execFileSync('npm', argv, { cwd: argv[0] === 'pack' ? ROOT : folder, encoding: 'utf8' })
    const said = npm('pack', '--json', '--pack-destination', folder)
    // What the build prints comes before npm's answer.
    const answer = JSON.parse(said.slice(said.search(/^[[{]\s*$/m)))
    packed = (Array.isArray(answer) ? answer : Object.values(answer))[0]
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    npm('install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename))
    cpSync(EXAMPLE, join(folder, 'bank-account.ts'))
  })

  it('holds what is needed to run, its licence, and no tests', () => {
    const paths = packed.files.map(({ path }) => path)
    for (const path of ['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/app/daybook.js'])
      ok(paths.includes(path), path)
    deepEqual(
      paths.filter((path) => /\.test\.|\.contract\.|^src\/|^bench\/|\.db$/.test(path)),
      [],
    )
  })

  it('offers every door that it names, with types', () => {
    for (const door of Object.values<{ types?: string; default?: string }>(manifest.exports))
      for (const path of [door.types, door.default])
        if (path !== undefined) ok(existsSync(join(installed, path)), path)
  })

  it('is written without a path that only the sources have', () => {
    const argv = ['-rEl', `(from|import)[ (]+['"](#|[^'"]*\\.ts['"])`, join(installed, 'dist')]
    equal(spawnSync('grep', argv, { encoding: 'utf8' }).stdout, '')
  })

  it('runs an application of its own on SQLite', () => {
    const output = execFileSync(node, ['bank-account.ts'], { cwd: folder, encoding: 'utf8' })
    equal(output, printedBy(readFileSync(EXAMPLE, 'utf8')))
  })

  it('gives the compiler all its types', () => {
    const compilerOptions = {
      module: 'nodenext',
      target: 'esnext',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    }
    const doors = Object.keys(manifest.exports).filter((door) => !door.endsWith('.json'))
    const imports = doors.map((door, i) => `export * as door${i} from 'daybook/${door.slice(2)}'\n`)
    writeFileSync(join(folder, 'doors.ts'), imports.join(''))
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['*.ts'] }),
    )
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', '.'], {
      cwd: folder,
      encoding: 'utf8',
    })
    equal(stdout, '')
    equal(status, 0)
  })

  it('has a command, which tells the version of the package', () => {
    const { PATH } = process.env
    const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${PATH}` }
    const said = execFileSync(command, ['--version'], { cwd: folder, env, encoding: 'utf8' })
    equal(said.trim(), manifest.version)
  })

  it('tells all wrong settings before it opens anything', () => {
    const argv = [command, 'start', '--port', 'x', '--set', 'a=b']
    const { stderr, status } = spawnSync(node, argv, { cwd: folder, encoding: 'utf8' })
    equal(status, 1)
    match(stderr, /server\.port is "x"/)
    match(stderr, /a \(from the command line/)
    equal(existsSync(join(folder, 'data')), false)
  })

  it('hands over to its own Node when the system has an older one', (test) => {
    const old = olderNode()
    if (old === null) return test.skip('no Node older than 24 on the PATH')
    const { stdout, status } = spawnSync(old, [command, '--version'], {
      cwd: folder,
      encoding: 'utf8',
    })
    equal(stdout.trim(), manifest.version)
    equal(status, 0)
    const failed = spawnSync(old, [command, 'start', '--port', 'x'], { cwd: folder })
    equal(failed.status, 1)
  })
})

function olderNode(): string | null {
  for (const place of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(place, 'node')
    if (!existsSync(path)) continue
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    if (/^v(1[89]|2[0-3])\./.test(stdout)) return path
  }
  return null
}
