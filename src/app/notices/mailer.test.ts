// E-mail against a real mail server: taken, put off, refused, away, silent, encrypted, signed in.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { openMailer } from './mailer.ts'
import { letter } from './templates/template.ts'

type Mail = { readonly from: string; readonly to: readonly string[]; readonly text: string }
const FROM = 'shop@example.com'
const PATIENCE_MS = 60_000
const hello = letter('Your order ÄÖ 1', ['Guten Tag,', '', '5 × Tasse   9.99 €', '.', 'From me'])

describe('a mailer', () => {
  let mails: Mail[] = []
  let close = async () => {}
  afterEach(async () => {
    await close()
    close = async () => {}
  })

  /** Answers what is said of a recipient or a mail with these codes, each once, then takes all. */
  const serving = async (more: SMTPServerOptions = {}, refusals: Record<string, number> = {}) => {
    mails = []
    const refused = (where: string) => {
      const { [where]: code } = refusals
      if (code === undefined) return null
      delete refusals[where]
      return Object.assign(new Error(`not for ada@example.com ${where}`), { responseCode: code })
    }
    const server = new SMTPServer({
      ...{ authOptional: true, disabledCommands: ['STARTTLS'], logger: false },
      onRcptTo: (_, __, done) => done(refused('recipient')),
      onData(stream, session, done) {
        stream.toArray().then((chunks: Buffer[]) => {
          const error = refused('data')
          const { mailFrom, rcptTo } = session.envelope
          const from = mailFrom === false ? '' : mailFrom.address
          const to = rcptTo.map(({ address }) => address)
          if (error === null) mails.push({ from, to, text: Buffer.concat(chunks).toString() })
          done(error)
        })
      },
      ...more,
    })
    server.on('error', () => {})
    server.listen(0, '127.0.0.1')
    await once(server.server, 'listening')
    close = () => new Promise((resolve) => server.close(resolve))
    return (server.server.address() as AddressInfo).port
  }
  const mailer = (url: string, timeoutMs = PATIENCE_MS) =>
    openMailer({ url, from: FROM, timeoutMs })
  const send = (url: string, to = ['ada@example.com'], timeoutMs = PATIENCE_MS) =>
    mailer(url, timeoutMs).send(to, hello, 'event-1')

  test('brings plain text, in the words that were given, under the id of its event', async () => {
    const port = await serving()
    const to = ['ada@example.com', 'bob@example.com']
    deepEqual(await send(`smtp://127.0.0.1:${port}`, to), { is: 'taken', status: 250 })
    const [mail] = mails
    deepEqual([mail?.from, mail?.to], [FROM, to])
    match(mail!.text, /^Message-ID: <event-1@example\.com>\r$/m)
    match(mail!.text, /^Content-Type: text\/plain; charset=utf-8\r$/m)
    match(mail!.text, /^Auto-Submitted: auto-generated\r$/im)
    const body = mail!.text.slice(mail!.text.indexOf('\r\n\r\n') + 4)
    const plain = body
      .replaceAll('=\r\n', '')
      .replaceAll(/((?:=[0-9A-F]{2})+)/g, (bytes) =>
        Buffer.from(bytes.replaceAll('=', ''), 'hex').toString(),
      )
    equal(plain, `${hello.text.replaceAll('\n', '\r\n')}`)
  })

  test('tries again what the server puts off, gives up what it refuses, and repeats no word', async () => {
    const port = await serving({}, { recipient: 451 })
    const url = `smtp://127.0.0.1:${port}`
    const put = { is: 'failed', status: 451, error: 'EENVELOPE 451' }
    deepEqual(await send(url), put)
    deepEqual(await send(url), { is: 'taken', status: 250 })
    await close()
    const other = `smtp://127.0.0.1:${await serving({}, { recipient: 550, data: 552 })}`
    deepEqual(await send(other), { is: 'refused', status: 550, error: 'EENVELOPE 550' })
    deepEqual(await send(other), { is: 'refused', status: 552, error: 'EMESSAGE 552' })
    equal(mails.length, 0)
  })

  test('tries again where nobody listens, or nobody says a word', async () => {
    // No system gives this port to anybody who asks for any.
    const away = await send('smtp://127.0.0.1:1')
    ok(
      away.is === 'failed' && away.status === null && away.error === 'ESOCKET',
      JSON.stringify(away),
    )
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port: silentPort } = silent.address() as AddressInfo
    const late = await send(`smtp://127.0.0.1:${silentPort}`, undefined, 100)
    ok(late.is === 'failed' && late.error === 'ETIMEDOUT', JSON.stringify(late))
    silent.close()
  })

  test('signs in, and does not give up a mail because its own password is wrong', async () => {
    const port = await serving({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _, done) =>
        username === 'shop' && password === 'p@ss'
          ? done(null, { user: 'shop' })
          : done(new Error('no')),
    })
    deepEqual(await send(`smtp://shop:p%40ss@127.0.0.1:${port}`), { is: 'taken', status: 250 })
    const wrong = await send(`smtp://shop:other@127.0.0.1:${port}`)
    deepEqual(wrong, {
      is: 'failed',
      status: 535,
      error: 'EAUTH 535 (user or password of smtp.url)',
    })
  })

  test('encrypts where the server can, and trusts no certificate that nobody vouches for', async () => {
    let isSecure = false
    const port = await serving({
      disabledCommands: [],
      onMailFrom(_, session, done) {
        isSecure = session.secure
        done()
      },
    })
    const untrusted = await send(`smtp://127.0.0.1:${port}`)
    ok(untrusted.is === 'failed' && untrusted.status !== 250, JSON.stringify(untrusted))
    const trusting = `smtp://127.0.0.1:${port}?tls.rejectUnauthorized=false`
    deepEqual(await send(trusting), { is: 'taken', status: 250 })
    equal(isSecure, true)
  })

  test('lets nothing begin a header or a command of its own', async () => {
    const port = await serving()
    const evil = letter('Order 1\r\nBcc: eve@example.com\r\n\r\nHello', [
      '.',
      'QUIT',
      '..',
      'Hello Ada\r\n\r\nPay at http://evil.example\u202e,',
    ])
    await mailer(`smtp://127.0.0.1:${port}`).send(['ada@example.com'], evil, 'event-1')
    equal(mails.length, 1)
    const [head = ''] = mails[0]!.text.split('\r\n\r\n')
    deepEqual(mails[0]?.to, ['ada@example.com'])
    ok(!/^bcc:/im.test(head), head)
    match(head, /^Subject: Order 1 Bcc: eve@example\.com Hello\r$/m)
    match(mails[0]!.text, /\r\n\.\r\nQUIT\r\n\.\.\r\nHello Ada Pay at http:\/\/evil\.example ,\r\n/)
  })
})
