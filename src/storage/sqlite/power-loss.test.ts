// Power loss: a program's work on its files is written down call by call; then, for many a moment,
// the disk is built as a power cut at that moment may leave it, and opened. RECORD once, replay
// many: IMAGES asks for more of them.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { absent } from '#testing/absent.ts'
import { type Chance, lossyDisk } from '#testing/disk-image.ts'
import { judgeStore } from '#testing/disk-judge.ts'
import { type DiskWork, linesIn } from '#testing/disk-lines.ts'
import { DISK_CALLS, type DiskStep, diskSteps } from '#testing/disk-trace.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { runToEnd, straceCommand, straceMissing } from '#testing/strace.ts'

const WRITER = join(import.meta.dirname, '..', '..', 'testing', 'disk-writer.ts')
const IMAGES = Number(process.env.IMAGES ?? 160)
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

    const recorded = async (work: Partial<DiskWork> & { readonly name: string }) => {
      const place = join(folder, work.name)
      mkdirSync(place)
      const output = join(folder, `${work.name}.trace`)
      const asked: DiskWork = { folder: place, seed, rounds: 40, ...work }
      const { code, out, err } = await runToEnd(
        straceCommand({ trace: DISK_CALLS, output }, [
          process.execPath,
          WRITER,
          JSON.stringify(asked),
        ]),
      )
      equal(code, 0, err)
      const steps = diskSteps(readFileSync(output, 'utf8'), place)
      ok(said(steps) === out, 'the trace does not hold what was said')
      return { place, steps }
    }

    it('what was acknowledged is there, whole, with its keys, seals and rows', async (t) => {
      const { place, steps } = await recorded({ name: 'careful' })
      const { problems, images, cut } = await replay(place, steps, seed)
      t.diagnostic(`${images} images of ${steps.length} steps; ${cut} changes were not synced`)
      deepEqual(problems, [])
      ok(images >= IMAGES && cut > 0)
    })

    it('the same, careless (synchronous=NORMAL), loses what it acknowledged', async (t) => {
      const { place, steps } = await recorded({ name: 'careless', careless: true })
      const { problems, images } = await replay(place, steps, seed)
      const lost = problems.filter((problem) => /acknowledged, and is not in the log/.test(problem))
      t.diagnostic(`${lost.length} acknowledged appends lost in ${images} images`)
      ok(lost.length > 0, 'a test that does not notice this notices nothing')
    })
  })
}

const said = (steps: readonly DiskStep[]) =>
  steps.map((step) => (step.do === 'say' ? step.text : '')).join('')

/** Cuts the power at moments all over the run; half of the images keep only what was synced. */
async function replay(place: string, steps: readonly DiskStep[], seed: number) {
  const random = seeded(seed)
  const disk = lossyDisk(place)
  const problems: string[] = []
  let [images, cut] = [0, 0]
  const every = steps.length / (IMAGES / 2)
  for (let i = 0, next = 0; i < steps.length; i++) {
    disk.take(steps[i]!)
    if (i < next && i !== steps.length - 1) continue
    next += every
    const lines = linesIn(said(steps.slice(0, i + 1)))
    for (const chance of [null, () => random.chance(0.5)] satisfies Chance[]) {
      const target = mkdtempSync(join(IMAGES_IN, 'daybook-image-'))
      try {
        disk.image(target, chance)
        const found = await judgeStore(target, lines).catch((error: Error) => ({
          problems: [`it does not open: ${error.message}`],
        }))
        problems.push(...found.problems.map((problem) => `step ${i}: ${problem}`))
      } finally {
        rmSync(target, { recursive: true })
      }
      images++
      cut += chance === null ? disk.pending() : 0
    }
  }
  return { problems, images, cut }
}
