// Files of JSON lines in which every line carries a check over itself and all lines before it, so
// that whatever was changed, lost or put in between is named by its line. The first line says what
// the file is, the last one that it is whole.
import { createHash, hash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'

const CHECK_BYTES = 8
const UNCHECKED = /^\{"daybook":1,"kind":"\w+"\}$/
const TAIL = /,"check":"([\w-]{11})"\}$/

/** What was written, to compare it later. */
export type Written = { readonly bytes: number; readonly sha256: string }
export type Lines = {
  write(line: object): Promise<void>
  /** Answers when all of it is on the disk. */
  end(): Promise<Written>
}

/** Thrown for a file that is not what was written. */
export class Damaged extends Error {
  override readonly name = 'Damaged'
}

/** Readable by its owner alone. Throws EEXIST where there is such a file. */
export async function writeLines(path: string): Promise<Lines> {
  const out = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true })
  await once(out, 'open')
  const check = checker()
  const whole = createHash('sha256')
  let bytes = 0
  return {
    async write(line) {
      const body = JSON.stringify(line)
      const text = Buffer.from(`${body.slice(0, -1)},"check":"${check(body)}"}\n`)
      whole.update(text)
      bytes += text.length
      if (!out.write(text)) await once(out, 'drain')
    },
    async end() {
      out.end()
      await finished(out)
      return { bytes, sha256: whole.digest('base64url') }
    },
  }
}

export type Line = { readonly number: number; readonly value: Readonly<Record<string, unknown>> }

/**
 * The lines of a file, each checked. Throws Damaged at the first that is not as it was written.
 * Files of before (`"daybook":1`) have no checks.
 */
export async function* readLines(path: string): AsyncGenerator<Line> {
  const lines = createInterface({
    input: createReadStream(path),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  const check = checker()
  let number = 0
  let isChecked = true
  for await (const text of lines) {
    number++
    const [tail, found] = TAIL.exec(text) ?? []
    if (number === 1) isChecked = !UNCHECKED.test(text)
    if (!isChecked) {
      yield { number, value: parsed(text, `${path}: line ${number}`) }
      continue
    }
    if (tail === undefined) throw new Damaged(`${path}: line ${number} is cut off or has no check`)
    const body = `${text.slice(0, -tail.length)}}`
    if (check(body) !== found)
      throw new Damaged(
        `${path}: line ${number} is not what was written (or one before it is missing)`,
      )
    yield { number, value: parsed(body, `${path}: line ${number}`) }
  }
}

function parsed(body: string, where: string): Line['value'] {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw new Damaged(`${where} is not JSON`, { cause })
  }
}

/** Of one line after the other; each check stands on all before it. */
function checker(): (body: string) => string {
  let last = Buffer.alloc(0) as Buffer
  return (body) => {
    last = hash('sha256', Buffer.concat([last, Buffer.from(body)]), 'buffer')
    return last.subarray(0, CHECK_BYTES).toString('base64url')
  }
}

/** What `writeLines` gave, of a file as it is now. */
export async function fileHash(
  path: string,
  onProgress: (bytes: number) => void = () => {},
): Promise<Written> {
  const whole = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    whole.update(chunk)
    bytes += chunk.length
    onProgress(bytes)
  }
  return { bytes, sha256: whole.digest('base64url') }
}
