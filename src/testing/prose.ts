// Reads our own Markdown: its code blocks, the files it names and where its links lead.

export type Block = {
  readonly language: string
  readonly line: number
  readonly code: string
  /** `<!-- same as: examples/a.ts#rules -->` right above it. */
  readonly sameAs: string | null
}

const FENCE = /^(?:<!-- same as: (\S+) -->\n+)?```(\w*)\n([\s\S]*?)\n```$/gm

export const blocksOf = (markdown: string): readonly Block[] =>
  [...markdown.matchAll(FENCE)].map(({ 1: sameAs, 2: language, 3: code, index }) => ({
    language: language!,
    line: markdown.slice(0, index).split('\n').length,
    code: code!,
    sameAs: sameAs ?? null,
  }))

const withoutBlocks = (markdown: string) => markdown.replaceAll(FENCE, '')
const OURS = /^(?:src|docs|examples|scripts|bench|configs|\.ci)\/[\w./-]*[\w/]$/

/** Paths of ours that stand in `code`, also in a table or a picture's text. */
export const pathsIn = (markdown: string): readonly string[] =>
  [...withoutBlocks(markdown).matchAll(/`([^`\n]+)`/g)]
    .map(({ 1: code }) => code!)
    .filter((code) => OURS.test(code))

/** Where links and pictures lead that stay in this repository, without anchors. */
export const linksIn = (markdown: string): readonly string[] =>
  [...withoutBlocks(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(({ 1: target }) => target!.split('#')[0]!)
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))

/** What stands between `// #region name` and `// #endregion`, or the whole text. */
export function regionOf(source: string, name: string | undefined): string {
  if (name === undefined) return source.trimEnd()
  const [, after] = source.split(`// #region ${name}\n`)
  const region = after?.split('// #endregion')[0]
  if (region === undefined) throw new Error(`there is no region ${name}`)
  return region.trimEnd()
}
