// What a hostile client does to a request, whatever it asks for: another type, coding, method or
// path, headers and parameters that mean nothing, bodies that are none.
import {
  BROKEN_VALUES,
  ODD_CURSORS,
  ODD_SEGMENTS,
  ODD_TEXTS,
  WRONG_VALUES,
} from './hostile-values.ts'
import type { Random } from './random.ts'

export type Kind = 'valid' | 'nearly' | 'hostile'
export type Sample = {
  readonly kind: Kind
  /** What is odd about it, for whoever reads of a failure. */
  readonly about: string
  readonly method: string
  /** With the query string, as it goes into the request line. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export const JSON_TYPE = { 'content-type': 'application/json' }

/** Percent-encoded. */
export const oddSegment = (random: Random): string =>
  random.chance(0.5)
    ? random.pick(ODD_SEGMENTS)
    : encodeURIComponent(random.pick([...WRONG_VALUES, ...ODD_TEXTS]).slice(0, 2_000))

type Attack = (sample: Sample, random: Random) => Omit<Sample, 'kind' | 'about'>

/** The same request with one thing about it that nobody expects. */
export function attacked(sample: Sample, random: Random): Sample {
  const [about, attack] = random.pick(ATTACKS)
  return { ...sample, ...attack(sample, random), kind: 'hostile', about }
}

const headers =
  (more: (random: Random) => Readonly<Record<string, string>>): Attack =>
  (sample, random) => ({ ...sample, headers: { ...sample.headers, ...more(random) } })
const body =
  (change: (text: string, random: Random) => string | Buffer): Attack =>
  (sample, random) => ({
    ...sample,
    headers: { ...JSON_TYPE, ...sample.headers },
    body: change(String(sample.body ?? '{}'), random),
  })
const query =
  (more: (random: Random) => string): Attack =>
  (sample, random) => ({
    ...sample,
    path: `${sample.path}${sample.path.includes('?') ? '&' : '?'}${more(random)}`,
  })

const VERSIONS = ['*', 'W/"1"', '"1","2"', '"-1"', `"${'9'.repeat(16)}"`, '"007"']
const HOSTS = [
  ...['evil.example', '', 'localhost:99999999', '[::1', 'localhost.evil.example'],
  '127.0.0.1@evil.example',
]
const METHODS = 'GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND QUERY LOCK'.split(' ')
const PAIRS = ['limit=1&limit=1', 'a=1&a=2', 'x[]=1&x[]=2', 'limit=1&limi%74=2']
const NAMES = [
  ...['x', '__proto__', 'constructor', 'toString', '', '%00', '%ff', 'a[b]'],
  'q'.repeat(5_000),
]
const POSITIONS = [
  ...['0', '1', '2', '-1', '', 'x', '1e3', '0x1', '%31', 'NaN', '999999999999999'],
  ...['9007199254740991', '9007199254740992'],
]
const LIMITS = ['0', '1000', '1001', '1e3', '%31']
const TIMES = [
  '',
  '0',
  'now',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '-271821-04-20T00:00:00.000Z',
  '2026-01-01',
  '1970-01-01T00:00:00.000Z',
]
const LABELS = ['', ' ', 'a\tb', 'é', 'x'.repeat(201), '"1"', "'", '../..', '{}', '1e400']
const TYPES = 'text/plain|application/xml|application/json\ta|application/json, text/plain|a|/|;'
const CODINGS = 'gzip|deflate|br|zstd|identity, gzip|x'
const KEY_STORM = `{${Array.from({ length: 10_001 }, (_, i) => `"k${i}":0`).join(',')}}`

const ATTACKS: readonly (readonly [about: string, Attack])[] = [
  ['another content type', headers(({ pick }) => ({ 'content-type': pick(TYPES.split('|')) }))],
  ['a content coding', headers(({ pick }) => ({ 'content-encoding': pick(CODINGS.split('|')) }))],
  [
    'no content type',
    ({ headers: { 'content-type': _, ...rest }, ...s }) => ({ ...s, headers: rest }),
  ],
  ['bytes that are no UTF-8', body((text) => Buffer.concat([Buffer.from(text), Buffer.of(0xff)]))],
  ['a gzip body', body(() => Buffer.from('1f8b080000000000000aabae05004306bfa302000000', 'hex'))],
  ['half a body', body((text, { int }) => text.slice(0, int(1, text.length - 1)))],
  ['a broken value', body((text, { pick }) => text.replace('{', `{"x":${pick(BROKEN_VALUES)},`))],
  ['a body of another kind', body((_, { pick }) => pick([...WRONG_VALUES, ...BROKEN_VALUES]))],
  ['two bodies', body((text) => text + text)],
  ['a mark before the body', body((text) => `\ufeff${text}`)],
  ['10,001 keys', body(() => KEY_STORM)],
  [
    'deep arrays',
    body((text) => text.replace('{', `{"x":${'['.repeat(10_000)}${']'.repeat(10_000)},`)),
  ],
  ['deep objects', body(() => `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`)],
  ['a byte too many', body((text) => text.padEnd(1024 * 1024 + 1))],
  ['a mebibyte of one text', body(() => `{"name":"${'x'.repeat(1024 * 1024 - 20)}"}`)],
  ['large headers', headers(() => ({ 'x-large': 'x'.repeat(17 * 1024) }))],
  [
    'many headers',
    headers(() => Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`x-${i}`, '']))),
  ],
  ['an odd key', headers(({ pick }) => ({ 'idempotency-key': pick(LABELS) }))],
  [
    'an odd version',
    headers(({ pick }) => ({
      'if-match': pick([...LABELS, ...VERSIONS]),
    })),
  ],
  [
    'an odd position',
    headers(({ pick }) => ({
      'x-min-position': pick([...LABELS, '-1', '1.5', '9'.repeat(15), '9'.repeat(16)]),
    })),
  ],
  ['an odd correlation', headers(({ pick }) => ({ 'x-correlation-id': pick(LABELS) }))],
  [
    'another host',
    headers(({ pick }) => ({
      host: pick(HOSTS),
    })),
  ],
  [
    'another origin',
    headers(({ pick }) => ({
      origin: pick([
        'null',
        'http://evil.example',
        'file://',
        'http://localhost.evil.example',
        '%%%',
      ]),
    })),
  ],
  [
    'odd proxy headers',
    headers(() => ({
      'x-forwarded-host': 'evil.example',
      'x-forwarded-for': '::1',
      'x-http-method-override': 'DELETE',
      forwarded: 'for=;;',
    })),
  ],
  [
    'odd wishes',
    headers(({ pick }) => ({
      accept: pick(['text/xml', '*/*;q=x', ',']),
      range: 'bytes=0-',
      'if-none-match': '*',
      te: 'trailers',
      'accept-encoding': 'gzip',
    })),
  ],
  [
    'another method',
    (sample, { pick }) => ({
      ...sample,
      method: pick(METHODS),
    }),
  ],
  ['a parameter twice', query(({ pick }) => pick(PAIRS))],
  ['an unknown parameter', query(({ pick }) => `${pick(NAMES)}=1`)],
  ['an odd position asked for', query(({ pick }) => `min_position=${pick(POSITIONS)}`)],
  ['an odd time asked for', query(({ pick }) => `as_of=${pick(TIMES)}`)],
  [
    'an odd place in the past',
    query(({ pick }) => `${pick(['as_of_position', 'as_of_version'])}=${pick(POSITIONS)}`),
  ],
  ['an odd cursor', query(({ pick }) => `cursor=${pick(ODD_CURSORS)}`)],
  ['a large page', query(({ pick }) => `limit=${pick(LIMITS)}&offset=${pick(POSITIONS)}`)],
  [
    'an odd end of the path',
    (sample, random) => ({
      ...sample,
      path: sample.path.replace(/(\?|$)/, `/${oddSegment(random)}$1`),
    }),
  ],
  [
    'an odd segment',
    (sample, random) => ({ ...sample, path: withOddSegment(sample.path, random) }),
  ],
  [
    'an odd spelling of the path',
    (sample, { pick }) => ({
      ...sample,
      path: pick<(path: string) => string>([
        (path) => `/${path}`,
        (path) => path.replace('/api', '/API'),
        (path) => `http://localhost${path}`,
        (path) => path.replace('/', '/./'),
        (path) => path.replaceAll('/', '//'),
        (path) => path.replaceAll('a', '%61'),
        (path) => `${path}#x`,
        (path) => path.replace('?', '??'),
      ])(sample.path),
    }),
  ],
]

function withOddSegment(path: string, random: Random): string {
  const [before = '', ...rest] = path.split('?')
  const segments = before.split('/')
  segments[random.int(1, segments.length - 1)] = oddSegment(random)
  return [segments.join('/'), ...rest].join('?')
}
