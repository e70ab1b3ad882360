// What stands in the demonstration shop before its first customer: stores, shelves, goods, people.
// All ids are made from names, so that the same command sent again does nothing twice.
import { v5 } from 'uuid'
import { MAIN_STORE_ID } from '#contexts/stores/public.ts'
import { DEPARTMENTS, GOODS, type Good } from './goods.ts'
import { PEOPLE } from './people.ts'

const NAMESPACE = '0d2c5f0e-6a0b-5b0a-8f5e-64656d6f0001'
export const idOf = (...parts: readonly (string | number)[]): string =>
  v5(parts.join('\n'), NAMESPACE)

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
const departmentId = (name: string) => idOf('department', name)

/** Dearer things are kept in smaller numbers. */
export const openingStock = ({ liking }: Good, store: { readonly share: number }): number =>
  Math.ceil((liking * 16 + 12) * store.share)

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
    ...DEPARTMENTS.map((name) =>
      deed('CreateDepartment', `department ${name}`, { department_id: departmentId(name), name }),
    ),
    ...GOODS.map((good) => deed('CreateProduct', `product ${good.code}`, productOf(good))),
    ...PEOPLE.map(({ name, email, city, country, credit_limit }, number) =>
      deed('RegisterCustomer', `customer ${number}`, {
        customer_id: customerId(number),
        name,
        email,
        address: { name, street: `Quay ${number + 1}`, city, country },
        ...(credit_limit === undefined ? {} : { credit_limit }),
      }),
    ),
    ...STORES.flatMap((store) =>
      GOODS.map((good) =>
        deed('AddStock', `opening ${store.name} ${good.code}`, {
          product_id: productId(good),
          store_id: store.store_id,
          quantity: String(openingStock(good, store)),
          reason: 'opening stock',
          unit_cost: good.cost,
        }),
      ),
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
  min_stock: String(liking * 3),
})
