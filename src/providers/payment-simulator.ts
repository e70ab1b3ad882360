// A payment provider that moves no money: the built-in one. It keeps a ledger of its own, each
// operation once, so that the shop's books can be compared with what was really charged. What it
// remembers it guards; an authorization that its book does not hold (an older book was lost, or the
// oldest were forgotten) is taken at its word, as otherwise nothing could be captured or given back
// any more.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type {
  AuthorizeRequest,
  FollowUp,
  PaymentAnswer,
  PaymentProvider,
} from '#contexts/payments/provider.ts'
import type { ProviderBook } from './book.ts'
import { memoryBook } from './books/memory.ts'
import { type Fault, type FiredFault, faultScript, played, type Trouble } from './fault-script.ts'

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
  /** Everything that was carried out or refused; of each authorization in order. */
  ledger(): Promise<readonly LedgerEntry[]>
  /** What an authorization has come to. */
  balance(authorization: string): Promise<Balance>
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
export type PaymentBook = ProviderBook<LedgerEntry>
type Options = {
  /** Shared with whoever opens the same one; absent: one in memory, gone with the process. */
  readonly book?: PaymentBook
  readonly secret?: string
  readonly faults?: readonly Fault[]
  readonly trouble?: Trouble
}

const REFERENCE = 'sim_'
const SECRET = 'simulator'
/** An authorization with this token is declined. */
export const DECLINED_TOKEN = 'sim_declined'

export function openPaymentProvider(options: Options = {}): PaymentSimulator {
  const { book = memoryBook<LedgerEntry>(), secret = SECRET, faults = [], trouble } = options
  const script = faultScript(trouble)
  script.play(faults)

  const authorize = async (request: AuthorizeRequest): Promise<PaymentAnswer> => {
    const { operation_id, amount_minor, currency, token } = request
    const about = { operation_id, authorization: operation_id, amount_minor, currency }
    const fault = script.next({ on: 'authorize', amount_minor, token })
    return await played(fault, async (isDeclined, onTheWay) => {
      const isRefused = isDeclined || token === DECLINED_TOKEN
      const answer = isRefused ? DECLINED : done(operation_id)
      const entry = await book.carryOut(
        { operation_id, account: operation_id },
        () => ({ ...about, kind: 'authorize', answer }),
        onTheWay,
      )
      return entry?.answer ?? null
    })
  }

  const followUp =
    (kind: 'capture' | 'void' | 'refund') =>
    async (request: FollowUp): Promise<PaymentAnswer> => {
      const { operation_id, reference, amount_minor, currency } = request
      const authorization = reference.slice(REFERENCE.length)
      const about = { operation_id, kind, authorization, amount_minor, currency }
      return await played(script.next({ on: kind, amount_minor }), async (isDeclined, onTheWay) => {
        const entry = await book.carryOut(
          { operation_id, account: authorization },
          (account) => {
            const no = refusal(account, kind, amount_minor)
            return { ...about, answer: no ?? (isDeclined ? DECLINED : done(authorization)) }
          },
          onTheWay,
        )
        return entry?.answer ?? null
      })
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
      played(
        script.next({ on: 'find' }),
        async () => (await book.find(operationId))?.answer ?? ABSENT,
      ),
    isAuthentic: ({ operation_id, signature }) => {
      const expected = Buffer.from(sign(operation_id))
      const told = Buffer.from(signature)
      return told.length === expected.length && timingSafeEqual(told, expected)
    },
    ledger: () => book.entries(),
    balance: async (authorization) => balanceOf(await book.entries(authorization)),
    play: script.play,
    fired: script.fired,
    sign,
  }
}

const ABSENT = { status: 'absent' } as const
const DECLINED: PaymentAnswer = { status: 'declined', reason: 'declined by the simulator' }
const done = (authorization: string): PaymentAnswer => ({
  status: 'succeeded',
  reference: `${REFERENCE}${authorization}`,
})

function balanceOf(account: readonly LedgerEntry[]): Balance {
  const done = account.filter(({ answer }) => answer.status === 'succeeded')
  const sum = (kind: LedgerEntry['kind']) =>
    done.reduce((total, entry) => total + (entry.kind === kind ? entry.amount_minor : 0), 0)
  return {
    authorized_minor: sum('authorize'),
    captured_minor: sum('capture'),
    refunded_minor: sum('refund'),
    is_voided: done.some(({ kind }) => kind === 'void'),
  }
}

/** Why the provider itself would say no; null when it would not, or cannot know. */
function refusal(
  account: readonly LedgerEntry[],
  kind: 'capture' | 'void' | 'refund',
  amount: number,
): PaymentAnswer | null {
  // Half a balance would refuse what the forgotten half allows, for ever.
  if (!account.some((entry) => entry.kind === 'authorize')) return null
  const { authorized_minor, captured_minor, refunded_minor, is_voided } = balanceOf(account)
  const no = (reason: string): PaymentAnswer => ({ status: 'declined', reason })
  if (is_voided) return no('the authorization was voided')
  if (kind === 'capture' && captured_minor + amount > authorized_minor)
    return no('more than was authorized')
  if (kind === 'refund' && refunded_minor + amount > captured_minor)
    return no('more than was captured')
  if (kind === 'void' && captured_minor > 0) return no('it was captured already')
  return null
}
