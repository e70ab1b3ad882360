// Erasures in words.
import { erasure } from '#contexts/privacy/public.ts'
import { type Words, wordsFor } from './words.ts'

export const wordsOfPrivacy: Words = wordsFor(erasure, {
  ErasureRequested: ({ kind, forced }) =>
    `Erasure of the ${kind} asked for${forced ? ', whatever is open' : ''}`,
  OrderErased: () => 'The address of a guest’s order is shown no more',
  PersonalKeyDestroyed: () => 'The key is destroyed: nobody can read it any more',
})
