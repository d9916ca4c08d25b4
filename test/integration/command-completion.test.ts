/** `portslice completion`, in the shells that are installed. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { PORTSLICE, portslice } from '../support/command.ts'
import { InTerminal } from '../support/terminal.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const COMMANDS = [
  'run',
  'claim',
  'list',
  'why',
  'map',
  'ui',
  'doctor',
  'clean',
  'migrate',
  'completion',
]

function whyNot(shell: string): string | undefined {
  const { error } = spawnSync(shell, ['-c', 'exit'])
  return error ? `${shell} is not installed.` : undefined
}

function output(shell: string, args: string[], cwd: string): string[] {
  const { stdout, stderr, status } = spawnSync(shell, args, { encoding: 'utf8', cwd })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter(Boolean)
}

/** A directory in which `web.env` is the only file. */
function folderWithFile(): string {
  const folder = temporaryFolder()
  writeFileSync(path.join(folder, 'web.env'), '')
  mkdirSync(path.join(folder, 'empty'))
  return folder
}

describe('bash', () => {
  /** The completions that the function of the script offers for the last of these words. */
  const complete = (...words: string[]) => {
    const list = words.map((word) => `'${word}'`).join(' ')
    const script = `source <(${PORTSLICE} completion bash); compopt() { echo "compopt $*"; }
      COMP_WORDS=(portslice ${list}); COMP_CWORD=${words.length}; _portslice
      printf '%s\\n' "\${COMPREPLY[@]}"`
    return output('bash', ['--norc', '-c', script], temporaryFolder())
  }

  test.each([
    [[''], [...COMMANDS, 'help', '--help', '--version']],
    [['migrate', ''], ['compopt -o default']],
    [['c'], ['claim', 'clean', 'completion']],
    [
      ['list', '--'],
      ['--json', '--watch', '--help'],
    ],
    [['list', ''], []],
    [['run', '--na'], ['--name']],
    [['run', '--name', ''], []],
    [['run', '--write-env', ''], ['compopt -o default']],
    [['run', '--name', 'web', '--ti'], ['--timeout']],
    [['run', '--', 'base64', '--'], ['compopt -o default']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['help', 'wh'], ['why']],
  ])('%j', (words, expected) => {
    expect(complete(...words)).toEqual(expected)
  })

  test.each([
    [['run', 'base6']],
    [['run', '--name', 'web', 'base6']],
    [['run', '--', 'base6']],
    [['claim', '3000', 'base6']],
    [['claim', '3000,3001', '9000', '--', 'base6']],
  ])('the program of a run: %j', (words) => {
    expect(complete(...words)).toContain('base64')
  })

  test('on a terminal', async () => {
    const shell = new InTerminal('bash', ['--norc', '--noprofile', '-i'], {
      cwd: temporaryFolder(),
    })
    shell.terminal.write(`source <(${PORTSLICE} completion bash); echo rea''dy\n`)
    await shell.said(/ready/)
    shell.terminal.write('portslice wh\t')
    await shell.said(/portslice why $/)
    shell.terminal.write('--js\t')
    await shell.said(/portslice why --json $/)
  })
})

describe('zsh', () => {
  test('on a terminal', async ({ skip }) => {
    const missing = whyNot('zsh')
    if (missing) skip(missing)
    const shell = new InTerminal('zsh', ['-f', '-i'], { cwd: folderWithFile() })
    const setUp = `autoload -Uz compinit; compinit -D; eval "$(${PORTSLICE} completion zsh)"`
    shell.terminal.write(`PS1='> '; ${setUp}; echo rea''dy\n`)
    await shell.said(/\nready/)
    const completes = async (typed: string, shown: string) => {
      shell.terminal.write(`${typed}\t`)
      await shell.shows((screen) => screen.trimEnd().split('\n').at(-1)?.trimEnd() === `> ${shown}`)
      shell.terminal.write('\u0015')
    }
    await completes('portslice wh', 'portslice why')
    await completes('portslice list --js', 'portslice list --json')
    await completes('portslice run --write-env we', 'portslice run --write-env web.env')
    await completes('portslice run --name web base6', 'portslice run --name web base64')
    await completes('portslice claim 3000 base6', 'portslice claim 3000 base64')
    await completes('portslice completion f', 'portslice completion fish')
  })
})

describe('fish', () => {
  const missing = whyNot('fish')
  test.skipIf(missing !== undefined).each([
    ['portslice wh', 'why'],
    ['portslice list --js', '--json'],
    ['portslice run --write-env we', 'web.env'],
    ['portslice run base6', 'base64'],
    ['portslice completion zs', 'zsh'],
  ])('%s', (line, word) => {
    const script = `${PORTSLICE} completion fish | source; complete -C '${line}'`
    const offered = output('fish', ['--no-config', '-c', script], folderWithFile())
    expect(offered.map((each) => each.split('\t')[0])).toContain(word)
  })
})

test('the help is shown beside each option', async () => {
  const { stdout } = await portslice(['completion', 'fish'])
  expect(stdout).toContain("-l json -d 'prints JSON'")
  expect(stdout).not.toContain("-d ''")
})

test('refuses other shells', async () => {
  const { status, stderr } = await portslice(['completion', 'fisch'])
  expect(status).toBe(2)
  expect(stderr).toContain('There is no completion for "fisch".')
  expect(stderr).toContain("Did you mean 'fish'?")
})
