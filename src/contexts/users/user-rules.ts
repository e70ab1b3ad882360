// What fields must be like where a shop says nothing else: `cqrs.validation_rules`. Those of orders
// and payments hold at the door of the generic API; the commands' own rules hold everywhere.
import type { ValidationRules } from '#kernel/validation-rules.ts'

const CURRENCIES = ['USD', 'EUR', 'GBP', 'INR']
const amount = { required: true, min: 0.01 }
const currency = { required: true, enum: CURRENCIES }
const uuid = { required: true, format: 'uuid' } as const

export const STANDARD_RULES: ValidationRules = {
  user: {
    name: { required: true, min_length: 2, max_length: 100 },
    email: { required: true, format: 'email' },
    age: { required: true, min: 18, max: 120 },
  },
  order: { user_id: uuid, amount, currency },
  payment: {
    order_id: uuid,
    amount,
    currency,
    method: {
      required: true,
      enum: ['credit_card', 'debit_card', 'net_banking', 'upi', 'wallet'],
    },
  },
}
