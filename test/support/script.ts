/** The other end of `TestProcess`: the arguments, commands and answers of a script. */
import { createInterface } from 'node:readline'

/** The plan that the script was started with: its last argument, as JSON. */
export function readPlan<Plan>(): Plan {
  return JSON.parse(process.argv.at(-1) as string) as Plan
}

export function say(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** Calls the function of each word on stdin. The process ends when stdin does, because then its parent has ended. */
export function onWords(words: Record<string, () => unknown>): void {
  onLines((line) => void words[line]?.())
}

export function onLines(listener: (line: string) => void): void {
  const lines = createInterface(process.stdin)
  lines.on('line', listener)
  lines.on('close', () => process.exit())
}

/** Carries out each command that is received, and answers with its result and with further `facts`. */
export function answerCommands<Command>(
  carryOut: (command: Command) => Promise<object>,
  facts: () => object = () => ({}),
): void {
  const warnings = collectWarnings()
  onLines(async (line) => {
    const { id, command } = JSON.parse(line) as { id: number; command: Command }
    const start = performance.now()
    const result = await carryOut(command).catch(({ code, message, stack }) => ({
      error: { code, message, stack },
    }))
    say({ answerTo: id, took: performance.now() - start, warnings, ...facts(), ...result })
  })
  say({ pid: process.pid })
}

/** All warnings of this process so far. */
export function collectWarnings(): string[] {
  const warnings: string[] = []
  process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`))
  return warnings
}
