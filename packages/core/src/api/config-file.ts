const CONFIG_FILE = /((?:file:\/\/)?[^\s()]+\.config\.[cm]?[jt]s)/

/** By the stack. Vite evaluates a copy in `node_modules/.vite-temp`, whose name goes on with a time stamp. */
export function callingConfigFile(): string | undefined {
  const [, file] = CONFIG_FILE.exec(new Error().stack ?? '') ?? []
  return file?.replace('file://', '').replace(/node_modules[\\/]\.vite-temp[\\/]/, '')
}
