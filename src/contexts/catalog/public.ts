// The catalogue's door: what other contexts may know of products.
export { type AmountReader, amountReader, hasErrors, QUANTITY_MAX } from './amount-reader.ts'
export { department } from './department.ts'
export { type Product, type ProductState, product } from './product.ts'
export { answered, productAnswer } from './product-answer.ts'
export { codeName, productIdOf } from './product-code.ts'
export { type ProductRow, productReadView } from './product-read-view.ts'
export { type PriceInForce, priceAt } from './scheduled-price.ts'
export { unit } from './unit.ts'
