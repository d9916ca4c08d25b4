import { inspect } from '@portslice/core/internal/inspect'
import { unknownOption, usageError } from './usage-error.js'

// An `import` of node:util loads all of its exports, which takes longer than the parsing.
const { parseArgs } = process.getBuiltinModule('node:util')

/** Thrown for `--help`. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested'
}

export interface OptionSyntax {
  type: 'string' | 'boolean'
  multiple?: boolean
  /** A sample value for error messages. */
  example?: string
  /** Whether the value is the path of a file. */
  isFile?: boolean
}

/** The options and arguments of a subcommand. */
export interface Syntax<Name extends string> {
  command: string
  options: Readonly<Record<Name, OptionSyntax>>
  /** For subcommands that run a program. `operand`: one or more arguments before the program. */
  program?: { operand?: Operand & { accepts(argument: string): boolean } }
  /** Whether it accepts paths of files and directories, before, between and after the options. */
  takesPaths?: boolean
  /** For subcommands that take exactly one argument, before or after the options. */
  argument?: Operand & {
    /** The possible values, if there are only a few. */
    values?: readonly string[]
  }
}

interface Operand {
  name: string
  example: string
}

export interface Arguments<Name extends string> {
  value(name: Name): string | undefined
  values(name: Name): string[]
  has(name: Name): boolean
  /** The arguments before the program, or the paths. */
  operands: string[]
  program: string[]
}

/**
 * Options end at `--` or at the first argument that is not an option, as with `env` and `npx`. The rest is the
 * program with its arguments.
 */
export function readArguments<Name extends string>(
  syntax: Syntax<Name>,
  args: readonly string[],
): Arguments<Name> {
  const given = new Map<string, string[]>()
  const operands: string[] = []
  const accepts = operandTest(syntax)
  let rest = [...args]
  for (;;) {
    const { options, next, isTerminated } = readOptions(syntax, rest)
    for (const { name, value } of options) given.set(name, [...(given.get(name) ?? []), value])
    rest = next
    if (isTerminated && syntax.takesPaths) operands.push(...rest.splice(0))
    if (isTerminated || rest.length === 0 || !accepts(rest[0] as string)) break
    operands.push(rest.shift() as string)
  }
  if (syntax.argument) {
    operands.push(...rest)
    checkArgument(syntax.command, syntax.argument, operands)
  } else checkProgram(syntax, operands, rest)
  return {
    value: (name) => given.get(name)?.at(-1),
    values: (name) => given.get(name) ?? [],
    has: (name) => given.has(name),
    operands,
    program: rest,
  }
}

function operandTest({
  program,
  argument,
  takesPaths,
}: Syntax<string>): (argument: string) => boolean {
  return argument || takesPaths ? () => true : (text) => program?.operand?.accepts(text) ?? false
}

function checkArgument(command: string, { name, example }: Operand, operands: string[]): void {
  if (operands.length === 1 && operands[0] !== '') return
  const write = `Write: portslice ${command} ${example}`
  throw operands.length <= 1
    ? usageError(`'portslice ${command}' needs a ${name}.`, write)
    : usageError(
        `'portslice ${command}' takes one ${name}, but got ${inspect(operands[1])} as well.`,
        write,
        operands[1],
      )
}

interface GivenOptions {
  options: { name: string; value: string }[]
  next: string[]
  /** Whether `--` ended the options. */
  isTerminated: boolean
}

function readOptions<Name extends string>(
  { command, options }: Syntax<Name>,
  args: string[],
): GivenOptions {
  const { tokens } = parseArgs({ args, options, strict: false, tokens: true })
  const found: GivenOptions['options'] = []
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      return { options: found, next: args.slice(token.index + 1), isTerminated: true }
    }
    if (token.kind === 'positional') {
      return { options: found, next: args.slice(token.index), isTerminated: false }
    }
    const { name, rawName, value, inlineValue } = token
    if (!Object.hasOwn(options, name)) {
      if (name === 'help' || name === 'h') throw new HelpRequested()
      throw unknownOption(
        rawName,
        command,
        [...Object.keys(options), 'help'].map((each) => `--${each}`),
      )
    }
    const { type, example } = options[name as Name]
    if (type === 'boolean') {
      if (inlineValue) {
        throw usageError(
          `The option ${rawName} takes no value, but got ${inspect(value)}.`,
          `Write ${rawName}.`,
          value,
        )
      }
    } else if (value === undefined || (/^-./.test(value) && !inlineValue)) {
      throw usageError(
        `The option ${rawName} needs a value.`,
        `For example: portslice ${command} ${rawName} ${example ?? 'VALUE'}`,
      )
    }
    found.push({ name, value: value ?? '' })
  }
  return { options: found, next: [], isTerminated: false }
}

function checkProgram(
  { command, program }: Pick<Syntax<string>, 'command' | 'program'>,
  operands: readonly string[],
  rest: readonly string[],
): void {
  if (!program) {
    if (rest.length === 0) return
    throw usageError(
      `'portslice ${command}' takes no arguments, but got ${inspect(rest[0])}.`,
      `'portslice ${command} --help' shows how it is used.`,
      rest[0],
    )
  }
  const { operand } = program
  // An empty argument comes from an unset shell variable.
  const isMissing = rest.length === 0 || rest[0] === ''
  if (operand && operands.length === 0) {
    const before = isMissing ? '' : ` before the command ${inspect(rest[0])}`
    throw usageError(
      `'portslice ${command}' needs a ${operand.name}${before}.`,
      `Write: portslice ${command} ${operand.example} -- ${isMissing ? 'COMMAND …' : rest.join(' ')}`,
    )
  }
  if (isMissing) {
    const usage = [...operands, '--', 'COMMAND …'].join(' ')
    throw usageError(
      `'portslice ${command}' needs a command to run.`,
      `Write: portslice ${command} ${usage}`,
    )
  }
}
