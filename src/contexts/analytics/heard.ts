// The events of trade that the numbers are made of.
export const HEARD = ['OrderCreated', 'OrderCancelled', 'ReturnRecorded'] as const
