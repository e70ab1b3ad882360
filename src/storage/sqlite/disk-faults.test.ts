// A disk that fails or is full, once or from then on, under the writer of every file: reading goes
// on, nothing is half, what was told to have failed is not there, and asking again settles the
// rest.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { absent } from '#testing/absent.ts'
import { judgeStore } from '#testing/disk-judge.ts'
import { type DiskLine, type DiskWork, placesIn } from '#testing/disk-lines.ts'
import { askAgain, type DiskRun, runDiskWriter } from '#testing/disk-run.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { straceMissing } from '#testing/strace.ts'

const seed = seedOfRun()
const random = seeded(seed)
const ROUNDS = 30
/** The log has its tables by then. */
const FIRST = { fsync: 8, pwrite64: 30 }

describe(`disk faults (SEED=${seed})`, () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-disk-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const work = (): DiskWork => ({
    folder,
    seed,
    name: 'f',
    rounds: ROUNDS,
    checkpoints: false,
    reopens: false,
  })

  /** What the run left is sound, and so it is after everybody has asked again. */
  const judged = async (lines: readonly DiskLine[]) => {
    deepEqual((await judgeStore(folder, lines)).problems, [])
    const more = await askAgain(folder, lines)
    deepEqual((await judgeStore(folder, more)).problems, [])
    for (const line of lines)
      if ('readable' in line) ok(line.readable >= line.head, 'reading did not go on')
  }

  if (straceMissing !== null) absent('strace', straceMissing, 'faults of the disk')
  else {
    const broken = async (call: keyof typeof FIRST, error: string, ever: boolean) => {
      const when = `${random.int(FIRST[call], FIRST[call] + 10)}${ever ? '+' : ''}`
      const inject = [`${call}:error=${error}:when=${when}`]
      const only = `${placesIn(folder).log}-wal`
      return await runDiskWriter(work(), { straced: { trace: call, inject, only } })
    }
    for (const ever of [false, true]) {
      const times = ever ? 'from then on' : 'once'
      for (const call of ['fsync', 'pwrite64'] as const)
        it(`EIO at ${call}, ${times}: the log stops writing, and says that it does not know`, async (t) => {
          const { lines, code, err } = await broken(call, 'EIO', ever)
          equal(code, 0, err)
          const { failed, toldAfter } = failures(lines)
          t.diagnostic(`${failed.length} appends failed, ${toldAfter} were told after the first`)
          ok(failed.length > 0, 'no fault met the log')
          for (const { error, message } of failed) {
            equal(error, 'OutcomeUnknown')
            match(message, /the disk failed .*shop\.db.*retry with the same key/)
          }
          equal(toldAfter, 0, 'it went on after a failed commit')
          await judged(lines)
        })

      it(`ENOSPC, ${times}: nothing of it is stored, and it goes on when there is room`, async (t) => {
        const { lines, code, err } = await broken('pwrite64', 'ENOSPC', ever)
        equal(code, 0, err)
        const { failed, toldAfter } = failures(lines)
        t.diagnostic(`${failed.length} appends failed, ${toldAfter} were told after the first`)
        ok(failed.length > 0, 'no fault met the log')
        for (const { error, message } of failed) {
          equal(error, 'StorageFull')
          match(message, /no room .*shop\.db/)
        }
        equal(toldAfter > 0, !ever)
        await judged(lines)
      })
    }
  }

  it('a limit on the file’s size, by SQLite: as a full disk, and room is made by a restart', async (t) => {
    const { lines, code, err } = await runDiskWriter({
      ...work(),
      rounds: 120,
      pageLimit: 10,
      careless: true,
    })
    equal(code, 0, err)
    const { failed } = failures(lines)
    t.diagnostic(`${failed.length} appends failed`)
    ok(failed.length > 0)
    for (const { error } of failed) equal(error, 'StorageFull')
    await judged(lines)
  })

  it('a limit on files, by the shell: not known, and a restart without it goes on', async (t) => {
    const run = await runDiskWriter({ ...work(), rounds: 120 }, { before: 'ulimit -f 300' })
    await met(run, t.diagnostic.bind(t))
  })
  const met = async ({ lines, code, err }: DiskRun, tell: (text: string) => void) => {
    equal(code, 0, err)
    const { failed, toldAfter } = failures(lines)
    tell(`${failed.length} appends failed`)
    ok(failed.length > 0)
    for (const { error } of failed) equal(error, 'OutcomeUnknown')
    equal(toldAfter, 0)
    await judged(lines)
  }
})

/** Of the log; `toldAfter` counts appends that were written after the first that failed. */
function failures(lines: readonly DiskLine[]) {
  const failed = lines.filter((line) => 'failed' in line)
  const first = lines.findIndex((line) => 'failed' in line)
  const asked = new Set(
    lines.slice(Math.max(0, first)).flatMap((line) => ('ask' in line ? [line.ask] : [])),
  )
  const toldAfter = lines.filter(
    (line) => 'told' in line && line.verdict.ok && asked.has(line.told),
  ).length
  return { failed, toldAfter }
}
