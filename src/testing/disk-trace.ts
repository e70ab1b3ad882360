// What a program did to the files under one folder, step by step, from strace's account of it. Only
// what came to its end counts; lines that two threads share are put together again.

export type DiskStep =
  | { readonly do: 'write'; readonly path: string; readonly at: number; readonly data: Buffer }
  | { readonly do: 'resize'; readonly path: string; readonly size: number }
  | { readonly do: 'create'; readonly path: string }
  | { readonly do: 'folder'; readonly path: string }
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'rename'; readonly path: string; readonly to: string }
  | { readonly do: 'sync'; readonly path: string }
  /** The disk said no: what was written since the last sync is marked clean, and never written. */
  | { readonly do: 'failed sync'; readonly path: string }
  /** A line on standard output: from here on somebody knows. */
  | { readonly do: 'say'; readonly text: string }

/** The calls that tell all this. */
export const DISK_CALLS =
  'openat,close,pwrite64,write,ftruncate,fsync,fdatasync,unlink,unlinkat,rename,mkdir'
/** Calls by which files could change unseen: a trace that has one is of no use. */
const UNSEEN = /^(pwritev2?|writev|fallocate|sync_file_range|copy_file_range|sendfile)\(/

const CALL = /^(\w+)\((.*)\) += (.*)$/

type Opened = { readonly path: string; offset: number }
const STDOUT = 1

/** `folder` is where the trace is looked at; everything else is left out. */
export function diskSteps(trace: string, folder: string): readonly DiskStep[] {
  const steps: DiskStep[] = []
  const files = new Map<number, Opened>()
  const known = new Set<string>()
  const isOurs = (path: string) => path === folder || path.startsWith(`${folder}/`)
  for (const call of callsOf(trace)) {
    if (UNSEEN.test(call)) throw new Error(`not understood: ${call.slice(0, 80)}`)
    const [, name = '', args = '', answer = ''] = CALL.exec(call) ?? []
    const result = Number.parseInt(answer, 10)
    const fd = Number.parseInt(args, 10)
    const file = files.get(fd)
    if (name === 'fsync' || name === 'fdatasync') {
      if (file !== undefined)
        steps.push({ do: result === 0 ? 'sync' : 'failed sync', path: file.path })
    } else if (result < 0) continue
    else if (name === 'openat') open(args, result)
    else if (name === 'close') files.delete(fd)
    else if (name === 'pwrite64' || name === 'write') {
      const data = textsOf(args)[0]!.subarray(0, result)
      if (name === 'write' && fd === STDOUT) steps.push({ do: 'say', text: data.toString() })
      if (file === undefined) continue
      const at = name === 'pwrite64' ? Number(args.slice(args.lastIndexOf(',') + 1)) : file.offset
      if (name === 'write') file.offset += result
      steps.push({ do: 'write', path: file.path, at, data })
    } else if (name === 'ftruncate') {
      if (file !== undefined)
        steps.push({ do: 'resize', path: file.path, size: Number(args.split(',')[1]) })
    } else {
      const [path = '', to = ''] = textsOf(args).map(String)
      if (!isOurs(path)) continue
      known.delete(path)
      if (name === 'mkdir') steps.push({ do: 'folder', path })
      else if (name === 'rename') steps.push({ do: 'rename', path, to })
      else steps.push({ do: 'remove', path })
    }
  }
  return steps

  function open(args: string, fd: number): void {
    const path = String(textsOf(args)[0])
    if (!isOurs(path)) {
      files.delete(fd)
      return
    }
    files.set(fd, { path, offset: 0 })
    if (args.includes('O_TRUNC')) steps.push({ do: 'resize', path, size: 0 })
    if (args.includes('O_CREAT') && !known.has(path)) steps.push({ do: 'create', path })
    known.add(path)
  }
}

/** Whole calls, in the order in which they ended. */
function* callsOf(trace: string): Generator<string> {
  const begun = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const [, thread = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text)
    if (text.endsWith(' <unfinished ...>')) begun.set(thread, text.slice(0, -17))
    else if (resumed !== null) {
      const start = begun.get(thread)
      begun.delete(thread)
      if (start !== undefined) yield start + text.slice(resumed[0].length)
    } else if (CALL.test(text)) yield text
  }
}

/** strace writes every byte as \x41. */
const textsOf = (args: string): Buffer[] =>
  [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map(([, text = '', cut]) => {
    if (cut !== undefined) throw new Error('a text in the trace is cut off')
    return Buffer.from(text.replaceAll('\\x', ''), 'hex')
  })
