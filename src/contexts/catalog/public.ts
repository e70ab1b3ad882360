// The catalogue's door: what other contexts may know of products.
export type { Product, ProductState } from './product.ts'
export { product } from './product.ts'
