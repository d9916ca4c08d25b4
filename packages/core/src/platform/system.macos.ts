import { bootIdOfMac } from './boot.macos.js'
import { OTHER } from './system.other.js'
import type { System } from './system-type.js'

export const MACOS: System = {
  ...OTHER,
  browserOpener: ['open'],
  // It listens on these ports once it is switched on.
  serverPorts: { 'the AirPlay receiver of macOS': [5000, 7000] },
  readBootId: bootIdOfMac,
}
