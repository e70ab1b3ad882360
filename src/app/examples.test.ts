// Every program in examples/ is run, twice, in an empty folder, and what it prints is compared with
// what it says that it prints.
import { equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { printedBy } from '#testing/example-output.ts'

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples')

describe('the examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-example-'))
  after(() => rmSync(folder, { recursive: true }))
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'))

  it('are there', () => ok(names.includes('bank-account.ts')))

  for (const name of names)
    it(`${name} prints what it says, also when it is run again over what it wrote`, () => {
      const path = join(EXAMPLES, name)
      const output = printedBy(readFileSync(path, 'utf8'))
      // The condition takes `daybook/kernel` from the sources; a package has it built.
      const argv = ['--conditions=daybook-source', path]
      for (const time of ['first', 'second'])
        equal(execFileSync(process.execPath, argv, { cwd: folder, encoding: 'utf8' }), output, time)
    })
})
