#!/usr/bin/env node
/** The command. Loads only what the subcommand needs: `--version` and `list` are to answer at once. */
import { readFileSync } from 'node:fs'
import { COMMANDS, type CommandName, loadCommand } from './commands/index.js'

// `portslice list | head -1`: the reader has closed the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`portslice: stdout cannot be written to (${error.message}).\n`)
  process.exit(1)
})
// A terminal that has been closed must not keep a command from being waited for.
process.stderr.on('error', () => {})

async function main([first, ...rest]: string[]): Promise<number> {
  if (first === '--version' || first === '-v' || first === '-V') {
    const { version } = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    ) as { version: string }
    process.stdout.write(`${version}\n`)
    return 0
  }
  if (first === undefined || ['--help', '-h', 'help'].includes(first)) return help(first, rest)
  const command = await loadCommand(await known(first))
  try {
    return await command.run(rest)
  } catch (error) {
    // By its name: the parser is only loaded by the commands that need it.
    if ((error as Error).name === 'HelpAsked') return print(command.help)
    throw error
  }
}

async function help(asked: string | undefined, [topic]: string[]): Promise<number> {
  if (asked === 'help' && topic !== undefined) {
    return print((await loadCommand(await known(topic))).help)
  }
  const { HELP } = await import('./command-line/help.js')
  if (asked !== undefined) return print(HELP)
  process.stderr.write(await fitted(HELP, process.stderr))
  return 2
}

async function known(name: string): Promise<CommandName> {
  if (COMMANDS.includes(name as CommandName)) return name as CommandName
  const { unknownCommand, unknownOption } = await import('./command-line/usage-error.js')
  if (name.startsWith('-')) throw unknownOption(name, undefined, ['--help', '--version'])
  throw unknownCommand(name, COMMANDS)
}

async function print(text: string): Promise<number> {
  process.stdout.write(await fitted(text, process.stdout))
  return 0
}

/** A terminal breaks lines in the middle of words. */
async function fitted(text: string, stream: NodeJS.WriteStream): Promise<string> {
  const [{ wrapHelp }, { lineLimitOf }] = await Promise.all([
    import('./terminal/wrap.js'),
    import('./terminal/width.js'),
  ])
  return wrapHelp(text, lineLimitOf(stream))
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status
  },
  async (error: unknown) => {
    const { failure } = await import('./command-line/failure.js')
    process.exitCode = failure(error)
  },
)
