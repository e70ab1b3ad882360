// The morning of the demonstration shop's last day, at this very time: tills are opened, a shelf is
// counted, a price is planned, somebody looks at what is missing.
import { stockByStore, stockKey } from '#contexts/inventory/public.ts'
import type { ReadModels } from '#storage/read-models.ts'
import { GOODS, type Good } from './goods.ts'
import { type Deed, idOf, KIOSK, MAIN, productId, STORES } from './shop.ts'

const COUNTED = GOODS.slice(20, 26)
const CALENDAR: Pick<Good, 'code'> = { code: 'DSK-CAL' }
const CANDLE: Pick<Good, 'code'> = { code: 'GFT-CNDL' }
/** The register that sells where none is named. */
const REGISTER = 'main'
const DAY_MS = 86_400_000

/** Stage by stage. The counted numbers are those of the book, but for one thing that is missing. */
export async function lastMorning(
  at: string,
  reads: Pick<ReadModels, 'load'>,
): Promise<readonly (readonly Deed[])[]> {
  const deed = (type: string, key: string, input: object, user_id = 'marta'): Deed => ({
    ...{ type, key, at, input, user_id },
  })
  const count_id = idOf('count', 'desk')
  const sent_id = idOf('transfer', 'last')
  return [
    STORES.map(({ store_id, name }) =>
      deed('OpenCashSession', `open ${name}`, { store_id, register_id: REGISTER, float: '150.00' }),
    ),
    [
      deed('StartStockCount', 'count', {
        count_id,
        store_id: KIOSK.store_id,
        product_ids: COUNTED.map(productId),
        reference: 'desk shelf',
      }),
      deed('MoveCash', 'coins', {
        store_id: KIOSK.store_id,
        register_id: REGISTER,
        direction: 'in',
        amount: '20.00',
        reason: 'coins from the bank',
      }),
    ],
    [
      deed('RecordCount', 'counted', { count_id, lines: await countedLines(reads) }),
      deed('CloseCashSession', 'close the kiosk', {
        store_id: KIOSK.store_id,
        register_id: REGISTER,
        counted: '169.50',
        reason: 'a coin is missing',
      }),
    ],
    [
      deed('CompleteStockCount', 'count done', { count_id }),
      deed('StartTransfer', 'last van', {
        transfer_id: sent_id,
        from_store_id: MAIN.store_id,
        to_store_id: KIOSK.store_id,
        lines: [{ product_id: productId(CALENDAR), quantity: '2' }],
        reference: 'on the road',
      }),
      deed('UpdateProductPrice', 'candles next week', {
        product_id: productId(CANDLE),
        sell_price: '16.00',
        effective_at: new Date(Date.parse(at) + 7 * DAY_MS).toISOString(),
      }),
    ],
  ]
}

async function countedLines(reads: Pick<ReadModels, 'load'>) {
  const keys = COUNTED.map((good) => stockKey(productId(good), KIOSK.store_id))
  const rows = await reads.load(stockByStore.table, keys)
  return COUNTED.map((good, n) => {
    const booked = Math.max(0, Number(rows[n]?.quantity ?? 0))
    return {
      product_id: productId(good),
      counted: String(n === 0 && booked > 0 ? booked - 1 : booked),
    }
  })
}
