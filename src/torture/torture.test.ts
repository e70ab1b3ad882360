// The torture as users run it, in a small way, and with faults planted: what it does not notice it
// does not prove. SECONDS=600 tortures for longer, BREAKS=all plants all of them, SEED=… repeats.
import { equal, ok } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { changed } from '#testing/broken-module.ts'
import { inherited } from '#testing/inherited.ts'
import { onPostgres } from '#testing/postgres-server.ts'
import { seeded, seedOfRun } from '#testing/random.ts'
import { BREAKS, type Break } from './breaks.ts'
import { runBroken } from './broken-run.ts'

const SEED = seedOfRun()
const ROOT = join(import.meta.dirname, '..')
const SECONDS = process.env.SECONDS ?? '12'
const PLANTED = 2
/** On a machine that is many times as slow, too. */
const REST = '400'

const tortured = async (...argv: readonly string[]) => {
  const all = ['torture', '--seconds', SECONDS, '--rest', REST, '--seed', String(SEED), ...argv]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'app', 'main.ts'), ...all],
    { env: inherited(), maxBuffer: 1 << 26 },
  ).catch(({ stdout, stderr }) => ({ stdout: `${stdout}${stderr}` }))
  return stdout
}
const held = (said: string) => {
  ok(said.includes('Every promise held. Lost: 0.'), said)
  ok(/[1-9][0-9,]* process (killed|stopped)/.test(said), `nobody was ended: ${said}`)
  ok(/[1-9][0-9,]* clock wrong/.test(said), `no clock was wrong: ${said}`)
}

describe(`torture (SEED=${SEED})`, () => {
  it('on SQLite every promise holds', async () => held(await tortured()))

  it('every fault can still be planted where it is meant to be', () => {
    for (const { name, changes } of BREAKS) {
      ok(changes.length > 0, name)
      const files = Map.groupBy(changes, ({ file }) => file)
      for (const [file, all] of files) all.reduce(changed, readFileSync(join(ROOT, file), 'utf8'))
    }
  })

  const all = process.env.BREAKS === 'all'
  const planted = seeded(SEED).shuffled(BREAKS.filter(({ store }) => store === undefined))
  for (const one of all ? BREAKS : planted.slice(0, PLANTED))
    it(`notices that ${one.name}`, async (t) => await noticed(one, (line) => t.diagnostic(line)))
})

async function noticed(one: Break, tell: (line: string) => void): Promise<void> {
  const { code, noticed, said } = await runBroken(one, SEED)
  equal(code, 1, said)
  ok(noticed !== null, said)
  tell(noticed)
}

await onPostgres('torture of many processes on a server of its own', () => {
  it(`every promise holds (SEED=${SEED})`, async () => {
    const said = await tortured('--store', 'postgres', '--processes', 'many')
    held(said)
    ok(/[1-9]\d* database killed/.test(said), said)
  })
})
