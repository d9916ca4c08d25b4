#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { COMMANDS, type CommandName, loadCommand, loadCommands } from './commands/index.js'

// In `portslice list | head -1`, `head` closes the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`portslice: cannot write to stdout (${error.message}).\n`)
  process.exit(1)
})
// When the terminal is closed, `portslice run` must still wait for its command.
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
  const command = await loadCommand(await findCommand(first))
  try {
    return await command.run(rest, loadCommands)
  } catch (error) {
    // Compared by name, because the class would load the parser of arguments.
    if ((error as Error).name === 'HelpRequested') return print(command.help)
    throw error
  }
}

async function help(first: string | undefined, [topic]: string[]): Promise<number> {
  if (first === 'help' && topic !== undefined) {
    return print((await loadCommand(await findCommand(topic))).help)
  }
  const { HELP } = await import('./command-line/help.js')
  if (first !== undefined) return print(HELP)
  process.stderr.write(await wrapToWidth(HELP, process.stderr))
  return 2
}

async function findCommand(name: string): Promise<CommandName> {
  if (COMMANDS.includes(name as CommandName)) return name as CommandName
  const { unknownCommand, unknownOption } = await import('./command-line/usage-error.js')
  if (name.startsWith('-')) throw unknownOption(name, undefined, ['--help', '--version'])
  throw unknownCommand(name, COMMANDS)
}

async function print(text: string): Promise<number> {
  process.stdout.write(await wrapToWidth(text, process.stdout))
  return 0
}

async function wrapToWidth(text: string, stream: NodeJS.WriteStream): Promise<string> {
  const [{ wrapHelp }, { lineLimitOf }] = await Promise.all([
    import('./terminal/wrap.js'),
    import('./terminal/columns.js'),
  ])
  return wrapHelp(text, lineLimitOf(stream))
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status
  },
  async (error: unknown) => {
    const { reportError } = await import('./command-line/report-error.js')
    process.exitCode = reportError(error)
  },
)
