import { type Node, propertyName } from '../syntax-tree.js'
import { isNumeric } from './numeric.js'
import {
  type CallContext,
  NO_ARGUMENTS,
  optionsArguments,
  type PackageRule,
  portRange,
  portsArgument,
  prefer,
  type TakePortArguments,
} from './package-rule.js'

/** The port that getPort() tries first without options. */
const DEFAULT_PORT = '3000'
const DROPPED = ['host', 'public', 'verbose', 'random']
const REFUSED = { name: 'memoized' } as const

export const GET_PORT_PLEASE: PackageRule = {
  packageName: 'get-port-please',
  calls: { getRandomPort: () => NO_ARGUMENTS, getPort: port },
  advice: { waitForPort: 'waitForPort', checkPort: 'checkPort', getSocketAddress: 'socket' },
}

function port([options, ...more]: readonly Node[], context: CallContext): TakePortArguments {
  if (options === undefined) return prefer(DEFAULT_PORT)
  if (more.length > 0) return { advice: 'options' }
  if (options.type !== 'ObjectExpression') {
    return isNumeric(context.tree, options)
      ? portsArgument(options, context)
      : { advice: 'options' }
  }
  const names = options.properties.map((each) => propertyName(each))
  const wanted = names.filter((name) => name !== undefined && !DROPPED.includes(name))
  // getPort() tries several such options one after the other. takePort() has only one.
  if (wanted.length > 1) return { advice: 'options' }
  const isRandom = names.includes('random')
  if (wanted.length === 0 && names.every((name) => name !== undefined)) {
    return isRandom ? NO_ARGUMENTS : prefer(DEFAULT_PORT)
  }
  if (isRandom) return { advice: 'options' }
  switch (wanted[0]) {
    case 'portRange':
      return optionsArguments(options, { port: 'portRange', dropped: DROPPED }, (range) =>
        range.type === 'ArrayExpression'
          ? portRange(range.elements[0] ?? undefined, range.elements[1] ?? undefined)
          : { advice: 'portRange' },
      )
    case 'ports':
      return optionsArguments(options, { port: 'ports', dropped: DROPPED }, (value) =>
        portsArgument(value, context),
      )
    default:
      return optionsArguments(
        options,
        { port: 'port', dropped: DROPPED, refused: REFUSED },
        (value) =>
          isNumeric(context.tree, value) ? portsArgument(value, context) : { advice: 'options' },
      )
  }
}
