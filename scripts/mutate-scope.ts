// What is mutated, and which tests have to notice: the kernel, and the rules of money and stock.
// The tests are the fast ones, without a log or a clock: a rule that only a slow test holds is not
// held well.
import { globSync } from 'node:fs'
import { join, sep } from 'node:path'

export const ROOT = join(import.meta.dirname, '..')
export const SCORE_MIN = 80

export const GROUPS = ['kernel', 'money and stock'] as const
export type Area = {
  readonly group: (typeof GROUPS)[number]
  readonly folder: string
  /** Absent: all files of the folder. */
  readonly files?: readonly string[]
  readonly tests: readonly string[]
}

const AREAS: readonly Area[] = [
  { group: 'kernel', folder: 'src/kernel', tests: ['src/kernel/*.test.ts'] },
  {
    group: 'money and stock',
    folder: 'src/contexts/catalog',
    files: [
      ...['amount-reader', 'create-product', 'price-history', 'price-queries', 'product'],
      'update-product',
    ],
    tests: ['src/contexts/catalog/*.test.ts'],
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/inventory',
    files: [
      ...['availability', 'reservation', 'reservation-commands', 'reserve-commands'],
      ...['reserving', 'stock', 'stock-commands', 'stock-place'],
    ],
    tests: ['stock', 'stock-fields', 'reservation', 'availability'].map(
      (name) => `src/contexts/inventory/${name}.test.ts`,
    ),
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/pricing',
    files: ['apportion', 'cash', 'part-of-line', 'price-lines', 'rates'],
    tests: ['src/contexts/pricing/*.test.ts'],
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/payments',
    files: ['payment', 'payment-operations', 'payment-requests'],
    tests: ['src/contexts/payments/*.test.ts'],
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/orders',
    files: ['compensation', 'order-lines', 'order-payments', 'pay-order', 'payment-outcome'],
    tests: ['order-rules', 'order-lines', 'payment-rules', 'compensation', 'order-payments'].map(
      (name) => `src/contexts/orders/${name}.test.ts`,
    ),
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/returns',
    files: ['return'],
    tests: ['src/contexts/returns/*.test.ts'],
  },
]

export type Subject = { readonly path: string; readonly area: Area }

/** All files in scope, in a fixed order. */
export const subjects = (): readonly Subject[] =>
  AREAS.flatMap((area) => filesOf(area).map((path) => ({ path: path.split(sep).join('/'), area })))

const filesOf = ({ folder, files }: Area): readonly string[] =>
  files?.map((name) => `${folder}/${name}.ts`) ??
  globSync(`${folder}/*.ts`, { cwd: ROOT })
    .filter((path) => !path.endsWith('.test.ts'))
    .sort()
