const CONFIG_FILE = /((?:file:\/\/)?[^\s()]+\.config\.[cm]?[jt]s)/

/**
 * The config file that calls, such as `/project/vitest.config.ts`, by the stack of an error. Vite
 * evaluates a copy of it in `node_modules/.vite-temp`, whose name goes on with a time stamp.
 */
export function callingConfigFile(): string | undefined {
  const [, file] = CONFIG_FILE.exec(new Error().stack ?? '') ?? []
  return file?.replace('file://', '').replace(/node_modules[\\/]\.vite-temp[\\/]/, '')
}
