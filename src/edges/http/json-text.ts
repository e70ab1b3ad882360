// JSON as strangers send it, read in one pass that refuses what JSON.parse would quietly bend: a
// key given twice, numbers that do not survive, NUL and lone surrogates, too much depth, poisonous
// keys.

/**
 * A number of which only the characters are sure: what it becomes is decided by the field it is in.
 */
export class NumberText {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

export type Read =
  | { readonly ok: true; readonly value: unknown }
  /** `place` is the path of the offending value (`items.0.quantity`), or `(body)`. */
  | { readonly ok: false; readonly place: string; readonly problem: string }

export const DEPTH_MAX = 32
export const KEYS_MAX = 10_000
/** Longer plain decimals are nobody's money; the limit keeps hostile exponents cheap. */
const DIGITS_MAX = 60

export function readJson(text: string): Read {
  const reader = new Reader(text)
  try {
    const value = reader.value()
    reader.end()
    return { ok: true, value }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return { ok: false, place: reader.place(), problem: error.message }
  }
}

/**
 * `1.50e2` is `150`: the same number without exponent and needless zeros; null beyond 60 digits.
 */
export function plainDecimal(source: string): string | null {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(source)
  if (match === null) return null
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return '0'
  const decimals = fraction.length - Number(exponent)
  if (Math.abs(decimals) > DIGITS_MAX || digits.length > DIGITS_MAX) return null
  const padded = decimals < 0 ? digits.padEnd(digits.length - decimals, '0') : digits
  const point = padded.length - Math.max(decimals, 0)
  const left = point > 0 ? padded.slice(0, point) : '0'
  const right = (
    point > 0 ? padded.slice(point) : padded.padStart(padded.length - point, '0')
  ).replace(/0+$/, '')
  return sign + (right === '' ? left : `${left}.${right}`)
}

/** The number of this text if no digit of it is lost; undefined otherwise. */
export function exactNumber(source: string): number | undefined {
  const plain = plainDecimal(source)
  if (plain === null) return undefined
  const value = Number(plain)
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return undefined
  return plainDecimal(String(value)) === plain ? value : undefined
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const INTEGER = /^-?[0-9]{1,15}$/
/** Short integers are exact as they are; every other number keeps its characters. */
export const numberFrom = (source: string): number | NumberText =>
  INTEGER.test(source) ? Number(source) + 0 : new NumberText(source)
/** Whether the whole text is one JSON number. */
export const isNumber = (text: string) => {
  NUMBER.lastIndex = 0
  return NUMBER.exec(text)?.[0].length === text.length
}

class Malformed extends Error {}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
/** From this length on V8 lets a slice keep the whole text alive; a copy does not. */
const SLICE_LENGTH_MIN = 13

class Reader {
  private at = 0
  private depth = 0
  private keys = 0
  private readonly path: (string | number)[] = []
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  place(): string {
    return (
      this.path
        .slice(0, this.depth)
        .filter((name) => name !== '')
        .join('.') || '(body)'
    )
  }

  value(): unknown {
    switch (this.next()) {
      case QUOTE:
        return this.string()
      case 0x7b:
        return this.object()
      case 0x5b:
        return this.array()
      case 0x74:
        return this.word('true', true)
      case 0x66:
        return this.word('false', false)
      case 0x6e:
        return this.word('null', null)
      default:
        return this.number()
    }
  }

  end(): void {
    if (!Number.isNaN(this.next())) this.fail()
  }

  /** The code of the next character that is not white space; NaN at the end. */
  private next(): number {
    let code = this.text.charCodeAt(this.at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09)
      code = this.text.charCodeAt(++this.at)
    return code
  }

  private fail(): never {
    throw new Malformed(
      this.at >= this.text.length
        ? 'ends in the middle of its JSON'
        : `is not valid JSON at character ${this.at + 1}`,
    )
  }

  private word<Value>(word: string, value: Value): Value {
    if (!this.text.startsWith(word, this.at)) this.fail()
    this.at += word.length
    return value
  }

  private number(): number | NumberText {
    NUMBER.lastIndex = this.at
    const source = NUMBER.exec(this.text)?.[0]
    if (source === undefined) this.fail()
    this.at += source.length
    return numberFrom(source)
  }

  private string(): string {
    const start = this.at
    let code = this.text.charCodeAt(++this.at)
    let escaped = false
    while (code !== QUOTE) {
      // NaN, at the end of the text, is not >= anything.
      if (!(code >= 0x20)) this.fail()
      if (code === BACKSLASH) {
        escaped = true
        this.at++
      }
      code = this.text.charCodeAt(++this.at)
    }
    this.at++
    if (escaped) return this.unescaped(start)
    if (this.at - start < SLICE_LENGTH_MIN) return this.text.slice(start + 1, this.at - 1)
    return JSON.parse(this.text.slice(start, this.at)) as string
  }

  private unescaped(start: number): string {
    let value: string
    try {
      value = JSON.parse(this.text.slice(start, this.at))
    } catch {
      throw new Malformed(`has an unknown escape at character ${start + 1}`)
    }
    if (value.includes('\0')) throw new Malformed('holds a NUL character')
    if (!value.isWellFormed()) throw new Malformed('holds half of a surrogate pair')
    return value
  }

  private enter(): void {
    if (++this.depth > DEPTH_MAX) throw new Malformed(`is nested deeper than ${DEPTH_MAX} levels`)
    this.path[this.depth - 1] = ''
    this.at++
  }

  /** After a member: true when another one follows, false at the closing character. */
  private more(closing: number): boolean {
    const code = this.next()
    if (code !== closing && code !== COMMA) this.fail()
    this.at++
    return code === COMMA
  }

  private object(): object {
    this.enter()
    const members: Record<string, unknown> = {}
    if (this.next() === 0x7d) {
      this.at++
      this.depth--
      return members
    }
    do {
      if (this.next() !== QUOTE) this.fail()
      const key = this.string()
      this.path[this.depth - 1] = key
      if (++this.keys > KEYS_MAX) throw new Malformed(`brings more than ${KEYS_MAX} keys`)
      if (
        key === '__proto__' ||
        (key === 'prototype' && this.path[this.depth - 2] === 'constructor')
      )
        throw new Malformed('is not an allowed name')
      if (Object.hasOwn(members, key)) throw new Malformed('is given twice')
      if (this.next() !== 0x3a) this.fail()
      this.at++
      members[key] = this.value()
    } while (this.more(0x7d))
    this.depth--
    return members
  }

  private array(): unknown[] {
    this.enter()
    const items: unknown[] = []
    if (this.next() === 0x5d) {
      this.at++
      this.depth--
      return items
    }
    do {
      this.path[this.depth - 1] = items.length
      items.push(this.value())
    } while (this.more(0x5d))
    this.depth--
    return items
  }
}
