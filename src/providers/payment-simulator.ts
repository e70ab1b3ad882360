// A payment provider that moves no money: the built-in one. It keeps a ledger of its own, each
// operation once, so that a test can compare the shop's books with what was really charged. It
// forgets when the process ends (and the oldest beyond its limit): an operation it does not know is
// `absent`, so the shop repeats it under the same id; an authorization that it has forgotten is
// taken at its word.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type {
  AuthorizeRequest,
  FollowUp,
  PaymentAnswer,
  PaymentProvider,
} from '#contexts/payments/provider.ts'
import {
  ARRIVING,
  arrivals,
  type Fault,
  type FiredFault,
  faultScript,
  played,
} from './fault-script.ts'

export type LedgerEntry = {
  readonly operation_id: string
  readonly kind: 'authorize' | 'capture' | 'void' | 'refund'
  /** The operation_id of the authorization it belongs to. */
  readonly authorization: string
  readonly amount_minor: number
  readonly currency: string
  readonly answer: PaymentAnswer
}
export type PaymentSimulator = PaymentProvider & {
  /** Everything that was carried out or refused, in order. */
  ledger(): readonly LedgerEntry[]
  /** What an authorization has come to. */
  balance(authorization: string): Balance
  play(faults: readonly Fault[]): void
  fired(): readonly FiredFault[]
  sign(operationId: string): string
}
export type Balance = {
  readonly authorized_minor: number
  readonly captured_minor: number
  readonly refunded_minor: number
  readonly is_voided: boolean
}
type Options = {
  readonly secret?: string
  readonly faults?: readonly Fault[]
  /** How many operations it remembers. */
  readonly rememberMax?: number
}

const REFERENCE = 'sim_'
const REMEMBER_MAX = 100_000
const SECRET = 'simulator'

export function openPaymentProvider(options: Options = {}): PaymentSimulator {
  const { secret = SECRET, faults = [], rememberMax = REMEMBER_MAX } = options
  const operations = new LRUCache<string, LedgerEntry>({ max: rememberMax })
  const balances = new LRUCache<string, Balance>({ max: rememberMax })
  const script = faultScript()
  script.play(faults)
  const arriving = arrivals()

  const record = (entry: LedgerEntry): PaymentAnswer => {
    operations.set(entry.operation_id, entry)
    // Half a balance would refuse what the forgotten half allows, for ever.
    const before =
      balances.get(entry.authorization) ?? (entry.kind === 'authorize' ? NOTHING : null)
    if (entry.answer.status === 'succeeded' && before !== null)
      balances.set(entry.authorization, moved(before, entry))
    return entry.answer
  }

  /** Once, however often it is asked for. */
  const once = (entry: Omit<LedgerEntry, 'answer'>, answer: () => PaymentAnswer): PaymentAnswer =>
    operations.get(entry.operation_id)?.answer ?? record({ ...entry, answer: answer() })

  const authorize = async (request: AuthorizeRequest): Promise<PaymentAnswer> => {
    const { operation_id, amount_minor, currency, token } = request
    const about = { operation_id, authorization: operation_id, amount_minor, currency }
    const fault = script.next({ on: 'authorize', amount_minor, token })
    return await arriving.during(operation_id, () =>
      played(fault, (isDeclined) =>
        once({ ...about, kind: 'authorize' }, () => (isDeclined ? DECLINED : done(operation_id))),
      ),
    )
  }

  const followUp =
    (kind: 'capture' | 'void' | 'refund') =>
    async (request: FollowUp): Promise<PaymentAnswer> => {
      const { operation_id, reference, amount_minor, currency } = request
      const authorization = reference.slice(REFERENCE.length)
      const about = { operation_id, kind, authorization, amount_minor, currency }
      const fault = script.next({ on: kind, amount_minor })
      return await arriving.during(operation_id, () =>
        played(fault, (isDeclined) =>
          once(about, () => {
            const no = refusal(balances.get(authorization), kind, amount_minor)
            if (isDeclined || no !== null) return no ?? DECLINED
            return done(authorization)
          }),
        ),
      )
    }

  const sign = (operationId: string) =>
    createHmac('sha256', secret).update(operationId).digest('hex')

  return {
    name: 'simulator',
    authorize,
    capture: followUp('capture'),
    void: followUp('void'),
    refund: followUp('refund'),
    find: (operationId) =>
      played(script.next({ on: 'find' }), () => {
        const known = operations.get(operationId)
        if (known !== undefined) return known.answer
        return arriving.has(operationId) ? ARRIVING : ({ status: 'absent' } as const)
      }),
    isAuthentic: ({ operation_id, signature }) => {
      const expected = Buffer.from(sign(operation_id))
      const told = Buffer.from(signature)
      return told.length === expected.length && timingSafeEqual(told, expected)
    },
    ledger: () => [...operations.values()].toReversed(),
    balance: (authorization) => balances.get(authorization) ?? NOTHING,
    play: script.play,
    fired: script.fired,
    sign,
  }
}

const NOTHING: Balance = {
  authorized_minor: 0,
  captured_minor: 0,
  refunded_minor: 0,
  is_voided: false,
}
const DECLINED: PaymentAnswer = { status: 'declined', reason: 'declined by the simulator' }
const done = (authorization: string): PaymentAnswer => ({
  status: 'succeeded',
  reference: `${REFERENCE}${authorization}`,
})

function moved(before: Balance, { kind, amount_minor }: LedgerEntry): Balance {
  switch (kind) {
    case 'authorize':
      return { ...before, authorized_minor: before.authorized_minor + amount_minor }
    case 'capture':
      return { ...before, captured_minor: before.captured_minor + amount_minor }
    case 'refund':
      return { ...before, refunded_minor: before.refunded_minor + amount_minor }
    case 'void':
      return { ...before, is_voided: true }
  }
}

/** Why the provider itself would say no; null when it would not, or when it has forgotten. */
function refusal(
  balance: Balance | undefined,
  kind: 'capture' | 'void' | 'refund',
  amount: number,
): PaymentAnswer | null {
  if (balance === undefined) return null
  const { authorized_minor, captured_minor, refunded_minor, is_voided } = balance
  const no = (reason: string): PaymentAnswer => ({ status: 'declined', reason })
  if (is_voided) return no('the authorization was voided')
  if (kind === 'capture' && captured_minor + amount > authorized_minor)
    return no('more than was authorized')
  if (kind === 'refund' && refunded_minor + amount > captured_minor)
    return no('more than was captured')
  if (kind === 'void' && captured_minor > 0) return no('it was captured already')
  return null
}
