import { type Node, unwrapped } from '../syntax-tree.js'
import {
  type CallContext,
  NO_ARGUMENTS,
  optionsArguments,
  type PackageRule,
  portRange,
  portsArgument,
  type TakePortArguments,
} from './package-rule.js'

/** get-port 3 to 7. Version 5 has `makeRange` as a property of the function. */
export const GET_PORT: PackageRule = {
  packageName: 'get-port',
  calls: {
    default: ([options, ...more], context) => {
      if (options === undefined) return NO_ARGUMENTS
      if (more.length > 0) return { advice: 'options' }
      return optionsArguments(
        options,
        {
          port: 'port',
          dropped: ['host', 'ipv6Only', 'reserve'],
          refused: { exclude: 'exclude' },
        },
        (value) => ports(value, context),
      )
    },
  },
  helpers: ['portNumbers', 'makeRange'],
  advice: { clearLockedPorts: 'clearLocked', portNumbers: 'portRange', makeRange: 'portRange' },
}

function ports(value: Node, context: CallContext): TakePortArguments {
  const node = unwrapped(value)
  if (node.type === 'CallExpression') {
    const exported = context.exportedBy(node.callee)
    if (exported === 'portNumbers' || exported === 'makeRange') {
      return portRange(node.arguments[0], node.arguments[1])
    }
  }
  return portsArgument(value, context)
}
