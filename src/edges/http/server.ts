// One HTTP server over a list of endpoints: guard, limits, one way out for every answer and every
// error. Fastify routes and reads bodies; parsing, validation and answers are ours (codec-in,
// codec-out).

import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HTTPMethods,
} from 'fastify'
import type { Rejection } from '#kernel/decider.ts'
import type { Answer } from './answer.ts'
import { type Endpoint, isLabel, Refused } from './endpoint.ts'
import { failureLines } from './failure-lines.ts'
import { type Guard, SECURITY_HEADERS } from './guard.ts'
import { problem, rejectionOf } from './problem.ts'
import { type Stragglers, stragglersOf } from './stragglers.ts'

export type ServerSettings = {
  /** To receive one whole request. */
  readonly readTimeoutMs: number
  /** To answer one request. */
  readonly writeTimeoutMs: number
  /** How long a connection may wait for its next request. */
  readonly idleTimeoutMs: number
}
export type Page = { readonly path: string; readonly answer: () => Answer }
export type ServerParts = {
  readonly endpoints: readonly Endpoint[]
  /** Fixed documents: the API's description and its viewer. */
  readonly pages: readonly Page[]
  readonly guard: Guard
  readonly settings: ServerSettings
  /** Lines of JSON about requests that failed on our side. */
  readonly log: (line: string) => void
}

export type Door = {
  readonly server: Server
  /** Resolves to where it listens; port 0 lets the system choose. */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }>
  /** Takes no new connections, answers what was accepted, then resolves. */
  close(): Promise<void>
}

export const BODY_BYTES_MAX = 1024 * 1024
const HEADER_BYTES_MAX = 16 * 1024
const HEADERS_TIMEOUT_MS = 10_000
const TIMEOUTS_CHECKED_EVERY_MS = 1_000
const CONNECTIONS_MAX = 2_000
const REQUESTS_PER_SOCKET_MAX = 10_000
const PATH_PARAMETER_MAX = 400

export function httpServer(parts: ServerParts): Door {
  const { settings } = parts
  const headersTimeout = Math.min(HEADERS_TIMEOUT_MS, settings.readTimeoutMs)
  const app = Fastify({
    logger: false,
    trustProxy: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: settings.readTimeoutMs,
    keepAliveTimeout: settings.idleTimeoutMs,
    maxRequestsPerSocket: REQUESTS_PER_SOCKET_MAX,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout,
      connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
      // We look ourselves, so that whoever gives none, or two, is told so as everybody is.
      requireHostHeader: false,
    },
    routerOptions: {
      maxParamLength: PATH_PARAMETER_MAX,
      // Endpoints read the query string themselves: each name once.
      querystringParser: () => ({}),
    },
    clientErrorHandler: (error, socket) => answerBrokenHttp(error, socket, stragglers),
    frameworkErrors: (error, request, reply) => outlet.fail(error, request, reply),
  })
  app.server.maxConnections = CONNECTIONS_MAX
  // What else a client expects before it goes on it does not get; Node would say 417, and no more.
  app.server.on('checkExpectation', (request, response) =>
    app.server.emit('request', request, response),
  )
  const stragglers = stragglersOf(app.server, headersTimeout)
  const outlet = outletFor(parts)
  install(app, parts, outlet)
  return {
    server: app.server,
    async listen(host, port) {
      await app.listen({ host, port })
      const address = app.server.address()
      if (address === null || typeof address === 'string') throw new Error('no address was bound')
      return { host: address.address, port: address.port }
    },
    async close() {
      outlet.closing = true
      const closed = stragglers.leave()
      await app.close().finally(closed)
    },
  }
}

/** The one way out. */
type Outlet = {
  closing: boolean
  send(request: FastifyRequest, reply: FastifyReply, answer: Answer, correlationId: string): void
  /** Answers for something that was thrown. */
  fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void
}

