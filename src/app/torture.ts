// `daybook torture`: reads what is asked, shows how far it is, prints what came of it.
import { styleText } from 'node:util'
import { reportLines } from '#torture/report.ts'
import { torture } from '#torture/torture.ts'
import { progressBar } from './import/progress.ts'

export type TortureFlags = {
  readonly store: string
  readonly processes: string
  readonly seconds: number
  readonly buyers: number
  readonly seed: number
  readonly rest: number
  readonly progress: boolean
}

const SAID_LINES = 20
const cut = (line: string) => `${line.slice(0, 400)}\n`

export async function runTorture(flags: TortureFlags): Promise<void> {
  const { store, processes, seconds, buyers, seed } = flags
  if (!['one', 'many'].includes(processes))
    throw new Error(`--processes takes one or many, not ${processes}`)
  const bar = progressBar(process.stderr, { inLines: flags.progress })
  const options = { store, seconds, buyers, seed, many: processes === 'many' }
  const report = await torture({
    ...options,
    restSeconds: flags.rest,
    // The shop's processes run the file that this one runs.
    main: process.argv[1]!,
    onProgress: (phase, done, of, note) => bar.show({ phase, done, of, note }),
  })
  bar.end()
  const paint = (style: 'green' | 'red' | 'bold', text: string) =>
    process.stdout.isTTY ? styleText(style, text) : text
  const where = `--store ${store} --processes ${processes}`
  const how = `--seconds ${seconds} --buyers ${buyers} --seed ${seed}`
  const again = `daybook torture ${where} ${how}`
  for (const line of reportLines(report, options, again, paint)) process.stdout.write(`${line}\n`)
  if (report.checks.every(({ problems }) => problems.length === 0)) return
  const said = report.complaints.trim().split('\n').slice(-SAID_LINES)
  process.stderr.write(['The processes said, at last:', ...said].map(cut).join(''))
  process.exitCode = 1
}
