// The log says what failed, and is not filled by a store that is away for a while.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Unavailable } from '#storage/unavailable.ts'
import { type Failure, failureLines } from './failure-lines.ts'

const AWAY = new Unavailable('PostgreSQL at db/shop cannot be reached: ECONNREFUSED')

function failing() {
  const lines: string[] = []
  let ms = 0
  const fail = failureLines(
    (line) => lines.push(line),
    () => ms,
  )
  return {
    told: () => lines.map((line) => JSON.parse(line)),
    later: (by: number) => {
      ms += by
    },
    fail: (more: Partial<Failure> = {}) =>
      fail({
        error: AWAY,
        code: 'unavailable',
        status: 503,
        method: 'POST',
        path: '/api/v1/orders',
        correlationId: 'find-me',
        ...more,
      }),
  }
}

describe('the lines of failed requests', () => {
  test('say what failed, without a trace of where when nothing is broken', () => {
    const { fail, told } = failing()
    fail()
    deepEqual(told(), [
      {
        level: 'error',
        time: '1970-01-01T00:00:00.000Z',
        message: 'POST /api/v1/orders failed',
        status: 503,
        code: 'unavailable',
        correlation_id: 'find-me',
        error: String(AWAY),
      },
    ])
  })

  test('are one a second while a store is away, each with how many it stands for', () => {
    const { fail, told, later } = failing()
    for (let i = 0; i < 3_000; i++) {
      fail()
      later(1)
    }
    deepEqual(
      told().map(({ more_like_it }) => more_like_it),
      [undefined, 999, 999],
    )
    fail({ code: 'circuit_open' })
    equal(told().length, 4, 'something else is told at once')
  })

  test('of bugs and of unknown outcomes are all told, and a bug with where it was', () => {
    const { fail, told } = failing()
    const bug = { error: new TypeError('undefined'), code: 'internal_error', status: 500 }
    for (let i = 0; i < 3; i++) fail(bug)
    for (let i = 0; i < 3; i++) fail({ code: 'outcome_unknown' })
    equal(told().length, 6)
    match(told()[0].error, /failure-lines\.test\.ts/)
    ok(told().every((line) => !('more_like_it' in line)))
  })
})
