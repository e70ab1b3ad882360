// The command line: reads what is asked, and leaves the doing to one file per command.
import { Command, InvalidArgumentError, Option } from 'commander'
import type { JobFormat } from '#runtime/job-operations.ts'
import { VERSION } from './compose.ts'
import type { FileFlags } from './jobs/shop-files.ts'
import { namedFlags, settings } from './settings.ts'
import type { TortureFlags } from './torture.ts'

type Flags = Readonly<Record<string, unknown>>

const program = new Command('daybook')
  .description('An event-sourced commerce back end.')
  .version(VERSION, '--version', 'print the version')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError('(daybook help shows what there is)')

/** A command that takes settings: the named flags, --config and --set. */
function configured(name: string, about: string): Command {
  const command = program.command(name).description(about)
  command.option('--config <path>', 'the settings file (configs/config.yaml if it is there)')
  command.addOption(
    new Option('--set <key=value>', 'any setting; may be given again')
      .argParser((value: string, before: string[] = []) => [...before, value])
      .default([], ''),
  )
  for (const [flag, key] of Object.entries(namedFlags))
    command.option(`--${flag} <value>`, settings[key].about)
  return command
}

/** The flags that are settings, as readConfig takes them. */
function argvOf(flags: Flags): string[] {
  const argv: string[] = []
  const camel = (flag: string) =>
    flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  for (const flag of ['config', ...Object.keys(namedFlags)]) {
    const value = flags[camel(flag)]
    if (value !== undefined) argv.push(`--${flag}`, String(value))
  }
  for (const value of (flags.set as string[] | undefined) ?? []) argv.push('--set', value)
  return argv
}

function format(): Option {
  return new Option('--format <format>', 'where the file’s name does not tell it').choices([
    'csv',
    'ndjson',
  ])
}

const fileFlags = (flags: Flags): FileFlags => ({
  // Both were chosen from what there is.
  ...(flags.format === undefined ? {} : { format: flags.format as JobFormat }),
  mode: (flags.mode ?? 'set') as FileFlags['mode'],
  dryRun: flags.dryRun === true,
  inLines: flags.progress === true,
})

const whole = (text: string): number => {
  if (!/^[1-9][0-9]{0,8}$/.test(text))
    throw new InvalidArgumentError('It takes a whole number, from 1 on.')
  return Number(text)
}

configured('start', 'Serve the shop until told to stop.')
  .option(
    '--demo',
    'a shop with a month behind it, kept busy; in data/demo.db unless told otherwise',
  )
  .action(async (flags: Flags) => {
    const { start } = await import('./start.ts')
    await start(argvOf(flags), { demo: flags.demo === true })
  })

configured('import', 'Bring in data: products, stock, customers, online-retail or log, from FILE.')
  .argument(
    '<kind>',
    'products, stock, customers: .csv or .ndjson; online-retail: a shop’s invoices; log: an ' +
      'exported log, into a fresh database',
  )
  .argument('<file>')
  .option('--limit <n>', 'only the first n invoices', whole)
  .option('--dry-run', 'read and check, store nothing')
  .addOption(format())
  .addOption(
    new Option('--mode <mode>', 'stock: the file says how many there are, or how many come on top')
      .choices(['set', 'add'])
      .default('set'),
  )
  .option('--progress', 'tell progress in lines where there is no terminal')
  .action(async (kind: string, file: string, flags: Flags) => {
    const { isKind } = await import('./jobs/kinds.ts')
    if (isKind(kind)) {
      const { importShopFile } = await import('./jobs/shop-files.ts')
      return await importShopFile(argvOf(flags), kind, file, fileFlags(flags))
    }
    const { importFile } = await import('./jobs.ts')
    await importFile(argvOf(flags), kind, file, {
      ...(flags.limit === undefined ? {} : { limit: flags.limit as number }),
      dryRun: flags.dryRun === true,
      inLines: flags.progress === true,
    })
  })

