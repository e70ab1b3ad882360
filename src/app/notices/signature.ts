// How a delivery is signed: as the specification "Standard Webhooks" says, so that its libraries
// verify it. The secret of a webhook is given, or made of the webhook's own key.
import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

export type Signed = { readonly id: string; readonly timestamp: number; readonly body: string }

/**
 * The headers that say whose it is, signed with each of the secrets. `timestamp`: of this attempt,
 * in seconds.
 */
export function signatureHeaders(secrets: readonly string[], { id, timestamp, body }: Signed) {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  }
}

/** The same for the same key; nothing of the key can be learned from it. */
export const secretOf = (key: Buffer): string =>
  PREFIX + createHmac('sha256', key).update('webhook signing secret').digest('base64')
