// Sends one plain e-mail over SMTP. What the server says is kept as its number only: its words may
// repeat an address.
import { createTransport } from 'nodemailer'
import type { Sent } from '#runtime/deliver.ts'
import type { Letter } from './templates/template.ts'

export type Mailer = {
  /** `id`: the same for every try, so that a mail that arrives twice can be told to be one. */
  send(to: readonly string[], letter: Letter, id: string): Promise<Sent>
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

export function openMailer({ url, from, timeoutMs }: MailerSettings): Mailer {
  const transport = createTransport({
    url,
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ dnsTimeout: timeoutMs, disableFileAccess: true, disableUrlAccess: true },
  })
  const domain = from.slice(from.indexOf('@') + 1)
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
        return { is: 'taken', status: TAKEN }
      } catch (error) {
        return failedWith(error as MailError)
      }
    },
    close: () => transport.close(),
  }
}

type MailError = { readonly code?: string; readonly responseCode?: number }

function failedWith({ code, ...answer }: MailError): Sent {
  const responseCode = answer.responseCode ?? null
  const said = responseCode === null ? '' : ` ${responseCode}`
  const error = `${code ?? 'the mail server failed'}${said}`
  const isForGood = responseCode !== null && responseCode >= 500 && code !== SIGN_IN
  return { is: isForGood ? 'refused' : 'failed', status: responseCode, error }
}
