/** Mistakes in the command line. They end it with status 2. */
import { inspect, PortsliceError } from '@portslice/core/internal/inspect'
import { closestMatch } from 'leven'

export const USAGE = 'ERR_PORTSLICE_USAGE'

export function usageError(problem: string, advice: string, value?: unknown): PortsliceError {
  return new PortsliceError(USAGE, problem, { advice, value })
}

/** What the library finds wrong with a value, as a mistake in the command line, where it is `text`. */
export function asUsageError(error: unknown, text: string): PortsliceError {
  const { problem, value, advice } = error as PortsliceError
  return usageError(problem.replace(inspect(value), inspect(text)), advice, text)
}

export function unknownCommand(name: string, commands: readonly string[]): PortsliceError {
  return usageError(
    `There is no command ${inspect(name)}.`,
    nearest(name, commands) ??
      `The commands are ${commands.join(', ')}. To run a program, write: portslice run -- ${name} …`,
    name,
  )
}

/** @param command missing for an option before any */
export function unknownOption(
  option: string,
  command: string | undefined,
  options: readonly string[],
): PortsliceError {
  const name = command === undefined ? 'portslice' : `portslice ${command}`
  return usageError(
    `'${name}' has no option ${inspect(option)}.`,
    nearest(option, options) ??
      `Its options are ${options.join(', ')}; '${name} --help' explains ${command === undefined ? 'its commands, which have more' : 'them'}.`,
    option,
  )
}

/** A question with the known word that was probably meant. Half of what was typed may be wrong. */
export function nearest(typed: string, known: readonly string[], prefix = ''): string | undefined {
  const maxDistance = Math.max(2, Math.floor(typed.length / 2))
  const match = closestMatch(typed, known, { maxDistance })
  return match && `Did you mean '${prefix}${match}'?`
}
