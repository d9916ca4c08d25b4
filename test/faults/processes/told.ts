/** What a process of a fault hears and says: a line each, on stdin and stdout. */
import { createInterface } from 'node:readline'

/**
 * Calls what a word stands for; `end` must be among them, and is meant as well when whoever
 * started this process has gone. Keeps the process alive no longer than it has to do.
 */
export function whenTold(words: Record<string, () => unknown>): void {
  const lines = createInterface(process.stdin)
  lines.on('line', (line) => void words[line]?.())
  lines.on('close', () => process.exit())
}

export function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

/** Everything that this process was warned of so far. */
export function heardWarnings(): string[] {
  const heard: string[] = []
  process.on('warning', ({ name, message }) => heard.push(`${name}: ${message}`))
  return heard
}

/** What the process was started with. */
export function planned<Plan>(): Plan {
  return JSON.parse(process.argv[2] as string) as Plan
}
