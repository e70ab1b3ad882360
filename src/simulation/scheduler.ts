// Time and order, made of a seed: whatever waits in this process waits here, on a clock of its own,
// and what is due at the same moment comes in an order that the seed chose. One step at a time; the
// promises that it settles run to their end before the next one.
import type { Random } from '#testing/random.ts'

/** Whose step it is. The dead take none, the paused take theirs when they go on. */
export type Owner = {
  readonly name: string
  dead: boolean
  pausedUntil: number
  /** How far its wall clock is off. */
  clockOffMs: number
}
export type Handle = { cancelled: boolean }

export type Scheduler = {
  /** Milliseconds since the beginning; never goes back. */
  now(): number
  /** What the owner of this step takes for the time of day. */
  wall(): number
  current(): Owner
  at(owner: Owner, delayMs: number, what: string, work: () => void): Handle
  /** Not a step of its own: part of this one, for somebody else. */
  as<T>(owner: Owner, work: () => T): T
  /** A line of the trace that is no step. */
  note(text: string): void
  /** Until the work is done. Throws when nothing is left to do, or after too many steps. */
  run(owner: Owner, work: () => Promise<void>): Promise<void>
  steps(): number
  /** Equal for equal runs. */
  hash(): number
  /** The last lines, or all of them where that was asked for. */
  trace(): readonly string[]
}
export type SchedulerOptions = {
  readonly random: Random
  readonly stepsMax: number
  /** Lines of the trace that are kept. */
  readonly traceMax: number
}

/** Where time begins: some morning. */
export const EPOCH_MS = Date.UTC(2024, 0, 15, 8)

type Task = Handle & {
  readonly at: number
  readonly tie: number
  readonly owner: Owner
  readonly what: string
  readonly work: () => void
}

const nextTurn = setImmediate
/** Turns that are asked for together: the machine's own loop goes round less often. */
const TURNS_AT_ONCE = 64

export function scheduler({ random, stepsMax, traceMax }: SchedulerOptions): Scheduler {
  const queue = heap()
  const trace = traceOf(traceMax)
  let now = 0
  let steps = 0
  let current: Owner = somebody('nobody')

  const at = (owner: Owner, delayMs: number, what: string, work: () => void): Handle => {
    const due = now + Math.max(0, delayMs)
    const task: Task = { at: due, tie: random.next(), owner, what, work, cancelled: false }
    queue.push(task)
    return task
  }
  /** False when nothing is left. */
  const step = (): boolean => {
    for (;;) {
      const task = queue.pop()
      if (task === undefined) return false
      if (task.cancelled || task.owner.dead) continue
      now = Math.max(now, task.at)
      const { owner, what, work } = task
      if (owner.pausedUntil > now) {
        queue.push({ ...task, at: owner.pausedUntil })
        continue
      }
      steps++
      current = owner
      trace.add(now, owner.name, what)
      work()
      return true
    }
  }
  return {
    now: () => now,
    wall: () => Math.floor(EPOCH_MS + now + current.clockOffMs),
    current: () => current,
    at,
    as(owner, work) {
      const before = current
      current = owner
      try {
        return work()
      } finally {
        current = before
      }
    },
    note: (text) => trace.add(now, current.name, text),
    run(owner, work) {
      let done: (() => void) | null = null
      return new Promise<void>((resolve, reject) => {
        at(owner, 0, 'begin', () => {
          work().then(
            () => {
              done = resolve
            },
            (error) => {
              done = () => reject(error)
            },
          )
        })
        let asked = 0
        const turn = () => {
          asked--
          try {
            if (done !== null) {
              done()
              done = () => {}
              return
            }
            if (steps >= stepsMax) throw new Error(`it does not come to an end: ${steps} steps`)
            if (!step()) throw new Error('nothing is left to do, and somebody still waits')
          } catch (error) {
            done = () => {}
            return reject(error)
          }
          if (asked === 0) ask()
        }
        const ask = () => {
          asked = TURNS_AT_ONCE
          for (let at = 0; at < TURNS_AT_ONCE; at++) nextTurn(turn)
        }
        ask()
      })
    },
    steps: () => steps,
    hash: trace.hash,
    trace: trace.lines,
  }
}

export const somebody = (name: string): Owner => ({
  name,
  dead: false,
  pausedUntil: 0,
  clockOffMs: 0,
})

/** The last so many lines, and a number made of all of them. */
function traceOf(max: number) {
  const kept: (readonly [at: number, who: string, what: string])[] = []
  let next = 0
  let hash = 0x811c9dc5
  const mix = (value: number) => {
    hash = Math.imul(hash ^ value, 0x01000193)
  }
  return {
    add(at: number, who: string, what: string) {
      mix(Math.floor(at * 1_000))
      for (let i = 0; i < who.length; i++) mix(who.charCodeAt(i))
      for (let i = 0; i < what.length; i++) mix(what.charCodeAt(i))
      if (kept.length < max) kept.push([at, who, what])
      else kept[next % max] = [at, who, what]
      next++
    },
    hash: () => hash >>> 0,
    lines: () => {
      const from = next > max ? next % max : 0
      return [...kept.slice(from), ...kept.slice(0, from)].map(
        ([at, who, what]) => `${at.toFixed(3).padStart(10)} ${who.padEnd(8)} ${what}`,
      )
    },
  }
}

/** The earliest first; what is due at the same moment, by its tie. */
function heap() {
  const tasks: Task[] = []
  const before = (a: Task, b: Task) => a.at < b.at || (a.at === b.at && a.tie < b.tie)
  return {
    push(task: Task) {
      let at = tasks.push(task) - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(task, tasks[parent]!)) break
        tasks[at] = tasks[parent]!
        at = parent
      }
      tasks[at] = task
    },
    pop(): Task | undefined {
      const first = tasks[0]
      const last = tasks.pop()
      if (first === undefined || last === undefined || tasks.length === 0) return first
      let at = 0
      for (;;) {
        let child = 2 * at + 1
        if (child >= tasks.length) break
        if (child + 1 < tasks.length && before(tasks[child + 1]!, tasks[child]!)) child++
        if (!before(tasks[child]!, last)) break
        tasks[at] = tasks[child]!
        at = child
      }
      tasks[at] = last
      return first
    },
  }
}
