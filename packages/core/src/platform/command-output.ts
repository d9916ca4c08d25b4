const TIMEOUT_MS = 5000
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs a tool to read a setting that no file shows. `undefined` if it is missing, fails, or does not end. */
export type CommandOutput = (file: string, args: readonly string[]) => string | undefined

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

/** As {@link CommandOutput}, for tools that take long. */
export type SlowCommandOutput = (
  file: string,
  args: readonly string[],
) => Promise<string | undefined>

const SLOW_TIMEOUT_MS = 30_000

export const slowCommandOutput: SlowCommandOutput = (file, args) =>
  new Promise((resolve) => {
    const { execFile } = process.getBuiltinModule('node:child_process')
    const options = {
      encoding: 'latin1',
      timeout: SLOW_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      windowsHide: true,
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    } as const
    try {
      execFile(file, [...args], options, (error, stdout) => resolve(error ? undefined : stdout))
    } catch {
      resolve(undefined) // No more processes or files.
    }
  })
