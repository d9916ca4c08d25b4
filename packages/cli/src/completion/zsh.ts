import type { CommandCompletions, OptionCompletion } from './collect-completions.js'

export function zshCompletion(commands: readonly CommandCompletions[]): string {
  const withHelp = [...commands, { name: 'help', summary: 'shows the help of a command' }]
  const names = commands.map(({ name }) => name).join(' ')
  return `#compdef portslice
# zsh completion for portslice: eval "$(portslice completion zsh)"

_portslice() {
  local -a subcommands=(
${withHelp.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command subcommands
    [[ $PREFIX == -* ]] && compadd -- --help --version
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(caseOf).join('\n')}
    help) _arguments '1:command:(${names})' ;;
  esac
}

if [[ $funcstack[1] == _portslice ]]; then _portslice "$@"
else compdef _portslice portslice
fi
`
}

function caseOf({ name, options, argument, takesPaths, program }: CommandCompletions): string {
  const specs = options.map(specOf)
  if (argument && argument.length > 0) specs.push(`'1:argument:(${argument.join(' ')})'`)
  if (takesPaths) specs.push("'*:path:_files'")
  if (program?.hasOperands) specs.push("'1:ports:'")
  if (program) {
    specs.push(`'(-)${program.hasOperands ? 2 : 1}:program: _command_names -e'`)
    specs.push("'*::arguments: _normal'")
  }
  return `    ${name}) _arguments ${specs.join(' \\\n      ')} ;;`
}

function specOf({ name, description, value, isRepeatable }: OptionCompletion): string {
  const text = description.replaceAll(/[[\]:\\]/g, '\\$&')
  const action = { none: '', text: ':value:', file: ':file:_files' }[value]
  return quote(`${isRepeatable ? '*' : ''}${name}[${text}]${action}`)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
