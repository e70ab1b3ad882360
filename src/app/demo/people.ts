// Who buys in the demonstration shop. Nobody of these names is meant.

export type Person = {
  readonly name: string
  readonly email: string
  readonly city: string
  readonly country: string
  /** Buys on account, up to so much; absent: pays at once. */
  readonly credit_limit?: string
}

const NAMES = [
  'Ada Moor',
  'Ben Castle',
  'Clara Finch',
  'David Oakes',
  'Elena Voss',
  'Farid Haddad',
  'Greta Lind',
  'Hugo Marten',
  'Ines Duarte',
  'Jonas Feld',
  'Kaya Demir',
  'Leo Brandt',
  'Mina Sato',
  'Noor Aziz',
  'Oskar Nyman',
  'Petra Hale',
  'Quentin Roux',
  'Rosa Bianchi',
  'Sven Holt',
  'Tara Quinn',
  'Uma Patel',
  'Viktor Lang',
  'Wanda Kranz',
  'Yusuf Kaya',
] as const
const PLACES = [
  ['Hamburg', 'Germany'],
  ['Lyon', 'France'],
  ['Leeds', 'United Kingdom'],
  ['Utrecht', 'Netherlands'],
  ['Vienna', 'Austria'],
] as const

export const PEOPLE: readonly Person[] = NAMES.map((name, i) => {
  const [city, country] = PLACES[i % PLACES.length]!
  const email = `${name.toLowerCase().replace(' ', '.')}@example.org`
  return { name, email, city, country, ...(i % 6 === 0 ? { credit_limit: '250.00' } : {}) }
})
