// Refusals and failures as RFC 9457 documents. The one table from code to status and category.
import type { Rejection } from '#kernel/decider.ts'
import type { Answer } from './answer.ts'

export type Category = 'validation' | 'business' | 'infrastructure' | 'timeout' | 'rate_limit'
type Kind = {
  readonly status: number
  readonly category: Category
  readonly title: string
  /** The same request may succeed later, sent with the same Idempotency-Key. */
  readonly retryable?: true
  readonly retryAfterS?: number
}

export const problemKinds: Readonly<Record<string, Kind>> = {
  malformed_request: { status: 400, category: 'validation', title: 'The request cannot be read' },
  validation_failed: {
    status: 400,
    category: 'validation',
    title: 'Some fields are not acceptable',
  },
  unknown_type: { status: 400, category: 'validation', title: 'There is no such type' },
  forbidden: { status: 403, category: 'validation', title: 'This is not allowed' },
  origin_not_allowed: { status: 403, category: 'validation', title: 'Not from this web page' },
  not_found: { status: 404, category: 'business', title: 'There is no such thing' },
  method_not_allowed: { status: 405, category: 'validation', title: 'Not with this method' },
  // Nothing of it was looked at.
  request_timeout: {
    status: 408,
    category: 'timeout',
    title: 'The request came too slowly',
    retryable: true,
  },
  concurrency_conflict: {
    status: 409,
    category: 'business',
    title: 'Somebody else was faster',
    retryable: true,
  },
  already_exists: { status: 409, category: 'business', title: 'This exists already' },
  insufficient_stock: { status: 409, category: 'business', title: 'There is not enough stock' },
  invalid_state: { status: 409, category: 'business', title: 'Not in its present state' },
  payload_too_large: { status: 413, category: 'validation', title: 'The request is too large' },
  unsupported_media_type: {
    status: 415,
    category: 'validation',
    title: 'This kind of body is not taken',
  },
  misdirected_request: { status: 421, category: 'validation', title: 'Not under this host name' },
  business_rule_violated: { status: 422, category: 'business', title: 'A rule forbids this' },
  credit_limit_exceeded: {
    status: 422,
    category: 'business',
    title: 'The credit limit is reached',
  },
  currency_mismatch: { status: 422, category: 'business', title: 'Another currency is in use' },
  price_mismatch: { status: 422, category: 'business', title: 'The price has changed' },
  amount_exceeds_captured: {
    status: 422,
    category: 'business',
    title: 'More than was captured',
  },
  idempotency_key_reused: {
    status: 422,
    category: 'business',
    title: 'This key was used for something else',
  },
  rate_limited: {
    status: 429,
    category: 'rate_limit',
    title: 'Too many requests',
    retryable: true,
    retryAfterS: 1,
  },
  headers_too_large: { status: 431, category: 'validation', title: 'The headers are too large' },
  internal_error: { status: 500, category: 'infrastructure', title: 'Something is broken here' },
  circuit_open: unavailable('A dependency is resting after failures', 5),
  projection_lagging: unavailable('The read model has not come so far yet', 1),
  outcome_unknown: unavailable('It may or may not have happened', 1),
  storage_full: unavailable('There is no room to write', 30),
  unavailable: unavailable('Not now', 1),
  timeout: {
    status: 504,
    category: 'timeout',
    title: 'This took too long',
    retryable: true,
    retryAfterS: 1,
  },
}

function unavailable(title: string, retryAfterS: number): Kind {
  return { status: 503, category: 'infrastructure', title, retryable: true, retryAfterS }
}

/** What a rule says that the table does not name is still a rule's no. */
const OTHER: Kind = { status: 422, category: 'business', title: 'A rule forbids this' }
export const kindOf = (code: string): Kind =>
  Object.hasOwn(problemKinds, code) ? problemKinds[code]! : OTHER

export function problem(
  { code, message, errors, details }: Rejection,
  correlationId: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { status, category, title, retryable = false, ...kind } = kindOf(code)
  // Who knows it better says so.
  const retryAfterS = details?.retry_after_s ?? kind.retryAfterS
  return {
    status,
    contentType: 'application/problem+json',
    headers:
      retryAfterS === undefined ? headers : { 'retry-after': String(retryAfterS), ...headers },
    text: JSON.stringify({
      type: `/docs#${code}`,
      title,
      status,
      detail: message,
      code,
      category,
      ...(errors === undefined ? {} : { errors }),
      retryable,
      correlation_id: correlationId,
      ...extensions(details),
    }),
  }
}

const MEMBERS = 'type title status detail instance code category errors retryable correlation_id'
const taken = new Set(MEMBERS.split(' '))

/**
 * Details beside the members; an order's `status` must not pose as the answer's: `current_status`.
 */
const extensions = (details: Rejection['details'] = {}) =>
  Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      taken.has(name) ? `current_${name}` : name,
      value,
    ]),
  )

const retryAfter = ({ retryAfterMs }: { retryAfterMs?: number }) =>
  retryAfterMs === undefined
    ? {}
    : { details: { retry_after_s: Math.max(1, Math.ceil(retryAfterMs / 1_000)) } }

/** A thrown error as a rejection: known ones by name, the rest without a word about the inside. */
export function rejectionOf(error: unknown): Rejection {
  switch (error instanceof Error ? error.name : '') {
    case 'OutcomeUnknown':
      return {
        code: 'outcome_unknown',
        message:
          'The storage failed while this was being recorded, so it may or may not have happened. ' +
          'Repeat it with the same Idempotency-Key: it has one effect.',
      }
    case 'StorageFull':
      return {
        code: 'storage_full',
        message: 'Nothing was recorded: the storage is full. Reading goes on.',
      }
    case 'Unavailable':
    case 'NoAnswer':
    case 'CircuitOpen':
      return {
        code: (error as Error).name === 'CircuitOpen' ? 'circuit_open' : 'unavailable',
        message: 'The store cannot be reached just now. Nothing was recorded.',
        ...retryAfter(error as { retryAfterMs?: number }),
      }
    case 'AppendTooLarge':
      return {
        code: 'payload_too_large',
        message:
          'That is more than can be recorded at once. Nothing was recorded: send less of it.',
      }
    case 'LogClosed':
      return { code: 'unavailable', message: 'The server is shutting down. Nothing was recorded.' }
    case 'DeadlinePassed':
      return {
        code: 'timeout',
        message:
          'There was no result in time. A command may still be carried out: ' +
          'repeat it with the same Idempotency-Key to learn its outcome.',
      }
    default:
      return {
        code: 'internal_error',
        message: 'The server failed. The correlation id finds the cause in its log.',
      }
  }
}
