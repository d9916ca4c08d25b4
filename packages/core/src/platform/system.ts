import { LINUX } from './system.linux.js'
import { MACOS } from './system.macos.js'
import { OTHER } from './system.other.js'
import { WINDOWS } from './system.windows.js'
import type { System } from './system-type.js'

export function systemOf(platform: NodeJS.Platform): System {
  switch (platform) {
    case 'linux':
      return LINUX
    case 'darwin':
      return MACOS
    case 'win32':
      return WINDOWS
    default:
      return OTHER
  }
}

/** The system that this process runs on. */
export const system = systemOf(process.platform)
