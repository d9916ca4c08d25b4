import type { CommandCompletions, OptionCompletion } from './collect-completions.js'

export function fishCompletion(commands: readonly CommandCompletions[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const lines = [
    '# fish completion for portslice: portslice completion fish | source',
    'complete -c portslice -f',
    `complete -c portslice -n __fish_use_subcommand -l help -d ${quote('shows the commands')}`,
    `complete -c portslice -n __fish_use_subcommand -l version -d ${quote('prints the version')}`,
    `complete -c portslice -n __fish_use_subcommand -a help -d ${quote('shows the help of a command')}`,
    `complete -c portslice -n '__fish_seen_subcommand_from help' -a ${quote(names)}`,
    ...commands.flatMap(linesOf),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function linesOf({
  name,
  summary,
  options,
  argument = [],
  takesPaths,
  program,
}: CommandCompletions): string[] {
  const within = `complete -c portslice -n '__fish_seen_subcommand_from ${name}'`
  return [
    `complete -c portslice -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ...options.map((option) => `${within} ${optionOf(option)}`),
    ...(argument.length > 0 ? [`${within} -a ${quote(argument.join(' '))}`] : []),
    ...(takesPaths ? [`${within} -F`] : []),
    ...(program ? [`${within} -a '(__fish_complete_subcommand --fcs-skip=2)'`] : []),
  ]
}

function optionOf({ name, description, value }: OptionCompletion): string {
  const argument = { none: '', text: ' -x', file: ' -r -F' }[value]
  return `-l ${name.slice(2)}${argument} -d ${quote(description)}`
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