function outletFor({ guard, log, settings }: ServerParts): Outlet {
  const failed = failureLines(log)
  const outlet: Outlet = {
    closing: false,
    send({ headers }, reply, answer, correlationId) {
      const { status, contentType, headers: own, text, stream } = answer
      reply.hijack()
      const { raw } = reply
      // The client has gone: nobody is left to answer.
      if (raw.destroyed || raw.headersSent) return void stream?.destroy()
      // A connection kept alive would hold up the closing; what is too large is not read to its
      // end; who names no host, or two, may mean anything by what comes next.
      if (outlet.closing || status === 413 || hostsOf(reply.request.raw) !== 1)
        raw.shouldKeepAlive = false
      raw.writeHead(status, {
        ...SECURITY_HEADERS,
        ...guard.corsHeaders(headers),
        'content-type': contentType ?? 'application/json',
        ...(stream === undefined ? { 'content-length': Buffer.byteLength(text) } : {}),
        'x-correlation-id': correlationId,
        ...own,
      })
      if (stream === undefined) raw.end(text)
      // What breaks on the way is a body without its end: nothing else can be said any more.
      else pipeline(stream, raw, (error) => error && failed(brokenOff(error, reply, correlationId)))
      leaveDeaf(raw, settings.writeTimeoutMs)
    },
    fail(error, request, reply) {
      const correlationId = correlationIdIn(request.headers)
      const rejection = rejectionFor(error)
      const answer = problem(rejection, correlationId)
      const { method, routeOptions } = request
      const path = routeOptions.url ?? '(unknown path)'
      const { status } = answer
      if (status >= 500)
        failed({ error, code: rejection.code, status, method, path, correlationId })
      outlet.send(request, reply, answer, correlationId)
    },
  }
  return outlet
}

/** An answer that nobody takes, not a byte of it in this time, is not kept for ever. */
function leaveDeaf(response: ServerResponse, limitMs: number): void {
  const { socket, req } = response
  // Taken whole by the system, as almost all are.
  if (socket !== null && socket.writableLength === 0) return
  // Nobody listens for it, so Node cuts the connection when nothing has moved for so long; when all
  // is sent, it sets how long the next request may be waited for.
  req.socket.setTimeout(limitMs)
}

function install(app: FastifyInstance, parts: ServerParts, outlet: Outlet): void {
  const { endpoints, pages, guard, settings } = parts
  app.addHook('onRequest', (request, reply, next) => {
    if (hostsOf(request.raw) !== 1) return outlet.fail(new Refused(ONE_HOST), request, reply)
    const refusal = guard.refusal(request.headers)
    if (refusal !== null) return outlet.fail(new Refused(refusal), request, reply)
    next()
  })
  // Every body is taken as bytes, whatever its type says; endpoints judge the type, once.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler((error, request, reply) => outlet.fail(error, request, reply))
  app.setNotFoundHandler((request, reply) => outlet.fail(new Refused(NO_SUCH_PATH), request, reply))
  const methods = new Map<string, { readonly path: string; readonly methods: string[] }>()
  const known = (method: string, path: string) => {
    const shape = path.replaceAll(/:[A-Za-z_]+/g, ':')
    const entry = methods.get(shape) ?? { path, methods: [] }
    methods.set(shape, entry)
    entry.methods.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]))
  }
  const pathsOf = ({ route: { path, aliases = [] } }: Endpoint) => [path, ...aliases]
  const route = (scope: FastifyInstance, endpoint: Endpoint) => {
    for (const path of pathsOf(endpoint))
      scope.route({
        method: endpoint.route.method,
        url: path,
        handler: (request, reply) => serve(endpoint, request, reply, outlet, settings),
      })
  }
  for (const endpoint of endpoints)
    for (const path of pathsOf(endpoint)) known(endpoint.route.method, path)
  for (const endpoint of endpoints) if (endpoint.takes === undefined) route(app, endpoint)
  app.register(async (files) => {
    // These read their bodies themselves.
    files.removeAllContentTypeParsers()
    files.addContentTypeParser('*', (_, payload, done) => done(null, payload))
    for (const endpoint of endpoints) if (endpoint.takes !== undefined) route(files, endpoint)
  })
  for (const { path, answer } of pages) {
    known('GET', path)
    app.get(path, (request, reply) =>
      outlet.send(request, reply, answer(), correlationIdIn(request.headers)),
    )
  }
  for (const entry of methods.values()) refuseOthers(app, entry.path, entry.methods, outlet)
}

/** Two readers of a request with two hosts may each take another for the right one. */
function hostsOf({ rawHeaders }: IncomingMessage): number {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') hosts++
  return hosts
}
const ONE_HOST: Rejection = {
  code: 'malformed_request',
  message: 'A request names its host, once.',
}
const NO_SUCH_PATH: Rejection = {
  code: 'not_found',
  message: 'There is no such path; /docs shows those that there are.',
}
const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'TRACE',
] as const satisfies HTTPMethods[]

