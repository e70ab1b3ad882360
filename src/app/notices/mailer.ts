// Sends one plain e-mail over SMTP. What the server says is kept as its number only: its words may
// repeat an address.
import { createTransport } from 'nodemailer'
import type { Sent } from '#runtime/deliver.ts'
import type { Letter } from './templates/template.ts'

export type Mailer = {
  /** `id`: the same for every try, so that a mail that arrives twice can be told to be one. */
  send(to: readonly string[], letter: Letter, id: string): Promise<Sent>
  /** What an operator has to know: mail waits, and why; null: nothing. */
  trouble(): string | null
  close(): void
}
export type MailerSettings = {
  /** `smtp://user:password@host:587`; never shown. */
  readonly url: string
  readonly from: string
  readonly timeoutMs: number
}

const TAKEN = 250
/** It says who we are wrongly, not whom we write to: once that is mended, it goes. */
const SIGN_IN = 'EAUTH'
/** So many in a row are no mere delay of one mail (greylisting). */
const FAILURES_TOLD = 3

export function openMailer({ url, from, timeoutMs }: MailerSettings): Mailer {
  const transport = createTransport({
    url,
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ dnsTimeout: timeoutMs, disableFileAccess: true, disableUrlAccess: true },
  })
  const domain = from.slice(from.indexOf('@') + 1)
  let failures = 0
  let trouble: string | null = null
  const noted = (sent: Sent): Sent => {
    failures = sent.is === 'failed' ? failures + 1 : 0
    trouble =
      sent.is === 'failed' && failures >= FAILURES_TOLD ? `e-mail waits: ${sent.error}` : null
    return sent
  }
  return {
    async send(to, { subject, text }, id) {
      try {
        await transport.sendMail({
          // As parts: nothing in them is read as another address or header.
          from: { name: '', address: from },
          to: to.map((address) => ({ name: '', address })),
          ...{ subject, text, messageId: `<${id}@${domain}>` },
          headers: { 'auto-submitted': 'auto-generated' },
        })
        return noted({ is: 'taken', status: TAKEN })
      } catch (error) {
        return noted(failedWith(error as MailError))
      }
    },
    trouble: () => trouble,
    close: () => transport.close(),
  }
}

type MailError = { readonly code?: string; readonly responseCode?: number }

function failedWith({ code, ...answer }: MailError): Sent {
  const responseCode = answer.responseCode ?? null
  const said = responseCode === null ? '' : ` ${responseCode}`
  const hint = code === SIGN_IN ? ' (user or password of smtp.url)' : ''
  const error = `${code ?? 'the mail server failed'}${said}${hint}`
  const isForGood = responseCode !== null && responseCode >= 500 && code !== SIGN_IN
  return { is: isForGood ? 'refused' : 'failed', status: responseCode, error }
}
