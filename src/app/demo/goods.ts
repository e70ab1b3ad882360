// What the demonstration shop sells: forty things of a stationer's, on four shelves.

export type Good = {
  readonly code: string
  readonly name: string
  readonly description: string
  readonly department: Department
  readonly price: string
  readonly cost: string
  /** Bought how often, against the others. */
  readonly liking: number
}

export const DEPARTMENTS = ['Pens', 'Paper', 'Desk', 'Gifts'] as const
export type Department = (typeof DEPARTMENTS)[number]

type Line = readonly [
  code: string,
  name: string,
  description: string,
  price: string,
  cost: string,
  liking: number,
]

const PENS: readonly Line[] = [
  ['PEN-FOU-BL', 'Fountain pen, blue', 'A steel nib in a body of blue resin.', '34.00', '14.20', 4],
  [
    'PEN-FOU-BK',
    'Fountain pen, black',
    'A steel nib in a body of black resin.',
    '34.00',
    '14.20',
    3,
  ],
  ['PEN-BALL-1', 'Ballpoint pen', 'Writes the first time, and the last.', '2.40', '0.55', 9],
  ['PEN-GEL-05', 'Gel pen 0.5', 'Fine, dark, dries at once.', '3.20', '0.90', 8],
  ['PEN-BRUSH', 'Brush pen', 'For letters that are drawn.', '6.90', '2.40', 3],
  ['PEN-HIGH-4', 'Highlighters, four', 'Yellow, green, pink and orange.', '5.50', '1.80', 6],
  ['PCL-HB-12', 'Pencils HB, dozen', 'Cedar, sharpened.', '7.80', '2.60', 5],
  ['PCL-COL-24', 'Coloured pencils, 24', 'Soft and bright, in a tin.', '21.50', '9.10', 3],
  ['INK-BLUE', 'Ink, blue', 'Fifty millilitres, washable.', '8.40', '2.90', 3],
  ['INK-BLACK', 'Ink, black', 'Fifty millilitres, permanent.', '8.40', '2.90', 2],
]
const PAPER: readonly Line[] = [
  [
    'NB-A5-DOT',
    'Notebook A5, dotted',
    'A hundred and ninety pages that lie flat.',
    '14.90',
    '5.10',
    9,
  ],
  [
    'NB-A5-LIN',
    'Notebook A5, lined',
    'A hundred and ninety pages that lie flat.',
    '14.90',
    '5.10',
    6,
  ],
  ['NB-A6-PLN', 'Notebook A6, plain', 'For the pocket.', '8.90', '2.90', 6],
  ['NB-XL-GRD', 'Notebook XL, squared', 'For plans that are large.', '22.00', '8.00', 2],
  ['PAP-A4-500', 'Paper A4, 500 sheets', 'Eighty grams, recycled.', '6.20', '3.40', 8],
  ['PAP-LET-50', 'Letter paper, 50 sheets', 'Laid, ivory.', '11.20', '4.00', 2],
  ['ENV-C6-25', 'Envelopes C6, 25', 'Lined in blue.', '6.40', '2.10', 4],
  ['CARD-THX', 'Card, Thank you', 'Letterpress, with envelope.', '4.20', '1.20', 7],
  ['CARD-BDAY', 'Card, Birthday', 'Letterpress, with envelope.', '4.20', '1.20', 8],
  ['STK-NOTE', 'Sticky notes', 'Six pads of a hundred.', '4.80', '1.50', 7],
]
const DESK: readonly Line[] = [
  ['DSK-LAMP', 'Desk lamp', 'Brass arm, warm light.', '89.00', '41.00', 2],
  ['DSK-TRAY', 'Letter tray', 'Birch, stacks.', '32.50', '13.80', 2],
  ['DSK-MAT', 'Desk mat', 'Felt, ninety centimetres.', '39.00', '15.00', 3],
  ['DSK-CLIP', 'Paper clips, 200', 'In a tin with a magnet.', '3.90', '1.10', 6],
  ['DSK-STAP', 'Stapler', 'Twenty sheets and no jam.', '18.60', '7.20', 3],
  ['DSK-TAPE', 'Tape dispenser', 'Heavy enough for one hand.', '16.40', '6.50', 3],
  ['DSK-SCIS', 'Scissors', 'Steel, both hands.', '12.80', '4.60', 4],
  ['DSK-RULE', 'Ruler 30 cm', 'Steel, cork back.', '7.20', '2.30', 4],
  ['DSK-CAL', 'Wall calendar', 'Twelve prints, next year.', '19.00', '6.40', 4],
  ['DSK-PLAN', 'Week planner', 'Fifty-two sheets to tear off.', '13.50', '4.30', 5],
]
const GIFTS: readonly Line[] = [
  ['GFT-WRAP', 'Wrapping paper', 'Two sheets, recycled.', '4.60', '1.30', 7],
  ['GFT-RIB', 'Ribbon', 'Cotton, three metres.', '3.40', '0.90', 5],
  ['GFT-SET-1', 'Writing set', 'Fountain pen, ink, notebook.', '54.00', '22.00', 3],
  ['GFT-MUG', 'Mug', 'Stoneware, holds pens or coffee.', '16.00', '5.40', 5],
  ['GFT-TOTE', 'Tote bag', 'Canvas, with our name on it.', '14.00', '4.20', 5],
  ['GFT-PUZ', 'Puzzle, 500 pieces', 'The harbour, before the bridge.', '24.00', '9.50', 2],
  ['GFT-CNDL', 'Candle', 'Cedar and paper.', '18.00', '6.00', 4],
  ['GFT-SEAL', 'Sealing wax set', 'A stamp and four sticks.', '27.00', '10.40', 2],
  ['GFT-GLOBE', 'Globe', 'Thirty centimetres, it lights up.', '118.00', '58.00', 1],
  ['GFT-CARD25', 'Voucher 25', 'For those who cannot decide.', '25.00', '25.00', 3],
]

const onShelf = (department: Department, lines: readonly Line[]): readonly Good[] =>
  lines.map(([code, name, description, price, cost, liking]) => ({
    code,
    name,
    description,
    department,
    price,
    cost,
    liking,
  }))

export const GOODS: readonly Good[] = [
  ...onShelf('Pens', PENS),
  ...onShelf('Paper', PAPER),
  ...onShelf('Desk', DESK),
  ...onShelf('Gifts', GIFTS),
]