/** The other methods of a known path: 405, and OPTIONS says what there is. */
function refuseOthers(app: FastifyInstance, url: string, offered: string[], outlet: Outlet): void {
  const allow = [...new Set([...offered, 'OPTIONS'])].sort().join(', ')
  const detail = `This path takes ${allow}.`
  app.route({
    method: METHODS.filter((method) => !offered.includes(method)),
    url,
    exposeHeadRoute: false,
    handler(request, reply) {
      const id = correlationIdIn(request.headers)
      const answer = problem({ code: 'method_not_allowed', message: detail }, id, { allow })
      outlet.send(request, reply, answer, id)
    },
  })
  app.options(url, (request, reply) => {
    const id = correlationIdIn(request.headers)
    outlet.send(request, reply, { status: 204, headers: { allow }, text: '' }, id)
  })
}

function serve(
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
  outlet: Outlet,
  { writeTimeoutMs }: ServerSettings,
): void {
  const correlationId = correlationIdIn(request.headers)
  const work = endpoint.handle({
    // Fastify decodes them; a route's parameters are texts.
    path: request.params as Readonly<Record<string, string>>,
    url: request.raw.url ?? '',
    // The only parser gives bytes, or the stream itself to whoever takes files.
    body: endpoint.takes === undefined ? (request.body as Buffer | undefined) : undefined,
    ...(endpoint.takes === undefined ? {} : { stream: request.body as Readable | undefined }),
    headers: request.headers,
    correlationId,
  })
  within(work, endpoint.unbounded === true ? null : writeTimeoutMs).then(
    (answer) => outlet.send(request, reply, answer, correlationId),
    (error) => {
      // What is left of a file that was refused is not waited for.
      if (endpoint.takes !== undefined) reply.raw.shouldKeepAlive = false
      outlet.fail(error, request, reply)
    },
  )
}

const brokenOff = (error: Error, { request }: FastifyReply, correlationId: string) => ({
  ...{ error, code: 'internal_error', status: 500, correlationId },
  ...{ method: request.method, path: request.routeOptions.url ?? '(unknown path)' },
})

class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed'
}

/** The work's outcome, or DeadlinePassed; the work itself goes on and is not waited for. */
function within<Value>(work: Promise<Value>, limitMs: number | null): Promise<Value> {
  if (limitMs === null) return work
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlinePassed(`${limitMs} ms passed`)), limitMs)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** The client's own if it is printable, otherwise a new one. */
function correlationIdIn(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id']
  return isLabel(given) ? given : randomUUID()
}

// ── errors ────────────────────────────────────────────────────────────────────────────────────

function rejectionFor(error: unknown): Rejection {
  if (error instanceof Refused) return error.rejection
  // What Fastify finds wrong with a request, by its status.
  switch ((error as Partial<FastifyError>).statusCode) {
    case 400:
    case 414:
      return {
        code: 'malformed_request',
        message: 'The request line, its headers or its length are broken.',
      }
    case 413:
      return { code: 'payload_too_large', message: `A body has at most ${BODY_BYTES_MAX} bytes.` }
    case 415:
      return { code: 'unsupported_media_type', message: 'Bodies are application/json in UTF-8.' }
    default:
      return rejectionOf(error)
  }
}

/** What is no HTTP never reaches a route: a last word on the bare socket, which is then closed. */
function answerBrokenHttp(
  error: NodeJS.ErrnoException,
  socket: Socket,
  stragglers: Stragglers,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { latest, unanswered } = stragglers.on(socket)
  // Whoever waits for the answer to what came before must not take this word for it.
  if (latest !== null && !latest.writableEnded && latest.req.complete) {
    latest.shouldKeepAlive = false
    return
  }
  if (unanswered > 1) return void socket.destroy()
  const hadItsLast = latest?.writableEnded && !(latest.shouldKeepAlive && latest.req.complete)
  if (hadItsLast) return void socket.end()
  const code = BROKEN_HTTP[error.code ?? ''] ?? 'malformed_request'
  const correlationId = randomUUID()
  const {
    status,
    headers = {},
    text,
  } = problem({ code, message: BROKEN_DETAIL[code]! }, correlationId)
  const lines = Object.entries({
    ...SECURITY_HEADERS,
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(text),
    'x-correlation-id': correlationId,
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`)
  socket.end(`HTTP/1.1 ${status} ${REASON[status]}\r\n${lines.join('\r\n')}\r\n\r\n${text}`)
}
const BROKEN_HTTP: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}
const BROKEN_DETAIL: Readonly<Record<string, string>> = {
  malformed_request: 'This is not HTTP as the standard has it.',
  headers_too_large: `Headers have at most ${HEADER_BYTES_MAX} bytes.`,
  request_timeout: 'The request did not arrive in time.',
}
const REASON: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}
