// Texts of strangers as they are kept: in one spelling of Unicode, without blanks around them, and
// no longer than what is kept may be.

/** Empty when there is nothing in it. */
export const tidied = (text: string): string => text.normalize('NFC').trim()

/** What is wrong with a tidied text: the one spelling may be longer than the one that was given. */
export const lengthTrouble = (tidy: string, most: number): string | null =>
  [...tidy].length > most ? `must have at most ${most} characters` : null

/** Characters that nobody sees, or that turn the direction of writing: with them two look alike. */
export const hasUnseen = (text: string): boolean => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)

/** What others say, cut to a length, as every store takes it: no half character, no NUL. */
export const beginningOf = (text: string, most: number): string =>
  text.slice(0, most).toWellFormed().replaceAll('\0', '\ufffd')
