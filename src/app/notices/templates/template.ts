// What templates share: an e-mail is plain text, its subject one line, whatever was put into it.

export type Letter = { readonly subject: string; readonly text: string }

const SUBJECT_MAX = 200

/**
 * Line ends and other control characters would begin headers of their own, or words of somebody
 * else's; those that turn the direction of writing would make a text seem another.
 */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stay
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g

const plain = (text: string): string => text.toWellFormed().replaceAll(CONTROLS, ' ')

export const oneLine = (text: string): string => plain(text).trim().slice(0, SUBJECT_MAX)

/** Each line stays one, whatever was put into it: nobody writes a second letter into ours. */
export const letter = (subject: string, lines: readonly string[]): Letter => ({
  subject: oneLine(subject),
  text: `${lines.map(plain).join('\n')}\n`,
})
