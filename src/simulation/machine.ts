// The machine's own sources of time and chance, put in the hands of a scheduler for the length of a
// run: timers, clocks, random numbers and ids. Whoever imports them by name gets these as well.
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { Random } from '#testing/random.ts'
import { EPOCH_MS, type Handle, type Scheduler } from './scheduler.ts'

const require = createRequire(import.meta.url)
const crypto = require('node:crypto') as Record<string, unknown>
const timers = require('node:timers') as Record<string, unknown>
const promised = require('node:timers/promises') as Record<string, unknown>

/** From here on this scheduler is the machine; the answer gives everything back. */
export function takeOver(scheduler: Scheduler, random: Random): () => void {
  const replaced: (() => void)[] = []
  const replace = (target: object, name: string, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(target, name)
    Object.defineProperty(target, name, { value, configurable: true, writable: true })
    replaced.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, name)
      else Object.defineProperty(target, name, before)
    })
  }
  const own = timersOver(scheduler)
  for (const [name, value] of Object.entries(own.callbacks)) {
    replace(globalThis, name, value)
    replace(timers, name, value)
  }
  for (const [name, value] of Object.entries(own.promises)) replace(promised, name, value)
  replace(globalThis, 'Date', dateOver(scheduler))
  replace(performance, 'now', () => scheduler.now())
  replace(Math, 'random', random.next)
  for (const [name, value] of Object.entries(idsOver(scheduler, random)))
    replace(crypto, name, value)
  syncBuiltinESMExports()
  return () => {
    for (const giveBack of replaced.toReversed()) giveBack()
    syncBuiltinESMExports()
  }
}

type Work = (...args: unknown[]) => void
/** What Node gives for a timer, as far as anybody asks it for something. */
type Timer = Handle & { ref(): Timer; unref(): Timer; hasRef(): boolean; [Symbol.dispose](): void }

function timersOver({ at, current }: Scheduler) {
  const timer = (begin: (timer: Timer) => void): Timer => {
    const made: Timer = {
      cancelled: false,
      ref: () => made,
      unref: () => made,
      hasRef: () => false,
      [Symbol.dispose]: () => clear(made),
    }
    begin(made)
    return made
  }
  const once = (name: string, ms: number, work: Work, args: readonly unknown[]) =>
    timer((made) => {
      at(current(), ms, name, () => {
        if (!made.cancelled) work(...args)
      })
    })
  const clear = (made?: Timer | null) => {
    if (made) made.cancelled = true
  }
  const setTimeout = (work: Work, ms = 0, ...args: unknown[]) => once('timer', ms, work, args)
  const setImmediate = (work: Work, ...args: unknown[]) => once('immediate', 0, work, args)
  const setInterval = (work: Work, ms = 0, ...args: unknown[]) =>
    timer((made) => {
      const owner = current()
      const next = () =>
        at(owner, Math.max(1, ms), 'interval', () => {
          if (made.cancelled) return
          next()
          work(...args)
        })
      next()
    })
  const [clearTimeout, clearInterval, clearImmediate] = [clear, clear, clear]
  return {
    callbacks: {
      setTimeout,
      setImmediate,
      setInterval,
      clearTimeout,
      clearInterval,
      clearImmediate,
    },
    promises: {
      setTimeout: (ms = 0, value?: unknown) =>
        new Promise((resolve) => setTimeout(() => resolve(value), ms)),
      setImmediate: (value?: unknown) =>
        new Promise((resolve) => setImmediate(() => resolve(value))),
    },
  }
}

function dateOver({ wall }: Scheduler) {
  const Real = Date
  return new Proxy(Real, {
    construct: (_, args: readonly unknown[], target) =>
      Reflect.construct(Real, args.length === 0 ? [wall()] : args, target),
    get: (real, name) => (name === 'now' ? wall : Reflect.get(real, name)),
  })
}

function idsOver({ now }: Scheduler, random: Random) {
  const hex = (length: number) =>
    Math.floor(random.next() * 16 ** length)
      .toString(16)
      .padStart(length, '0')
  const uuid = (head: string, version: number) =>
    `${head.slice(0, 8)}-${head.slice(8)}-${version}${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`
  return {
    randomUUID: () => uuid(hex(6) + hex(6), 4),
    // Rising, as ids of this kind are.
    randomUUIDv7: () =>
      uuid(
        Math.floor(EPOCH_MS + now())
          .toString(16)
          .padStart(12, '0'),
        7,
      ),
    randomBytes: (size: number) =>
      Buffer.from(Array.from({ length: size }, () => Math.floor(random.next() * 256))),
  }
}
