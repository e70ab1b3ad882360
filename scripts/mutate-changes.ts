// Which lines changed since another commit, and how many of them can be mutated in the time there
// is: the files that changed last come first, and what is left out is said.
import { execFileSync } from 'node:child_process'
import type { Lines } from './mutate-run.ts'
import { ROOT } from './mutate-scope.ts'

export type Changed = { readonly path: string; readonly lines: readonly Lines[] }
export type Chosen = { readonly taken: readonly Changed[]; readonly left: readonly Changed[] }

/** To copy the project and to run all tests once, for each file. */
const START_SECONDS = 5

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

function commitOf(ref: string): string | null {
  try {
    return git('rev-parse', '--verify', '--quiet', `${ref}^{commit}`).trim()
  } catch {
    return null
  }
}

export const headCommit = (): string => commitOf('HEAD')?.slice(0, 7) ?? 'no commit'

/** What is named; otherwise the last tag, origin/main or the commit before, if that is another. */
export function baseFrom(named: string | undefined): string | null {
  if (named !== undefined && named !== '') {
    if (commitOf(named) === null) throw new Error(`there is no commit ${named} to compare with`)
    return named
  }
  const head = commitOf('HEAD')
  const isOther = (ref: string) => ![null, head].includes(commitOf(ref))
  return [lastTag(), 'origin/main', 'HEAD~1'].find((ref) => ref !== null && isOther(ref)) ?? null
}

function lastTag(): string | null {
  try {
    return git('describe', '--tags', '--abbrev=0').trim()
  } catch {
    return null
  }
}

/** Of these files, what is not as it was in `base`; those changed last come first. */
export function changedSince(base: string, paths: readonly string[]): readonly Changed[] {
  const changed = paths.flatMap((path) => {
    const lines = linesIn(git('diff', '-U0', '--no-color', '--no-ext-diff', base, '--', path))
    if (lines.length === 0) return []
    const at = Number(git('log', '-1', '--format=%ct', '--', path))
    return [{ path, lines, at }]
  })
  return changed.sort((a, b) => b.at - a.at).map(({ path, lines }) => ({ path, lines }))
}

/** The lines that a diff without context brings. */
export const linesIn = (diff: string): readonly Lines[] =>
  [...diff.matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm)].flatMap(([, from, count = '1']) =>
    count === '0' ? [] : [[Number(from), Number(from) + Number(count) - 1] as const],
  )

/** As many lines, file by file, as there are seconds for. */
export function chosen(
  changes: readonly Changed[],
  seconds: number,
  perLine: (path: string) => number,
): Chosen {
  let rest = seconds
  const taken: Changed[] = []
  const left: Changed[] = []
  for (const { path, lines } of changes) {
    const affordable = Math.floor((rest - START_SECONDS) / perLine(path))
    const [some, others] = split(lines, Math.max(0, affordable))
    if (some.length > 0) taken.push({ path, lines: some })
    if (others.length > 0) left.push({ path, lines: others })
    if (some.length > 0) rest -= START_SECONDS + linesOf(some) * perLine(path)
  }
  return { taken, left }
}

export const linesOf = (lines: readonly Lines[]): number =>
  lines.reduce((sum, [from, to]) => sum + to - from + 1, 0)

function split(lines: readonly Lines[], most: number): readonly [Lines[], Lines[]] {
  const some: Lines[] = []
  const others: Lines[] = []
  let rest = most
  for (const [from, to] of lines) {
    const count = Math.min(rest, to - from + 1)
    if (count > 0) some.push([from, from + count - 1])
    if (from + count <= to) others.push([from + count, to])
    rest -= count
  }
  return [some, others]
}
