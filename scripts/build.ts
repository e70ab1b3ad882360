// Builds dist/ for publishing: JavaScript and types. In an installed package a `#folder/file.ts`
// would look for sources that are not in it, and tsc leaves such paths alone; so it gets a copy of
// the sources in which they are relative already.
import { execFileSync } from 'node:child_process'
import { chmodSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
const COPY = join(ROOT, 'build')
/** What npm links as the command; without the bit it would not start from the folder. */
const COMMAND = join(DIST, 'app', 'daybook.js')

const inFolders = /((?:\bfrom|\bimport)\s*\(?\s*)(['"])#([^'"\n]+\.ts)\2/g
const inTypes = /((?:\bfrom|\bimport)\s*\(?\s*)(['"])(\.[^'"\n]+)\.ts\2/g

function withRelativePaths(path: string, text: string): string {
  return text.replaceAll(inFolders, (_, before, quote, target) => {
    const way = relative(dirname(path), target).split(sep).join('/')
    return `${before}${quote}${way.startsWith('.') ? way : `./${way}`}${quote}`
  })
}

function copySources(): number {
  const paths = globSync('**/*.ts', { cwd: join(ROOT, 'src') })
  const published = paths.filter((path) => !/\.(test|contract|types)\.ts$/.test(path))
  for (const path of published) {
    mkdirSync(dirname(join(COPY, path)), { recursive: true })
    const text = readFileSync(join(ROOT, 'src', path), 'utf8')
    writeFileSync(join(COPY, path), withRelativePaths(path, text))
  }
  return published.length
}

function compile(): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const argv = [join(dirname(compiler), 'bin', 'tsc'), '-p', 'tsconfig.build.json']
  execFileSync(process.execPath, argv, { cwd: ROOT, stdio: 'inherit' })
}

/** tsc rewrites the paths in JavaScript only; types have to name files that are there as well. */
function mendTypes(): void {
  for (const path of globSync('**/*.d.ts', { cwd: DIST }).map((name) => join(DIST, name)))
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll(inTypes, (_, before, quote, way) => {
        return `${before}${quote}${way}.js${quote}`
      }),
    )
}

for (const folder of [DIST, COPY]) rmSync(folder, { recursive: true, force: true })
const count = copySources()
compile()
rmSync(COPY, { recursive: true })
mendTypes()
chmodSync(COMMAND, 0o755)
console.log(`dist/: ${count} modules with their types`)
