// Stands where a part is not there: using it would be a bug, so it throws and says what was used.

export const refusing = <T extends object>(what: string, why: string): T =>
  new Proxy({} as T, {
    get: (_, call) =>
      call === 'name'
        ? 'none'
        : () => {
            throw new Error(`${what}.${String(call)} was called where ${why}`)
          },
  })
