export interface Command {
  readonly help: string
  /** @returns the exit status */
  run(args: string[]): Promise<number>
}

/** Loads only the subcommand that is called. */
const LOADERS = {
  run: () => import('./run.js'),
  claim: () => import('./claim.js'),
  list: () => import('./list.js'),
  map: () => import('./map.js'),
  doctor: () => import('./doctor.js'),
  clean: () => import('./clean.js'),
  migrate: () => import('./migrate.js'),
} satisfies Record<string, () => Promise<Command>>

export type CommandName = keyof typeof LOADERS

export const COMMANDS = Object.keys(LOADERS) as readonly CommandName[]

export function loadCommand(name: CommandName): Promise<Command> {
  return LOADERS[name]()
}
