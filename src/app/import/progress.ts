// How far a long job is: a bar that is drawn over itself on a terminal; elsewhere nothing, or now
// and then a line where that was asked for.

export type Progress = {
  readonly phase: string
  readonly done: number
  readonly of: number
  /** What to say behind the bar (`5,199 orders`). */
  readonly note?: string
}
/** What is needed of process.stderr. */
export type Screen = {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}
export type ProgressBar = { show(progress: Progress): void; end(): void }

const BAR_CELLS = 30
const DRAW_EVERY_MS = 100
/** In lines: one each time another tenth is done. */
const TENTHS = 10

export type ProgressOptions = {
  /** Without a terminal: told in plain lines, for whoever asked for them. Absent: silence. */
  readonly inLines?: boolean
  readonly now?: () => number
}

export function progressBar(
  screen: Screen,
  { inLines = false, now = () => performance.now() }: ProgressOptions = {},
): ProgressBar {
  if (screen.isTTY) return drawn(screen, now)
  return inLines ? told(screen) : { show() {}, end() {} }
}

function drawn(screen: Screen, now: () => number): ProgressBar {
  let last: Progress | undefined
  let phase = ''
  let since = 0
  let drawnAt = Number.NEGATIVE_INFINITY
  const draw = (progress: Progress) => {
    drawnAt = now()
    const text = `${barOf(progress)}${restOf(progress, drawnAt - since)}`
    screen.write(`\r\x1b[K${text.slice(0, (screen.columns ?? 80) - 1)}`)
  }
  const end = () => {
    if (last === undefined) return
    draw(last)
    screen.write('\n')
    last = undefined
  }
  return {
    show(progress) {
      if (progress.phase !== phase) {
        end()
        phase = progress.phase
        since = now()
        drawnAt = Number.NEGATIVE_INFINITY
      }
      last = progress
      if (now() - drawnAt >= DRAW_EVERY_MS) draw(progress)
    },
    end,
  }
}

function barOf({ phase, done, of }: Progress): string {
  const share = of === 0 ? 1 : Math.min(1, done / of)
  const cells = Math.round(share * BAR_CELLS)
  const bar = '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells)
  return `${phase.padEnd(10)} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %`
}

function restOf({ done, of, note }: Progress, elapsedMs: number): string {
  const left = done === 0 || done >= of ? 0 : (elapsedMs / done) * (of - done)
  const remaining = left > 1_000 ? `, ${Math.round(left / 1_000)} s left` : ''
  return `  ${note ?? `${number(done)} of ${number(of)}`}${remaining}`
}

function told(screen: Screen): ProgressBar {
  let phase = ''
  let tenth = -1
  return {
    show({ phase: shown, done, of, note }) {
      if (shown !== phase) {
        phase = shown
        tenth = -1
      }
      const reached = of === 0 ? TENTHS : Math.floor((done / of) * TENTHS)
      if (reached <= tenth) return
      tenth = reached
      const behind = note === undefined ? '' : `, ${note}`
      screen.write(`${phase}: ${number(done)} of ${number(of)}${behind}\n`)
    },
    end() {},
  }
}

const number = (value: number) => value.toLocaleString('en-GB')
