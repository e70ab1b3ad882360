// Progress is drawn over itself on a terminal; elsewhere it is told in few lines, if at all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { progressBar } from './progress.ts'

function screenOf(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, columns: 60, write: (text: string) => written.push(text), written }
}

test('without a terminal nothing is written unless lines are asked for', () => {
  const screen = screenOf(false)
  const bar = progressBar(screen)
  bar.show({ phase: 'invoices', done: 1, of: 2 })
  bar.end()
  assert.deepEqual(screen.written, [])
})

test('in lines each tenth is one plain line, no more', () => {
  const screen = screenOf(false)
  const bar = progressBar(screen, { inLines: true })
  for (let done = 0; done <= 1000; done++) bar.show({ phase: 'invoices', done, of: 1000 })
  bar.end()
  assert.equal(screen.written.length, 11)
  assert.equal(screen.written.at(-1), 'invoices: 1,000 of 1,000\n')
  assert.ok(screen.written.every((line) => /^[\x20-\x7e]+\n$/.test(line)))
})

test('on a terminal it keeps to one line and its width, drawn ten times a second', () => {
  const screen = screenOf(true)
  let now = 0
  const bar = progressBar(screen, { now: () => now })
  for (let done = 0; done <= 1000; done++) {
    now += 10
    bar.show({ phase: 'invoices', done, of: 1000, note: `${done} orders` })
  }
  bar.end()
  assert.equal(screen.written.at(-1), '\n')
  assert.ok(screen.written.length <= 105, `${screen.written.length} writes`)
  assert.match(screen.written.at(-2)!, /100 %/)
  for (const text of screen.written.slice(0, -1)) {
    assert.ok(text.startsWith('\r\x1b[K'))
    assert.ok(text.length - 4 < 60)
    assert.ok(!text.includes('\n'))
  }
})

test('a new phase leaves the finished one standing above it', () => {
  const screen = screenOf(true)
  const bar = progressBar(screen, { now: () => 0 })
  bar.show({ phase: 'products', done: 3, of: 3 })
  bar.show({ phase: 'invoices', done: 0, of: 9 })
  bar.end()
  const shown = screen.written.join('').split('\n')
  assert.match(shown[0]!, /products.*100 %/)
  assert.match(shown[1]!, /invoices.* 0 %/)
})
