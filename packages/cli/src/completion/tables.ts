import type { Syntax } from '../command-line/arguments.js'
import { HELP } from '../command-line/help.js'
import { helpParts } from '../terminal/wrap.js'

export interface OptionTable {
  /** With its hyphens. */
  name: string
  description: string
  value: 'none' | 'text' | 'file'
  isRepeatable: boolean
}

export interface CommandTable {
  name: string
  summary: string
  options: readonly OptionTable[]
  /** What its only argument can be; empty if any. */
  argument?: readonly string[]
  /** Whether files and directories follow. */
  takesPaths: boolean
  /** Whether a program follows, after arguments of its own such as ports. */
  program?: { hasOperands: boolean }
}

/** A command with its name; not from `commands/index.ts`, which loads this. */
export interface NamedCommand {
  name: string
  help: string
  syntax: Syntax<string>
}

/** What can be completed, from the tables with which arguments are read, and from the help. */
export function commandTables(commands: readonly NamedCommand[]): CommandTable[] {
  const summaries = descriptionsIn(HELP)
  return commands.map(({ name, help, syntax }) => {
    const descriptions = descriptionsIn(help)
    // What the help does not list is an alias.
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

/** By the first word of the term: `--name` of `--name NAME`. Only the first part of a description. */
function descriptionsIn(help: string): Map<string, string> {
  const found = new Map([['--help', 'shows examples and options']])
  for (const { term, description } of helpParts(help)) {
    const [word] = term.trim().split(' ')
    if (!word || description === '' || found.has(word)) continue
    found.set(word, description.split(/[;:]/)[0] as string)
  }
  return found
}
