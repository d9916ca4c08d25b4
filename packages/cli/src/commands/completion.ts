import { inspect, suggest } from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { usageError } from '../command-line/usage-error.js'
import { bashCompletion } from '../completion/bash.js'
import {
  type CommandCompletions,
  collectCompletions,
  type NamedCommand,
} from '../completion/collect-completions.js'
import { fishCompletion } from '../completion/fish.js'
import { zshCompletion } from '../completion/zsh.js'

export const help = `portslice completion: prints a script that completes commands and options in a shell

  eval "$(portslice completion bash)"     in ~/.bashrc
  eval "$(portslice completion zsh)"      in ~/.zshrc, after compinit
  portslice completion fish | source      in ~/.config/fish/config.fish

The program of 'portslice run' and 'portslice claim' is completed as it is without portslice.
`

const SHELLS: Readonly<Record<string, (commands: readonly CommandCompletions[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

export const syntax: Syntax<string> = {
  command: 'completion',
  options: {},
  argument: { name: 'SHELL', example: 'bash', values: Object.keys(SHELLS) },
}

export async function run(
  args: string[],
  loadAll: () => Promise<readonly NamedCommand[]>,
): Promise<number> {
  const [shell = ''] = readArguments(syntax, args).operands
  const script = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined
  if (!script) {
    const names = Object.keys(SHELLS)
    throw usageError(
      `There is no completion for ${inspect(shell)}.`,
      suggest(shell, names) ?? `Give one of ${names.join(', ')}.`,
      shell,
    )
  }
  process.stdout.write(script(collectCompletions(await loadAll())))
  return 0
}