configured('export', 'Write products, stock, customers or, without a kind, the log to a file.')
  .argument('<kind>', 'products, stock or customers; or the log’s FILE of JSON lines')
  .argument('[file]', '.csv or .ndjson; must not be there yet')
  .addOption(format())
  .action(async (kind: string, into: string | undefined, flags: Flags) => {
    const { isKind, KIND_NAMES } = await import('./jobs/kinds.ts')
    if (into !== undefined) {
      if (!isKind(kind)) throw new Error(`export takes ${KIND_NAMES.join(', ')}, not ${kind}`)
      const { exportShopFile } = await import('./jobs/shop-files.ts')
      return await exportShopFile(argvOf(flags), kind, into, fileFlags(flags))
    }
    const file = kind
    const { exportFile } = await import('./jobs.ts')
    await exportFile(argvOf(flags), file)
  })

configured('backup', 'Write log, keys and books into a folder, also while the shop is at work.')
  .argument('<folder>', 'must not be there yet')
  .action(async (folder: string, flags: Flags) => {
    const { backup } = await import('./backup-jobs.ts')
    await backup(argvOf(flags), folder)
  })

configured('restore', 'Put a backup into an empty place, check it, and say what is there.')
  .argument('<folder>', 'what backup wrote')
  .option('--keys <file>', 'the keys, where they lie apart from the rest')
  .option('--without-keys', 'leave the keys out: everybody in the log is forgotten')
  .action(async (folder: string, flags: Flags) => {
    const { restore } = await import('./backup-jobs.ts')
    await restore(argvOf(flags), folder, {
      ...(flags.keys === undefined ? {} : { keys: flags.keys as string }),
      withoutKeys: flags.withoutKeys === true,
    })
  })

configured('verify', 'Recompute everything from the log and print the differences.')
  .option(
    '--seal <position:hash>',
    'a seal that was printed before and kept elsewhere; may be given again',
    (value: string, before: string[]) => [...before, value],
    [],
  )
  .action(async (flags: Flags) => {
    const { verify } = await import('./jobs.ts')
    await verify(argvOf(flags), flags.seal as string[])
  })

configured('rebuild', 'Build read models anew beside the live ones, compare, swap.')
  .argument('[name]', 'one read model; all of them when absent')
  .option('--dry-run', 'compare only')
  .action(async (name: string | undefined, flags: Flags) => {
    const { rebuild } = await import('./jobs.ts')
    await rebuild(argvOf(flags), name, flags.dryRun === true)
  })

const count = (text: string): number => {
  if (!/^[0-9]{1,10}$/.test(text)) throw new InvalidArgumentError('It takes a whole number.')
  return Number(text)
}

program
  .command('simulate')
  .description(
    'The runtime on a simulated clock with faults of every kind, many histories a minute.',
  )
  .option('--seed <n>', 'of the first history; the next has the next; absent: a new one', count)
  .option('--histories <n>', 'how many', count)
  .option('--seconds <n>', 'for how long; 60 when neither is given', count)
  .option('--trace', 'print every step of the last history')
  .option('--break <name>', 'with a part that is broken on purpose')
  .action(async (flags: Flags) => {
    const { runSimulation } = await import('./simulate.ts')
    await runSimulation(flags)
  })

program
  .command('torture')
  .description('Buyers, kills and outages on a scratch store; then every promise is checked.')
  .option('--store <where>', 'sqlite, postgres (a server of its own) or a server’s URL', 'sqlite')
  .option('--processes <one|many>', 'many share the work, on a server', 'one')
  .option('--seconds <n>', 'how long', count, 60)
  .option('--buyers <n>', 'how many at a time', count, 16)
  .option('--rest <n>', 'seconds until nothing may be left to do', count, 120)
  .option('--seed <n>', 'the same choices again; absent: new ones', count)
  .option('--progress', 'tell progress in lines where there is no terminal')
  .action(async (flags: Flags) => {
    const { runTorture } = await import('./torture.ts')
    const given = flags as TortureFlags
    const seed = (flags.seed as number | undefined) ?? Math.floor(Math.random() * 1e9)
    await runTorture({ ...given, seed, progress: flags.progress === true })
  })

/** What a file that was named stands in the way with, in words; else what the error says. */
function told(error: unknown): string {
  const { code, path, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  if (code === 'ENOENT') return `there is no file ${path}`
  if (code === 'EISDIR') return `${path ?? 'what was named'} is a folder; a file is wanted`
  if (code === 'EACCES') return `${path} may not be read or written by this user`
  return message ?? String(error)
}

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`daybook: ${told(error)}\n`)
  process.exitCode = 1
}
