import type { Syntax } from '../command-line/arguments.js'

export interface Command {
  readonly help: string
  readonly syntax: Syntax<string>
  /**
   * @param loadAll loads all subcommands, for `completion`
   * @returns the exit status
   */
  run(args: string[], loadAll: () => Promise<readonly NamedCommand[]>): Promise<number>
}

type NamedCommand = Pick<Command, 'help' | 'syntax'> & { name: string }

/** Loads only the subcommand that is called. */
const LOADERS = {
  run: () => import('./run.js'),
  claim: () => import('./claim.js'),
  list: () => import('./list.js'),
  why: () => import('./why.js'),
  map: () => import('./map.js'),
  ui: () => import('./ui.js'),
  doctor: () => import('./doctor.js'),
  clean: () => import('./clean.js'),
  migrate: () => import('./migrate.js'),
  completion: () => import('./completion.js'),
} satisfies Record<string, () => Promise<Command>>

export type CommandName = keyof typeof LOADERS

export const COMMANDS = Object.keys(LOADERS) as readonly CommandName[]

export function loadCommand(name: CommandName): Promise<Command> {
  return LOADERS[name]()
}

export function loadCommands(): Promise<NamedCommand[]> {
  return Promise.all(COMMANDS.map(async (name) => ({ ...(await loadCommand(name)), name })))
}
