// The environment for programs that a test starts, without what the test runner says to itself.
export function inherited(): Record<string, string | undefined> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...rest } = process.env
  return rest
}
