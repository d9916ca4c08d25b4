import type { CommandCompletions } from './collect-completions.js'

export function bashCompletion(commands: readonly CommandCompletions[]): string {
  const names = commands.map(({ name }) => name)
  return `# bash completion for portslice: eval "$(portslice completion bash)"

_portslice() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local options= values= files= arguments= paths= program= at=2
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${[...names, 'help', '--help', '--version'].join(' ')}' -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(caseOf).join('\n')}
    help) arguments='${names.join(' ')}' ;;
    *) return ;;
  esac
  # The program follows '--', or is the first word that is neither an option nor a value of one.
  if [[ $program ]]; then
    while ((at < COMP_CWORD)); do
      case \${COMP_WORDS[at]} in
        --) ((at++)); break ;;
        --*=*) ;;
        -*) [[ " $values $files " == *" \${COMP_WORDS[at]} "* ]] && ((at++)) ;;
        *) [[ $program == ports && \${COMP_WORDS[at]} =~ ^[0-9,]+$ ]] || break ;;
      esac
      ((at++))
    done
    if ((at < COMP_CWORD)); then
      if declare -F _command_offset >/dev/null; then _command_offset "$at"
      else compopt -o default
      fi
      return
    fi
    if ((at == COMP_CWORD)) && [[ $current != -* || \${COMP_WORDS[at-1]} == -- ]]; then
      COMPREPLY=($(compgen -c -- "$current"))
      return
    fi
  fi
  if [[ " $files " == *" $previous "* ]]; then compopt -o default
  elif [[ " $values " == *" $previous "* ]]; then return
  elif [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ $paths ]]; then compopt -o default
  else COMPREPLY=($(compgen -W "$arguments" -- "$current"))
  fi
}

complete -F _portslice portslice
`
}

function caseOf({ name, options, argument = [], takesPaths, program }: CommandCompletions): string {
  const having = (value: string) => options.filter((each) => each.value === value)
  const list = (of: typeof options) => `'${of.map((option) => option.name).join(' ')}'`
  return [
    `    ${name}) options=${list(options)}`,
    `values=${list(having('text'))}`,
    `files=${list(having('file'))}`,
    ...(argument.length > 0 ? [`arguments='${argument.join(' ')}'`] : []),
    ...(takesPaths ? ['paths=yes'] : []),
    ...(program ? [`program=${program.hasOperands ? 'ports' : 'yes'}`] : []),
  ]
    .join(' ')
    .concat(' ;;')
}
