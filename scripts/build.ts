// Builds dist/ for publishing: tsc emits JavaScript and types, then `#folder/file.ts` becomes a
// relative path, since a `#` in an installed package would look for sources that are not in it.
import { execFileSync } from 'node:child_process'
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
/** What npm links as the command; without the bit it would not start from the folder. */
const COMMAND = join(DIST, 'app', 'daybook.js')
const SPECIFIER = /((?:\bfrom|\bimport)\s*\(?\s*)(['"])(#|\.\/)([^'"\n]+)\.(ts|js)\2/g

function rewritten(path: string, text: string): string {
  return text.replaceAll(SPECIFIER, (_, before, quote, base, name) => {
    const target = base === '#' ? relative(dirname(path), join(DIST, name)) : `./${name}`
    const forward = target.split(sep).join('/')
    return `${before}${quote}${forward.startsWith('.') ? forward : `./${forward}`}.js${quote}`
  })
}

rmSync(DIST, { recursive: true, force: true })
const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
execFileSync(
  process.execPath,
  [join(dirname(compiler), 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
  { cwd: ROOT, stdio: 'inherit' },
)
const files = globSync('**/*.{js,d.ts}', { cwd: DIST }).map((path) => join(DIST, path))
for (const path of files) {
  const before = readFileSync(path, 'utf8')
  const after = rewritten(path, before)
  if (after !== before) writeFileSync(path, after)
}
chmodSync(COMMAND, 0o755)
console.log(`dist/: ${files.filter((path) => path.endsWith('.js')).length} files`)
