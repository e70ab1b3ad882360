// A store whose process dies at a chosen place: at its n-th call to the disk, for n = 1, 2, 3 …
// until a run ends by itself, and at places that have a name. KILL_STEP=1 leaves no call out.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { absent } from '#testing/absent.ts'
import { judgeStore } from '#testing/disk-judge.ts'
import type { DiskLine, DiskPoint, DiskWork } from '#testing/disk-lines.ts'
import { askAgain, runDiskWriter } from '#testing/disk-run.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { straceMissing } from '#testing/strace.ts'

/** How many calls lie between two kills; there are many writes, and few of the rest. */
const STEPS = { fsync: 5, pwrite64: 25, ftruncate: 3, unlink: 4 }
const POINTS: readonly DiskPoint[] = [
  'after key',
  'before append',
  'after append',
  'before fold',
  'after fold',
]
const seed = seedOfRun()
const random = seeded(seed)

describe(`kill points (SEED=${seed})`, () => {
  let folder: string
  let runs = 0
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-kills-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const work = (rounds: number): DiskWork => ({
    folder: join(folder, `${runs++}`),
    seed,
    name: 'k',
    rounds,
  })

  for (const point of POINTS)
    it(`dies ${point}: nothing acknowledged is lost, nothing is half, all goes on`, async () => {
      const count = random.int(1, 4)
      const asked = { ...work(40), crashAt: { point, count } }
      const { signal, lines, err } = await runDiskWriter(asked)
      equal(signal, 'SIGKILL', `it was never there: ${err}`)
      await judgeTwice(asked.folder, lines)
    })

  if (straceMissing !== null) absent('strace', straceMissing, 'kills at calls to the disk')
  else
    for (const [call, step] of Object.entries(STEPS))
      it(`dies at its n-th ${call}`, async (t) => {
        const by = Number(process.env.KILL_STEP ?? step)
        let [kills, unanswered] = [0, 0]
        for (let n = random.int(1, by); ; n += by) {
          const asked = work(4)
          const inject = [`${call}:signal=KILL:when=${n}`]
          const { code, signal, lines, err } = await runDiskWriter(asked, {
            straced: { trace: call, inject },
          })
          if (lines.length > 0 || signal === null)
            unanswered += await judgeTwice(asked.folder, lines)
          if (signal === null) {
            equal(code, 0, err)
            break
          }
          kills++
        }
        t.diagnostic(`${kills} kills, ${unanswered} appends of theirs asked for again`)
        ok(kills > 0, 'no kill happened')
      })
})

/** As it is, and after those who got no answer have asked again. How many these were. */
async function judgeTwice(folder: string, lines: readonly DiskLine[]): Promise<number> {
  deepEqual((await judgeStore(folder, lines)).problems, [])
  const more = await askAgain(folder, lines)
  deepEqual((await judgeStore(folder, more)).problems, [])
  return (more.length - lines.length) / 2
}
