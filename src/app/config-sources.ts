// Where values come from: the file and the flags, as flat lists of key, raw value and origin.
import { existsSync, readFileSync } from 'node:fs'
import { isMap, isScalar, LineCounter, parseDocument, type Scalar } from 'yaml'
import { closest } from '#kernel/closest.ts'
import { namedFlags, settingKeys, settings } from './settings.ts'

/** One value as it was written, and where, so that a mistake can be found. */
export type Given = { readonly key: string; readonly raw: unknown; readonly origin: string }

const CONFIG_FILE = 'configs/config.yaml'
/** A configuration is a page of text; more than this is another file, named by mistake. */
const FILE_BYTES_MAX = 1024 * 1024

/** `named` null: no file; undefined: the usual one, if it is there. */
export function fileValues(named: string | null | undefined, problems: string[]): readonly Given[] {
  if (named === null) return []
  const path = named ?? CONFIG_FILE
  if (named === undefined && !existsSync(path)) return []
  let source: string
  try {
    source = readFileSync(path, 'utf8')
  } catch (error) {
    problems.push(`the settings file ${path} cannot be read: ${(error as Error).message}`)
    return []
  }
  if (source.length > FILE_BYTES_MAX) {
    problems.push(`the settings file ${path} is larger than ${FILE_BYTES_MAX} bytes`)
    return []
  }
  return valuesIn(source, path, problems)
}

function valuesIn(source: string, path: string, problems: string[]): readonly Given[] {
  const lineCounter = new LineCounter()
  const document = parseDocument(source, { lineCounter, prettyErrors: false })
  for (const error of document.errors)
    problems.push(`${path}, line ${lineCounter.linePos(error.pos[0]).line}: ${error.message}`)
  if (document.errors.length > 0 || document.contents === null) return []
  if (!isMap(document.contents)) {
    problems.push(`${path} does not hold settings (key: value)`)
    return []
  }
  const given: Given[] = []
  const walk = (map: unknown, prefix: string) => {
    if (!isMap(map)) return
    for (const { key, value } of map.items) {
      const name = prefix + String(isScalar(key) ? key.value : key)
      if (isMap(value) && !isDocument(name)) {
        walk(value, `${name}.`)
        continue
      }
      const line = lineCounter.linePos((key as Scalar).range?.[0] ?? 0).line
      const raw = (value as { toJS?(document: unknown): unknown } | null)?.toJS?.(document) ?? null
      given.push({ key: name, raw, origin: `${path}, line ${line}` })
    }
  }
  walk(document.contents, '')
  return given
}

/** A setting whose value has fields of its own is taken whole. */
const isDocument = (name: string): boolean => {
  const key = settingKeys.find((one) => one === name)
  const standard: unknown = key === undefined ? null : settings[key].standard
  return typeof standard === 'object' && standard !== null && !Array.isArray(standard)
}

/** `--set key=value`, `--config PATH`, the named flags; `--flag=value` and `--flag value` alike. */
export function flagValues(argv: readonly string[], problems: string[]) {
  const given: Given[] = []
  let file: string | undefined
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    const [, flag, inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(argument) ?? []
    const known = flag !== undefined && (flag === 'set' || flag === 'config' || flag in namedFlags)
    if (!known) {
      problems.push(unknownArgument(argument))
      continue
    }
    const value = inline ?? argv[++at]
    if (value === undefined) problems.push(`--${flag} needs a value`)
    else if (flag === 'config') file = value
    else if (flag !== 'set')
      given.push({ key: namedFlags[flag]!, raw: value, origin: `the command line, --${flag}` })
    else if (!value.includes('=')) problems.push(notAssigned(value))
    else {
      const cut = value.indexOf('=')
      given.push({
        key: value.slice(0, cut),
        raw: value.slice(cut + 1),
        origin: 'the command line, --set',
      })
    }
  }
  return { given, file }
}

/** What is no setting's name may be its value, a password: such a word is not repeated. */
function notAssigned(word: string): string {
  const named = settingKeys.find((key) => key === word)
  return named === undefined ? '--set takes key=value' : `--set ${named} is not key=value`
}

function unknownArgument(argument: string): string {
  const [name = ''] = argument.split('=')
  if (!name.startsWith('--')) return 'the command line has a word that belongs to no flag'
  const flags = ['set', 'config', ...Object.keys(namedFlags)].map((flag) => `--${flag}`)
  const near = closest(name, flags)
  const hint = near === null ? '' : `; did you mean ${near}?`
  return `${name} (on the command line) is not known${hint}`
}
