// What every engine of a provider's book must hold.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { BookName, ProviderBook } from './book.ts'

/** Each says how many stood there before it: two that judged the same account are seen. */
type Entry = { readonly operation_id: string; readonly amount: number; readonly before: number }
type Book = ProviderBook<Entry>

export type BookStore = {
  open(name: BookName): Promise<Book>
  /** Whether another handle on the store sees the same book. */
  readonly isShared: boolean
  remove(): Promise<void>
}

const judged = (operation_id: string, amount = 1) => {
  const judge = (account: readonly Entry[]): Entry => ({
    operation_id,
    amount,
    before: account.length,
  })
  return judge
}
const take = (book: Book, operation_id: string, account = 'a', onTheWay?: () => Promise<unknown>) =>
  book.carryOut({ operation_id, account }, judged(operation_id), onTheWay)

/** A call that has begun and arrives when it is told to. */
async function slowly(book: Book, operation_id: string) {
  const begun = gate()
  const arriving = gate()
  const answer = take(book, operation_id, 'a', () => {
    begun.open()
    return arriving.opened
  })
  await begun.opened
  return {
    arrive: () => {
      arriving.open()
      return answer
    },
  }
}
function gate() {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  return { open, opened }
}

export function bookContract(name: string, make: () => Promise<BookStore>): void {
  describe(`ProviderBook: ${name}`, () => {
    let store: BookStore
    let book: Book
    let other: Book
    beforeEach(async () => {
      store = await make()
      book = await store.open('payments')
      other = store.isShared ? await store.open('payments') : book
    })
    afterEach(async () => {
      await book.close()
      await other.close()
      await store.remove()
    })

    it('records the first call under an id, and gives it to every later one', async () => {
      const first = await book.carryOut({ operation_id: 'o1', account: 'a' }, judged('o1', 5))
      deepEqual(first, { operation_id: 'o1', amount: 5, before: 0 })
      for (const account of ['a', 'b'])
        deepEqual(
          await other.carryOut({ operation_id: 'o1', account }, judged('o1', 999)),
          first,
          account,
        )
      deepEqual(await other.entries(), [first])
    })

    it('judges by what the account holds, in order, and by no other account', async () => {
      await take(book, 'o1')
      await take(other, 'x1', 'b')
      await take(other, 'o2')
      const seen: (readonly Entry[])[] = []
      await book.carryOut({ operation_id: 'o3', account: 'a' }, (account) => {
        seen.push(account)
        return judged('o3')(account)
      })
      deepEqual(seen, [
        [
          { operation_id: 'o1', amount: 1, before: 0 },
          { operation_id: 'o2', amount: 1, before: 1 },
        ],
      ])
      deepEqual(
        (await other.entries('a')).map(({ operation_id }) => operation_id),
        ['o1', 'o2', 'o3'],
      )
      deepEqual(await other.entries('nobody'), [])
    })

    it('carries one operation out once, however many ask at the same moment', async () => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          (i % 2 === 0 ? book : other).carryOut(
            { operation_id: 'o1', account: 'a' },
            judged('o1', i),
          ),
        ),
      )
      equal(new Set(answers.map((entry) => JSON.stringify(entry))).size, 1)
      equal((await book.entries()).length, 1)
    })

    it('lets no two operations of one moment judge the same account', async () => {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) => take(i % 2 === 0 ? book : other, `o${i}`)),
      )
      deepEqual(
        answers.map((entry) => entry?.before).sort((a, b) => a! - b!),
        Array.from({ length: 40 }, (_, i) => i),
      )
      deepEqual(
        (await book.entries('a')).map(({ before }) => before),
        Array.from({ length: 40 }, (_, i) => i),
      )
    })

    it('finds what was recorded, in any process, and nothing else', async () => {
      const entry = await take(book, 'o1')
      deepEqual(await other.find('o1'), entry)
      equal(await other.find('o2'), null)
      deepEqual(await other.entries(), [entry])
    })

    it('does nothing for a call on its way when somebody was told that it is not there', async () => {
      const late = await slowly(book, 'o1')
      equal(await other.find('o1'), null)
      equal(await late.arrive(), null)
      equal(await other.find('o1'), null)
      deepEqual(await other.entries(), [])
    })

    it('carries it out when it begins after that', async () => {
      for (let i = 0; i < 3; i++) equal(await other.find('o1'), null)
      const entry = await take(book, 'o1', 'a', async () => {})
      deepEqual(entry, { operation_id: 'o1', amount: 1, before: 0 })
      deepEqual(await other.find('o1'), entry)
      deepEqual(await other.entries('a'), [entry])
    })

    it('gives a call on its way the entry of a faster one', async () => {
      const slow = await slowly(book, 'o1')
      equal(await other.find('o1'), null)
      const fast = await take(other, 'o1')
      deepEqual(await slow.arrive(), fast)
      equal((await book.entries()).length, 1)
    })

    it('either finds a call that arrives at that moment, or keeps it from being done', async (t) => {
      let kept = 0
      for (let round = 0; round < 40; round++) {
        const id = `o${round}`
        const call = await slowly(book, id)
        const look = async () => {
          for (let turns = round % 8; turns > 0; turns--) await setImmediate()
          return await other.find(id)
        }
        const [entry, found] = await Promise.all([call.arrive(), look()])
        deepEqual(found, entry)
        deepEqual(await other.find(id), entry)
        if (entry === null) kept++
      }
      t.diagnostic(`${kept} of 40 were kept from it`)
      ok(kept > 0 && kept < 40, 'always the same one was faster')
    })

    it('judges again from a fresh view after a judgement that threw', async () => {
      const broken = book.carryOut({ operation_id: 'o1', account: 'a' }, () => {
        throw new Error('no')
      })
      await rejects(broken, /no/)
      equal((await take(book, 'o1'))?.before, 0)
    })

    it('keeps books of different names apart', async () => {
      const labels = await store.open('labels')
      await take(book, 'o1')
      equal(await labels.find('o1'), null)
      equal((await take(labels, 'o1'))?.before, 0)
      deepEqual([(await book.entries()).length, (await labels.entries()).length], [1, 1])
      await labels.close()
    })

    it('gives its operations by id, page by page, and takes them back in any order', async () => {
      for (const [id, account] of [
        ['o3', 'a'],
        ['O4', 'b'],
        ['o1', 'a'],
        ['o2', 'a'],
      ] as const)
        await take(book, id, account)
      equal(await book.find('nothing'), null)
      const [first, rest] = [await other.page('', 3), await other.page('o2', 9)]
      const all = [...first, ...rest]
      deepEqual(
        all.map(({ operation_id, account, number }) => [operation_id, account, number]),
        [
          ['O4', 'b', 0],
          ['o1', 'a', 1],
          ['o2', 'a', 2],
          ['o3', 'a', 0],
        ],
      )
      const labels = await store.open('labels')
      // An answer that is there already is not taken away.
      const own = await take(labels, 'o3')
      await labels.restore(all.slice(0, 2))
      await labels.restore(all)
      deepEqual(await labels.find('o3'), own)
      deepEqual((await labels.page('', 9)).slice(0, 3), all.slice(0, 3))
      deepEqual(
        (await labels.entries('a')).map(({ operation_id }) => operation_id),
        ['o3', 'o1', 'o2'],
      )
      equal((await take(labels, 'o5'))?.before, 3)
      await labels.close()
    })

    it('takes ids and accounts of any text', async () => {
      const odd = `'";--\\%_ é 漢 ${'x'.repeat(300)}`
      const entry = await take(book, odd, odd)
      deepEqual(await other.find(odd), entry)
      deepEqual(await other.entries(odd), [entry])
    })

    it('knows it all after opening again, also whom it told what', async (t) => {
      if (!store.isShared) return t.skip(`${name} keeps nothing`)
      const entry = await take(book, 'o1')
      const late = await slowly(book, 'late')
      await other.close()
      other = await store.open('payments')
      deepEqual(await other.find('o1'), entry)
      equal(await other.find('late'), null)
      await other.close()
      other = await store.open('payments')
      equal(await late.arrive(), null)
      equal((await take(other, 'o2'))?.before, 1)
    })
  })
}
