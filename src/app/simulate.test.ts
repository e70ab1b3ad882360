// The command `simulate`, as somebody at a terminal meets it.
import { deepEqual, equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { it } from 'node:test'

const MAIN = join(import.meta.dirname, 'main.ts')

function run(...flags: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'simulate', ...flags], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return { status, stdout, stderr }
}

it('tells what it did, and that every promise was kept', () => {
  const { status, stdout, stderr } = run('--seed', '1', '--histories', '3')
  deepEqual([status, stderr], [0, ''])
  match(stdout, /^seeds from 1\n3 histories, \d+ commands of clients, \d+ events, \d+ crashes\n/)
  match(stdout, /\d+ histories a minute/)
  match(stdout, /\d {2}refused\n/)
  match(stdout, /\d {2}an append was refused for a conflict and tried again\n/)
  match(stdout, /every promise was kept\n$/)
})

it('names the promise that was broken, and the command that shows it again', () => {
  const broken = ['--break', 'keeps-no-records']
  const { status, stdout } = run('--seed', '1', '--histories', '5', ...broken)
  equal(status, 1)
  match(stdout, /seed 1: \d+ findings\n {2}C5 \(a command has one effect and one answer\)\n/)
  const [again] = stdout.match(/npm run daybook -- simulate .*\n$/) ?? ['']
  const flags = again.trim().split(' simulate ')[1]!.split(' ')
  deepEqual(flags, ['--seed', '1', '--histories', '1', '--trace', ...broken])
  const second = run(...flags)
  equal(second.status, 1)
  const told = (text: string) => text.slice(text.indexOf('seed 1: '))
  equal(told(second.stdout), told(stdout))
  match(second.stdout, /^ +0\.000 opening {2}begin\n/)
})

it('knows which parts can be broken', () => {
  const { status, stderr } = run('--break', 'nothing')
  equal(status, 1)
  match(stderr, /--break takes one of ignores-expected-versions, .*, not nothing/)
})
