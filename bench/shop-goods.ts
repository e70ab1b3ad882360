// What the shop of the bench sells: many products with more stock than any run can sell, made over
// HTTP.
import { type HttpCaller, httpCaller } from './http-caller.ts'

const PRODUCTS = 200
const STOCK = 100_000_000

export async function stockShop(origin: string): Promise<readonly string[]> {
  const caller = httpCaller(origin)
  const products: string[] = []
  for (let number = 0; number < PRODUCTS; number++) {
    const created = await posted(caller, '/api/v1/products', {
      code: `BENCH-${number}`,
      name: `Product ${number}`,
      sell_price: '3.50',
    })
    const product_id = String(created.product_id)
    await posted(caller, '/api/v1/inventory', { product_id, quantity: STOCK })
    products.push(product_id)
  }
  caller.close()
  return products
}

/** The answer to a command that must succeed. */
export async function posted(
  caller: HttpCaller,
  path: string,
  body: object,
): Promise<Record<string, unknown>> {
  const { status, text } = await caller.call('POST', path, JSON.stringify(body))
  if (status >= 300) throw new Error(`POST ${path} was answered ${status}: ${text}`)
  return JSON.parse(text)
}
