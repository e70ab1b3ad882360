// What README and docs say is true: files that they name are there, links lead somewhere, code
// blocks compile and run, and the walk through an order works as it is printed.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { blocksOf, linksIn, pathsIn, regionOf } from '#testing/prose.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: ROOT })
  .sort()
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))

describe('how prose is read', () => {
  const page = [
    'See `src/a.ts`, `npm test` and [that](docs/b.md#part), [there](https://a.example).',
    '<!-- same as: examples/c.ts#rules -->',
    '```ts',
    'const path = `src/not/named.ts`',
    '```',
  ].join('\n')

  it('finds paths, links and blocks, and takes none from inside a block', () => {
    deepEqual(pathsIn(page), ['src/a.ts'])
    deepEqual(linksIn(page), ['docs/b.md'])
    const [block, ...more] = blocksOf(page)
    equal(block?.sameAs, 'examples/c.ts#rules')
    equal(block?.language, 'ts')
    deepEqual(more, [])
  })

  it('cuts a region out of a file', () => {
    const source = 'a\n// #region rules\nb\n// #endregion\nc\n'
    equal(regionOf(source, 'rules'), 'b')
    equal(regionOf(source, undefined), source.trimEnd())
  })
})

describe('the pages', () => {
  it('are there', () => {
    for (const path of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/architecture.md'])
      ok(
        pages.some((page) => page.path === path),
        path,
      )
  })

  for (const { path, text } of pages)
    it(`${path} names only files that are there`, () => {
      deepEqual(
        pathsIn(text).filter((named) => !existsSync(join(ROOT, named))),
        [],
      )
      deepEqual(
        linksIn(text).filter((target) => !existsSync(join(ROOT, dirname(path), target))),
        [],
      )
    })

  it('show code as it stands in its file', () => {
    const shown = pages.flatMap(({ text }) =>
      blocksOf(text).filter(({ sameAs }) => sameAs !== null),
    )
    ok(shown.length > 0)
    for (const { sameAs, code } of shown) {
      const [file, region] = sameAs!.split('#')
      equal(code, regionOf(readFileSync(join(ROOT, file!), 'utf8'), region))
    }
  })

  it('have pictures that say what they show', () => {
    for (const picture of globSync('docs/**/*.svg', { cwd: ROOT }))
      match(readFileSync(join(ROOT, picture), 'utf8'), /<title[^>]*>.+<\/title>/)
  })
})

describe('code in the pages', () => {
  // Inside the package, so that `#kernel/…` and `daybook/kernel` are found.
  const folder = join(ROOT, '.prose')
  after(() => rmSync(folder, { recursive: true, force: true }))
  /** The TypeScript of a page is one program, told in pieces. */
  const programs = pages
    .map(({ path, text }) => ({
      path,
      file: `${basename(path, '.md')}.ts`,
      code: blocksOf(text)
        .filter(({ language, sameAs }) => language === 'ts' && sameAs === null)
        .map(({ code }) => code)
        .join('\n'),
    }))
    .filter(({ code }) => code !== '')

  before(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    for (const { file, code } of programs) writeFileSync(join(folder, file), `${code}\n`)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../tsconfig.json',
        files: programs.map(({ file }) => file),
        include: [],
      }),
    )
  })

  it('is there in every how-to that shows how to write something', () => {
    const told = programs.map(({ file }) => file)
    for (const page of ['command', 'event-version', 'projection', 'context', 'saga'])
      ok(
        told.some((file) => new RegExp(`^add-an?-${page}\\.ts$`).test(file)),
        page,
      )
  })

  it('needs nothing of the kernel that its door does not offer to others', () => {
    const door = readFileSync(join(ROOT, 'src', 'entry', 'kernel.ts'), 'utf8')
    for (const { path, code } of programs)
      for (const [, file] of code.matchAll(/from '(#kernel\/[a-z/-]+\.ts)'/g))
        ok(door.includes(`'${file}'`), `${path}: ${file}`)
  })

  it('compiles', () => {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], {
      encoding: 'utf8',
    })
    equal(stdout, '')
    equal(status, 0)
  })

  for (const { path, file } of programs)
    it(`${path} runs, tests and all`, () => {
      const argv = ['--conditions=daybook-source', join(folder, file)]
      const { stderr, stdout, status } = spawnSync(process.execPath, argv, {
        encoding: 'utf8',
        env: { ...process.env, NODE_TEST_CONTEXT: '' },
      })
      equal(status, 0, stdout + stderr)
    })
})
