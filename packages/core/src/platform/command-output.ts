const TIMEOUT_MS = 5000

export type CommandOutput = (file: string, args: readonly string[]) => string | undefined

/** For settings that no file shows. `undefined` if the tool is missing, fails, or does not end. */
export const commandOutput: CommandOutput = (file, args) => {
  try {
    return process.getBuiltinModule('node:child_process').execFileSync(file, args, {
      encoding: 'latin1',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
      windowsHide: true,
    })
  } catch {
    return undefined
  }
}
