import path from 'node:path'

/** By its full path: Windows would look into the current directory first. */
export function windowsTool(file: string): string {
  return path.win32.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', file)
}
