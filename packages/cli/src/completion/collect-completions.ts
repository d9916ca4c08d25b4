import type { Syntax } from '../command-line/arguments.js'
import { HELP } from '../command-line/help.js'
import { helpParts } from '../terminal/wrap.js'

export interface OptionCompletion {
  /** With its hyphens. */
  name: string
  description: string
  value: 'none' | 'text' | 'file'
  isRepeatable: boolean
}

export interface CommandCompletions {
  name: string
  summary: string
  options: readonly OptionCompletion[]
  /** The possible values of its only argument; empty if every value is possible. */
  argument?: readonly string[]
  /** Whether its arguments are files and directories. */
  takesPaths: boolean
  /** For subcommands that run a program. `hasOperands`: other arguments, such as ports, stand before it. */
  program?: { hasOperands: boolean }
}

/** Not imported from `commands/index.ts`, because that file imports this one. */
export interface NamedCommand {
  name: string
  help: string
  syntax: Syntax<string>
}

/** Collects what shells complete, from the syntax and the help of each command. */
export function collectCompletions(commands: readonly NamedCommand[]): CommandCompletions[] {
  const summaries = descriptionsIn(HELP)
  return commands.map(({ name, help, syntax }) => {
    const descriptions = descriptionsIn(help)
    // An option that the help does not list is an alias.
    const options = Object.entries({ ...syntax.options, help: HELP_OPTION }).filter(([option]) =>
      descriptions.has(`--${option}`),
    )
    return {
      name,
      summary: summaries.get(name) ?? '',
      options: options.map(([option, { type, isFile, multiple }]) => ({
        name: `--${option}`,
        description: descriptions.get(`--${option}`) ?? '',
        value: type === 'boolean' ? 'none' : isFile ? 'file' : 'text',
        isRepeatable: multiple === true,
      })),
      takesPaths: syntax.takesPaths === true,
      ...(syntax.argument && { argument: syntax.argument.values ?? [] }),
      ...(syntax.program && {
        program: { hasOperands: syntax.program.operand !== undefined },
      }),
    }
  })
}

const HELP_OPTION = { type: 'boolean' as const, isFile: false, multiple: false }

/**
 * Descriptions by the first word of their term, such as `--name` for `--name NAME`. A description ends at the
 * first semicolon or colon.
 */
function descriptionsIn(help: string): Map<string, string> {
  const found = new Map([['--help', 'shows examples and options']])
  for (const { term, description } of helpParts(help)) {
    const [word] = term.trim().split(' ')
    if (!word || description === '' || found.has(word)) continue
    found.set(word, description.split(/[;:]/)[0] as string)
  }
  return found
}
