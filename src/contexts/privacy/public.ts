// The door of privacy: what others may know of erasures.
export { erasure } from './erasure.ts'
export { erasures } from './erasures.ts'
