import { inspect, PortsliceError, suggest } from '@portslice/core/internal/inspect'

export const USAGE = 'ERR_PORTSLICE_USAGE'

export function usageError(problem: string, advice: string, value?: unknown): PortsliceError {
  return new PortsliceError(USAGE, problem, { advice, value })
}

/** Turns an error of the library into a usage error that quotes the option as it was typed. */
export function asUsageError(error: unknown, text: string): PortsliceError {
  const { problem, value, advice } = error as PortsliceError
  return usageError(problem.replace(inspect(value), inspect(text)), advice, text)
}

export function unknownCommand(name: string, commands: readonly string[]): PortsliceError {
  return usageError(
    `There is no command ${inspect(name)}.`,
    suggest(name, commands) ??
      `The commands are ${commands.join(', ')}. To run a program, write: portslice run -- ${name} …`,
    name,
  )
}

/** @param command `undefined` for an option before the subcommand */
export function unknownOption(
  option: string,
  command: string | undefined,
  options: readonly string[],
): PortsliceError {
  const name = command === undefined ? 'portslice' : `portslice ${command}`
  return usageError(
    `'${name}' has no option ${inspect(option)}.`,
    suggest(option, options) ??
      `Its options are ${options.join(', ')}; '${name} --help' explains ${command === undefined ? 'its commands, which have more' : 'them'}.`,
    option,
  )
}
