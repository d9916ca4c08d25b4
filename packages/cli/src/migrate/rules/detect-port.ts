import { isFunction, type Node } from '../syntax-tree.js'
import { isNumeric } from './numeric.js'
import {
  type CallContext,
  NO_ARGUMENTS,
  optionsArguments,
  type PackageRule,
  portsArgument,
  type TakePortArguments,
} from './package-rule.js'

/** Version 1 exports a function, version 2 also `detect` and `detectPort`. */
export const DETECT_PORT: PackageRule = {
  packageName: 'detect-port',
  calls: { default: detect, detect, detectPort: detect },
  advice: { waitPort: 'waitForPort' },
}

function detect([wanted, ...more]: readonly Node[], context: CallContext): TakePortArguments {
  if (wanted === undefined) return NO_ARGUMENTS
  if (more.length > 0 || isFunction(wanted)) return { advice: 'callback' }
  const onePort = (value: Node): TakePortArguments =>
    // detect-port also accepts strings, but takePort() does not.
    isNumeric(context.tree, value) ? portsArgument(value, context) : { advice: 'options' }
  if (wanted.type !== 'ObjectExpression') return onePort(wanted)
  return optionsArguments(
    wanted,
    { port: 'port', dropped: ['hostname'], refused: { callback: 'callback' } },
    onePort,
  )
}
