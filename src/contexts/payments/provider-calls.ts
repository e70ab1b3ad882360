// Carries one operation out at the provider. A repeated try asks first what became of the earlier
// one, and whatever goes wrong on the way is an answer too: nobody knows.
import type { Absent, PaymentAnswer, PaymentProvider } from './provider.ts'

export type Call =
  | {
      readonly kind: 'authorize'
      readonly payment_id: string
      readonly amount_minor: number
      readonly currency: string
      readonly payment_method: string
      readonly token: string | null
    }
  | {
      readonly kind: 'capture' | 'void' | 'refund'
      readonly reference: string
      readonly amount_minor: number
      readonly currency: string
    }
  /** Only asks: the step it belongs to must not be carried out any more. */
  | { readonly kind: 'settle' }

export type CallContext = {
  readonly operation_id: string
  readonly order_id: string
  /** It may have been carried out already. */
  readonly isRepeated: boolean
  readonly timeoutMs: number
}

export async function callProvider(
  provider: PaymentProvider,
  call: Call,
  { operation_id, order_id, isRepeated, timeoutMs }: CallContext,
): Promise<PaymentAnswer | Absent> {
  const asked = <T>(answer: Promise<T>) => within(answer, timeoutMs)
  if (isRepeated || call.kind === 'settle') {
    const known = await asked(provider.find(operation_id))
    // Absent: it can no longer take effect, so the same operation may be tried again.
    if (known.status !== 'absent' || call.kind === 'settle') return known
  }
  if (call.kind === 'authorize')
    return await asked(provider.authorize({ ...call, operation_id, order_id }))
  return await asked(provider[call.kind]({ ...call, operation_id }))
}

export type Unknown = { readonly status: 'unknown'; readonly error: string }

/** The answer; a throw and a silence are answers of their own: it may or may not have happened. */
export async function within<T>(answer: Promise<T>, timeoutMs: number): Promise<T | Unknown> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<Unknown>((resolve) => {
    timer = setTimeout(
      () => resolve({ status: 'unknown', error: `no answer within ${timeoutMs} ms` }),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([answer, silence])
  } catch (error) {
    return { status: 'unknown', error: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}
