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

const inFolder = (context: string, ...names: readonly string[]): readonly string[] =>
  names.map((name) => `src/contexts/${context}/${name}.test.ts`)

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
      ...['reserving', 're-reserving', 'stock', 'stock-commands', 'stock-place', 'stock-changes'],
      ...['record-count', 'recent-moves', 'selling', 'start-transfer', 'receive-transfer'],
      ...['transfer', 'told-late', 'taking-back'],
    ],
    tests: [
      ...inFolder('inventory', 'stock', 'stock-fields', 'reservation', 'availability'),
      ...inFolder('inventory', 'backorder', 'transfer', 'told-late', 'record-count', 'selling'),
      ...inFolder('returns', 'return-rules'),
    ],
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
    files: [
      ...['compensation', 'order-lines', 'order-payments', 'pay-order', 'payment-outcome'],
      ...['cancel-lines', 'change-order', 'order', 'order-discounts', 'order-line', 'order-money'],
      ...['refund-elsewhere', 'ship-order', 'told-lines'],
    ],
    tests: [
      ...inFolder('orders', 'order-rules', 'order-lines', 'order-line', 'order-parts'),
      ...inFolder('orders', 'payment-rules', 'compensation', 'order-payments', 'refund-elsewhere'),
      ...inFolder('returns', 'return-rules'),
    ],
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/returns',
    files: ['close-return', 'receive-return', 'request-return', 'return'],
    tests: ['src/contexts/returns/*.test.ts'],
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/sales',
    files: [
      ...['booking', 'cash-session', 'complete-sale', 'refund-sale', 'refund-without-sale'],
      ...['register', 'ring-up', 'sale-items', 'sale-moment', 'sale-number', 'sale-steps'],
      'tendering',
    ],
    tests: [
      ...inFolder('sales', 'sale-rules', 'till-rules', 'refund-rules', 'refund-booking'),
      ...inFolder('sales', 'tendering', 'tender-refusals'),
    ],
  },
  {
    group: 'money and stock',
    folder: 'src/contexts/customers',
    files: ['balance', 'balance-commands', 'buyer'],
    tests: inFolder('customers', 'customer'),
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
