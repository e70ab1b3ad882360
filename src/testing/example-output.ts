// What an example says that it prints: the comment at its end, so that reader and test see the
// same.

export function printedBy(source: string): string {
  const [, said] = source.split('\n// Prints:\n')
  if (said === undefined) throw new Error('an example ends with a comment "Prints:"')
  return said.replaceAll(/^\/\/ ?/gm, '')
}
