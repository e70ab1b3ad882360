// Requests as bytes, recorded and bent: single bytes at random, and the tricks by which one reader
// of HTTP takes for two requests what another takes for one. And a reader of what comes back.
import type { Random } from './random.ts'

export type Recording = { readonly path: string; readonly body: string; readonly host: string }

/** Well-formed requests; `body` is JSON for a POST to `path`. */
export function recorded({ path, body, host }: Recording): readonly string[] {
  const head = (line: string, ...more: string[]) =>
    `${[`${line} HTTP/1.1`, `Host: ${host}`, ...more].join('\r\n')}\r\n\r\n`
  const json = 'Content-Type: application/json'
  const long = `Content-Length: ${Buffer.byteLength(body)}`
  const post = `POST ${path}`
  const [one, two] = [body.slice(0, 7), body.slice(7)]
  const chunks = [one, two].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')
  return [
    head(`GET ${path}`),
    head(`GET ${path}?limit=5&offset=0`, 'Accept: */*', 'X-Correlation-Id: abc'),
    head(`OPTIONS ${path}`),
    `${head(post, json, long)}${body}`,
    `${head(post, json, long, 'Idempotency-Key: k-1', 'Connection: keep-alive')}${body}`,
    `${head(post, json, 'Transfer-Encoding: chunked')}${chunks}0\r\n\r\n`,
    `${head(post, json, 'Transfer-Encoding: chunked', 'Trailer: X')}${chunks}0\r\nX: y\r\n\r\n`,
    `${head(post, json, long, 'Expect: 100-continue')}${body}`,
  ]
}

/** What must never be taken for a request, whatever else it may be taken for. */
export function smuggled({ path, body, host }: Recording): Readonly<Record<string, string>> {
  const post = (headers: readonly string[], after: string) =>
    [`POST ${path} HTTP/1.1`, `Host: ${host}`, 'Content-Type: application/json', ...headers]
      .join('\r\n')
      .concat('\r\n\r\n', after)
  const length = Buffer.byteLength(body)
  const hex = length.toString(16)
  const chunk = (size: string, text = body) => `${size}\r\n${text}\r\n0\r\n\r\n`
  const chunked = ['Transfer-Encoding: chunked']
  const get = (more: string) => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n\r\n`
  return {
    'two lengths': post([`Content-Length: ${length}`, `Content-Length: ${length + 5}`], body),
    'two equal lengths': post([`Content-Length: ${length}`, `Content-Length: ${length}`], body),
    'two lengths in one': post([`Content-Length: ${length}, ${length}`], body),
    'a negative length': post(['Content-Length: -1'], body),
    'a length with a plus': post([`Content-Length: +${length}`], body),
    'a length in hex': post([`Content-Length: 0x${hex}`], body),
    'a length beyond all numbers': post([`Content-Length: ${'9'.repeat(30)}`], body),
    'a length and chunks': post([`Content-Length: ${length}`, ...chunked], chunk(hex)),
    'chunks and a length': post([...chunked, 'Content-Length: 3'], chunk(hex)),
    'chunks that are not the last coding': post(['Transfer-Encoding: chunked, gzip'], chunk(hex)),
    'an unknown coding': post(['Transfer-Encoding: x'], body),
    'chunked, hidden by a tab': post(['Transfer-Encoding:\x0bchunked'], chunk(hex)),
    'a chunk size that is none': post(chunked, chunk('zz')),
    'a negative chunk size': post(chunked, chunk('-1')),
    'a chunk size with 0x': post(chunked, chunk(`0x${hex}`)),
    'a chunk size beyond all numbers': post(chunked, chunk('f'.repeat(17))),
    'a chunk that is longer than told': post(chunked, chunk('1')),
    'a chunk ended by a line feed': post(chunked, `${hex}\n${body}\n0\n\n`),
    'white space before the colon': get('X-A : b'),
    'white space before a name': get(' X-A: b'),
    'a folded header': get('X-A: b\r\n c'),
    'a header without a colon': get('X-A'),
    'a name that is none': get('X(A): b'),
    'a NUL in a header': get('X-A: a\0b'),
    'a lone carriage return in a header': get('X-A: a\rX-B: b'),
    'two hosts': get('Host: other.example'),
    'no host': `GET ${path} HTTP/1.1\r\n\r\n`,
    'a space in the path': `GET ${path} x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    'another version': `GET ${path} HTTP/3.0\r\nHost: ${host}\r\n\r\n`,
    'no version': `GET ${path}\r\n\r\n`,
    'lower-case HTTP': `GET ${path} http/1.1\r\nHost: ${host}\r\n\r\n`,
    'an unknown method': `STEAL ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'the hello of TLS': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'a tunnel': `CONNECT localhost:1 HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  }
}

/** A few bytes of it are flipped, lost, doubled or strange; or it ends early. */
export function mutant(bytes: Buffer, random: Random): Buffer {
  let text = bytes
  for (let times = random.pick([1, 1, 1, 2, 4]); times > 0; times--) {
    const at = random.int(0, text.length - 1)
    const [before, after] = [text.subarray(0, at), text.subarray(at + 1)]
    const here = text.subarray(at, at + 1)
    switch (random.int(0, 6)) {
      case 0:
        text = Buffer.concat([before, Buffer.of(here[0]! ^ (1 << random.int(0, 7))), after])
        break
      case 1:
        text = Buffer.concat([before, after])
        break
      case 2:
        text = Buffer.concat([before, here, here, after])
        break
      case 3:
        text = Buffer.concat([before, Buffer.of(random.int(0, 255)), here, after])
        break
      case 4:
        text = Buffer.concat([before, Buffer.from(random.pick(STRANGE)), here, after])
        break
      case 5:
        text = Buffer.concat([before, text.subarray(Math.min(at + random.int(1, 40), text.length))])
        break
      default:
        text = random.chance(0.3) ? before : text
    }
    if (text.length === 0) return Buffer.from('\r\n')
  }
  return text
}
const STRANGE = ['\r\n', '\n', '\r', '\0', ' ', '\t', ':', '%00', '\r\n\r\n', ',', '0\r\n\r\n', 'é']

export type WireAnswer = {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** The answers in a stream of bytes; null when it is not one answer after the other. */
export function answersIn(text: string): readonly WireAnswer[] | null {
  const answers: WireAnswer[] = []
  let rest = text
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const status = /^HTTP\/1\.1 ([1-5][0-9][0-9]) [^\r\n]*\r\n/.exec(
      `${rest.slice(0, end)}\r\n`,
    )?.[1]
    if (end < 0 || status === undefined) return null
    const head = rest.slice(0, end)
    const length = Number(/\r\ncontent-length: ([0-9]+)/i.exec(head)?.[1] ?? 0)
    const body = rest.slice(end + 4, end + 4 + length)
    if (body.length < length) return null
    rest = rest.slice(end + 4 + length)
    // A promise to go on, no answer yet.
    if (!status.startsWith('1')) answers.push({ status: Number(status), head, body })
  }
  return answers
}
