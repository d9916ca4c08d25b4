import path from 'node:path'

/** The full path of a tool. By name alone, Windows would search the current directory first. */
export function windowsTool(file: string): string {
  return path.win32.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', file)
}
