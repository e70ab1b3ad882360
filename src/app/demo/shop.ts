// What stands in the demonstration shop before its first customer: stores, shelves, goods, people.
// All ids are made from names, so that the same command sent again does nothing twice.
import { v5 } from 'uuid'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { type Random, seeded } from '#testing/random.ts'
import { DEPARTMENTS, GOODS, type Good } from './goods.ts'
import { PEOPLE } from './people.ts'

const NAMESPACE = '0d2c5f0e-6a0b-5b0a-8f5e-64656d6f0001'
export const idOf = (...parts: readonly (string | number)[]): string =>
  v5(parts.join('\n'), NAMESPACE)

/** Chances that are the same whenever they are drawn for the same thing. */
export const randomOf = (key: string): Random =>
  seeded(Number.parseInt(idOf('chance', key).slice(0, 8), 16))

/** A command, and when it is said to have happened. */
export type Deed = {
  readonly type: string
  readonly input: object
  readonly at: string
  /** Names the deed: the command's id is made of it. */
  readonly key: string
  /** Who did it, where somebody of the shop did. */
  readonly user_id?: string
}

export const STORES = [
  { store_id: MAIN_STORE_ID, name: 'Harbour Street', timezone: 'Europe/Berlin', share: 0.65 },
  {
    store_id: idOf('store', 'kiosk'),
    name: 'Station Kiosk',
    timezone: 'Europe/Berlin',
    share: 0.35,
  },
] as const
export const [MAIN, KIOSK] = STORES
export const CLERKS = ['marta', 'tom'] as const

export const productId = ({ code }: Pick<Good, 'code'>): string => idOf('product', code)
export const customerId = (number: number): string => idOf('customer', number)
const PIECE = idOf('unit', 'piece')
const departmentId = (name: string) => idOf('department', name)

/** Of which there is one, so that it runs out: what is ordered then waits for the next delivery. */
const SCARCE = ['DSK-LAMP', 'GFT-GLOBE', 'DSK-TRAY'] as const
const isScarce = ({ code }: Good) => SCARCE.some((one) => one === code)
const BACKORDERS = '12'

/** Enough for about three weeks. */
export const openingStock = ({ liking }: Good, store: { readonly share: number }): number =>
  Math.ceil((liking * 14 + 10) * store.share)

export function openingOf(at: string): readonly Deed[] {
  const deed = (type: string, key: string, input: object): Deed => ({ type, key, at, input })
  return [
    deed('UpdateStore', 'main store', {
      store_id: MAIN.store_id,
      name: MAIN.name,
      kind: 'shop',
      timezone: MAIN.timezone,
    }),
    deed('CreateStore', 'kiosk', {
      store_id: KIOSK.store_id,
      name: KIOSK.name,
      timezone: KIOSK.timezone,
    }),
    deed('CreateUnit', 'unit', { unit_id: PIECE, name: 'Piece', symbol: 'pc', precision: 0 }),
    ...DEPARTMENTS.map((name) =>
      deed('CreateDepartment', `department ${name}`, { department_id: departmentId(name), name }),
    ),
    ...GOODS.map((good) => deed('CreateProduct', `product ${good.code}`, productOf(good))),
    ...PEOPLE.map(({ name, email, city, country, credit_limit }, number) =>
      deed('RegisterCustomer', `customer ${number}`, {
        customer_id: customerId(number),
        name,
        email,
        addresses: [{ name, street: `Quay ${number + 1}`, city, country }],
        ...(credit_limit === undefined ? {} : { credit_limit }),
      }),
    ),
    ...CLERKS.map((name, n) =>
      deed('CreateUser', `clerk ${name}`, {
        user_id: idOf('user', name),
        name: name === 'marta' ? 'Marta Berg' : 'Tom Reed',
        email: `${name}@harbour.example`,
        age: 31 + 8 * n,
      }),
    ),
    ...STORES.flatMap((store) =>
      GOODS.map((good) =>
        deed('AddStock', `opening ${store.name} ${good.code}`, {
          product_id: productId(good),
          store_id: store.store_id,
          quantity: String(isScarce(good) ? 1 : openingStock(good, store)),
          reason: 'opening stock',
          unit_cost: good.cost,
        }),
      ),
    ),
    ...SCARCE.map((code) =>
      deed('UpdateInventory', `backorders ${code}`, {
        product_id: productId({ code }),
        backorder_limit: BACKORDERS,
      }),
    ),
  ]
}

const productOf = ({ code, name, description, price, cost, department, liking }: Good) => ({
  product_id: idOf('product', code),
  code,
  name,
  description,
  sell_price: price,
  cost_price: cost,
  department_id: departmentId(department),
  unit_id: PIECE,
  min_stock: String(liking * 3),
})
