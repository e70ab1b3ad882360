// Power loss: a program's work on its files is written down call by call; then, for many a moment,
// the disk is built as a power cut at that moment may leave it, and opened. RECORD once, replay
// many: IMAGES asks for more of them.
import { equal, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { absent } from '#testing/absent.ts'
import { type Chance, type Disk, lossyDisk } from '#testing/disk-image.ts'
import { judgeStore } from '#testing/disk-judge.ts'
import { attemptsIn, type DiskWork, linesIn } from '#testing/disk-lines.ts'
import { DISK_CALLS, type DiskStep, diskSteps } from '#testing/disk-trace.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { again } from '#testing/sample-appends.ts'
import { runToEnd, straceCommand, straceMissing } from '#testing/strace.ts'

const WRITER = join(import.meta.dirname, '..', '..', 'testing', 'disk-writer.ts')
/** Syncs that fail, each in a run of its own. */
const FAILURES = 3
const IMAGES = Number(process.env.IMAGES ?? 120)
/** In memory where there is such a place: images need no disk of their own. */
const IMAGES_IN = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

if (straceMissing !== null) absent('strace', straceMissing, 'power loss')
else describePowerLoss()

function describePowerLoss(): void {
  const seed = seedOfRun()
  describe(`power loss (SEED=${seed})`, () => {
    let folder: string
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'daybook-power-'))
    })
    after(() => rmSync(folder, { recursive: true }))

    const recorded = async (
      work: Partial<DiskWork> & { readonly name: string },
      inject: readonly string[] = [],
      place = join(folder, work.name),
    ) => {
      mkdirSync(place, { recursive: true })
      const output = join(folder, `${work.name}.trace`)
      const asked: DiskWork = { folder: place, seed, rounds: 40, ...work }
      const { code, signal, out, err } = await runToEnd(
        straceCommand({ trace: DISK_CALLS, inject, output }, [
          process.execPath,
          WRITER,
          JSON.stringify(asked),
        ]),
      )
      equal(signal, work.crashAt === undefined ? null : 'SIGKILL', err)
      equal(code, work.crashAt === undefined ? 0 : null, err)
      const steps = diskSteps(readFileSync(output, 'utf8'), place)
      ok(said(steps) === out, 'the trace does not hold what was said')
      return { place, steps }
    }

    it('what was acknowledged is there, whole, with its keys, seals and rows', async (t) => {
      const { place, steps } = await recorded({ name: 'careful' })
      const { problems, images, cut } = await replay(place, steps, seed)
      t.diagnostic(`${images} images of ${steps.length} steps; ${cut} changes were not synced`)
      equal(problems.length, 0, problems.slice(0, 8).join('\n'))
      ok(images >= IMAGES && cut > 0)
    })

    it('the same, careless (synchronous=NORMAL), loses what it acknowledged', async (t) => {
      const { place, steps } = await recorded({ name: 'careless', careless: true })
      const { problems, images } = await replay(place, steps, seed)
      const lost = problems.filter((problem) => /acknowledged, and is not in the log/.test(problem))
      t.diagnostic(`${lost.length} acknowledged appends lost in ${images} images`)
      ok(lost.length > 0, 'a test that does not notice this notices nothing')
    })

    it('a sync that failed is made good before anybody is told from what it left', async (t) => {
      // The system marks what a failed sync leaves as clean: it is read, and was never written.
      const random = seeded(seed)
      let [repeated, images] = [0, 0]
      for (let round = 0; round < FAILURES; round++) {
        const quiet = { checkpoints: false, reopens: false }
        const fault = `fsync:error=EIO:when=${random.int(14, 30)}`
        const crashAt = { point: 'after failure', count: 1 } as const
        const before = await recorded({ name: `before-${round}`, crashAt, ...quiet }, [fault])
        const unknown = attemptsIn(linesIn(said(before.steps)))
          .filter(({ outcome }) => outcome === 'unknown')
          .map(({ append: asked }) => again(asked))
        ok(
          before.steps.some((step) => step.do === 'failed sync'),
          'no sync failed',
        )
        const after = await recorded(
          { name: `after-${round}`, rounds: 2, first: unknown, ...quiet },
          [],
          before.place,
        )
        repeated += unknown.length
        const all = [...before.steps, ...after.steps]
        const found = await replay(before.place, all, seed, before.steps.length, IMAGES / 6)
        images += found.images
        equal(found.problems.length, 0, found.problems.slice(0, 8).join('\n'))
      }
      t.diagnostic(`${repeated} appends asked for again; ${images} images`)
      ok(repeated > 0, 'nobody asked again')
    })
  })
}

const said = (steps: readonly DiskStep[]) =>
  steps.map((step) => (step.do === 'say' ? step.text : '')).join('')

/** Cuts the power at moments all over the run; half of the images keep only what was synced. */
async function replay(
  place: string,
  steps: readonly DiskStep[],
  seed: number,
  from = 0,
  wanted = IMAGES,
) {
  const random = seeded(seed)
  const disk = lossyDisk(place)
  const problems: string[] = []
  const every = (steps.length - from) / (wanted / 2)
  let [images, cut, told, next] = [0, 0, '', from]
  for (const [i, step] of steps.entries()) {
    disk.take(step)
    if (step.do === 'say') told += step.text
    if (i < next && i !== steps.length - 1) continue
    next += every
    for (const chance of [null, () => random.chance(0.5)] satisfies Chance[]) {
      const found = await judged(disk, chance, told)
      problems.push(...found.map((problem) => `step ${i}: ${problem}`))
      images++
      cut += chance === null ? disk.pending() : 0
    }
  }
  return { problems, images, cut }
}

async function judged(disk: Disk, chance: Chance, told: string): Promise<readonly string[]> {
  const target = mkdtempSync(join(IMAGES_IN, 'daybook-image-'))
  try {
    disk.image(target, chance)
    return (await judgeStore(target, linesIn(told))).problems
  } catch (error) {
    return [`it does not open: ${String(error)}`]
  } finally {
    rmSync(target, { recursive: true })
  }
}
