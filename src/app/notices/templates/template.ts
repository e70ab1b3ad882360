// What templates share: an e-mail is plain text, its subject one line, whatever was put into it.

export type Letter = { readonly subject: string; readonly text: string }

const SUBJECT_MAX = 200

/** Line ends and other control characters would begin headers of their own. */
export const oneLine = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stay
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim()
    .slice(0, SUBJECT_MAX)

export const letter = (subject: string, lines: readonly string[]): Letter => ({
  subject: oneLine(subject),
  text: `${lines.join('\n')}\n`,
})
