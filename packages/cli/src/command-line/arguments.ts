/** Reads the arguments of a subcommand with Node's own `parseArgs`, in words of our own. */
import { inspect } from '@portslice/core/internal/inspect'
import { unknownOption, usageError } from './usage-error.js'

// An `import` of node:util would load all that it has to offer, which takes longer than the parsing.
const { parseArgs } = process.getBuiltinModule('node:util')

/** `--help` among the options of a subcommand, wherever it stands. */
export class HelpAsked extends Error {
  override readonly name = 'HelpAsked'
}

export interface OptionSyntax {
  type: 'string' | 'boolean'
  multiple?: boolean
  /** What a value looks like: shown when it is missing. */
  example?: string
}

export interface Syntax<Name extends string> {
  /** The subcommand. */
  command: string
  options: Readonly<Record<Name, OptionSyntax>>
  /** For a command that runs a program; `operand` is what stands before it, once or more often. */
  program?: { operand?: { name: string; example: string; isOne(argument: string): boolean } }
  /** Whether files and directories may be named, before, between and after the options. */
  takesPaths?: boolean
}

export interface Arguments<Name extends string> {
  /** The last value of each option. */
  value(name: Name): string | undefined
  values(name: Name): string[]
  has(name: Name): boolean
  /** What stands before the program, or the paths. */
  operands: string[]
  /** The program to run and its arguments; empty for a command that runs none. */
  program: string[]
}

/**
 * Options end at `--` or at the first argument that is none, as with `env` and `npx`: what
 * follows belongs to the program that is run.
 *
 * @throws PortsliceError ERR_PORTSLICE_USAGE; HelpAsked
 */
export function readArguments<Name extends string>(
  syntax: Syntax<Name>,
  args: readonly string[],
): Arguments<Name> {
  const given = new Map<string, string[]>()
  const operands: string[] = []
  const operand = syntax.program?.operand
  let rest = [...args]
  for (;;) {
    const { options, next, isTerminated } = readOptions(syntax, rest)
    for (const { name, value } of options) given.set(name, [...(given.get(name) ?? []), value])
    rest = next
    if (isTerminated && syntax.takesPaths) operands.push(...rest.splice(0))
    const isOperand = syntax.takesPaths ? rest.length > 0 : operand?.isOne(rest[0] ?? '')
    if (isTerminated || !isOperand) break
    operands.push(rest.shift() as string)
  }
  checkProgram(syntax, operands, rest)
  return {
    value: (name) => given.get(name)?.at(-1),
    values: (name) => given.get(name) ?? [],
    has: (name) => given.has(name),
    operands,
    program: rest,
  }
}

interface GivenOptions {
  options: { name: string; value: string }[]
  /** What comes after them. */
  next: string[]
  /** Whether `--` ended them. */
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
      if (name === 'help' || name === 'h') throw new HelpAsked()
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
          `The option ${rawName} takes no value, but has ${inspect(value)}.`,
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
      `'portslice ${command}' takes no argument, but has ${inspect(rest[0])}.`,
      `'portslice ${command} --help' shows how it is used.`,
      rest[0],
    )
  }
  const { operand } = program
  // An empty word is a variable of a shell that was not set.
  const isMissing = rest.length === 0 || rest[0] === ''
  if (operand && operands.length === 0) {
    const before = isMissing ? '' : ` before the command ${inspect(rest[0])}`
    throw usageError(
      `'portslice ${command}' lacks its ${operand.name}${before}.`,
      `Write: portslice ${command} ${operand.example} -- ${isMissing ? 'COMMAND …' : rest.join(' ')}`,
    )
  }
  if (isMissing) {
    const usage = [...operands, '--', 'COMMAND …'].join(' ')
    throw usageError(
      `'portslice ${command}' lacks the command that it is to run.`,
      `Write: portslice ${command} ${usage}`,
    )
  }
}
