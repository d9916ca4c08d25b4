import { isFunction, type Node } from '../syntax-tree.js'
import {
  type CallContext,
  NO_ARGUMENTS,
  optionsArguments,
  type PackageRule,
  portsArgument,
  type TakePortArguments,
} from './package-rule.js'

export const PORTFINDER: PackageRule = {
  packageName: 'portfinder',
  calls: { getPortPromise: port, getPort: port },
  advice: {
    getPorts: 'severalPorts',
    getPortsPromise: 'severalPorts',
    getSocket: 'socket',
    getSocketPromise: 'socket',
  },
  settings: ['basePort', 'highestPort', 'setBasePort', 'setHighestPort'],
}

/** Since version 1.0.33, getPort() without a callback returns a promise. */
function port([options, ...more]: readonly Node[], context: CallContext): TakePortArguments {
  if (options === undefined) return NO_ARGUMENTS
  if (more.length > 0 || isFunction(options)) return { advice: 'callback' }
  return optionsArguments(
    options,
    { port: 'port', dropped: ['host'], refused: { stopPort: 'portRange', startPort: 'portRange' } },
    (value) => portsArgument(value, context),
  )
}
