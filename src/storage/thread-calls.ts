// Calls between two threads: named functions on one side, promises on the other. Errors keep their
// name and message; both sides may offer and call.
import type { MessagePort, Worker } from 'node:worker_threads'

type Message =
  | { readonly call: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: { readonly name: string; readonly message: string } }
  | { readonly notice: string; readonly value: unknown }

/** What one side offers. Arguments and answers are copied: plain data only. */
export type Offers = Readonly<Record<string, (...args: never[]) => unknown>>
export type Calls = {
  call<T>(name: string, ...args: unknown[]): Promise<T>
  notify(notice: string, value: unknown): void
  onNotice(notice: string, listener: (value: never) => void): void
  /** Fails every call that is not answered yet, and all later ones. */
  end(reason: Error): void
}

export function threadCalls(port: MessagePort | Worker, offers: Offers): Calls {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (e: Error) => void }>()
  const listeners = new Map<string, (value: never) => void>()
  let last = 0
  let ended: Error | null = null

  const answer = async (call: number, name: string, args: readonly unknown[]) => {
    try {
      const offer = offers[name]
      if (offer === undefined) throw new Error(`this thread does not offer ${name}`)
      port.postMessage({ answer: call, value: await offer(...(args as never[])) } satisfies Message)
    } catch (error) {
      const { name: kind, message } = error instanceof Error ? error : new Error(String(error))
      port.postMessage({ answer: call, error: { name: kind, message } } satisfies Message)
    }
  }

  port.on('message', (message: Message) => {
    if ('call' in message) void answer(message.call, message.name, message.args)
    else if ('notice' in message) listeners.get(message.notice)?.(message.value as never)
    else {
      const caller = waiting.get(message.answer)
      waiting.delete(message.answer)
      if ('error' in message)
        caller?.reject(
          Object.assign(new Error(message.error.message), { name: message.error.name }),
        )
      else caller?.resolve(message.value as never)
    }
  })

  return {
    call(name, ...args) {
      if (ended !== null) return Promise.reject(ended)
      const call = ++last
      return new Promise((resolve, reject) => {
        waiting.set(call, { resolve, reject })
        port.postMessage({ call, name, args } satisfies Message)
      })
    },
    notify: (notice, value) => port.postMessage({ notice, value } satisfies Message),
    onNotice: (notice, listener) => void listeners.set(notice, listener),
    end(reason) {
      ended = reason
      for (const { reject } of waiting.values()) reject(reason)
      waiting.clear()
    },
  }
}
