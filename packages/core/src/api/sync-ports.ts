import { inspect, invalidOption, type PortsliceError } from '../errors.js'
import { portFromVariable, variablePartOf } from '../options/port-name.js'
import { LAST_PORT } from '../slice/layout.js'

/**
 * The ports in `$PORTS`, set by `portslice run --count` and the option `ports` of the vitest plugin: for
 * tables of ports that must be known without `await`.
 *
 * @returns the ports in the order of the variable; at least one
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID unless it is a list of different ports
 * @example
 * // portslice run --count 2 -- node --test
 * const [api, web] = portsFromEnv()
 */
export function portsFromEnv(): number[] {
  const text = process.env.PORTS
  if (text === undefined || text === '') {
    throw invalidOption(
      'The environment variable $PORTS is not set, so there are no ports to read from it.',
      text,
      'Run the command with as many ports as the table has, for example: portslice run --count 20 -- node --test',
    )
  }
  const ports = text.split(',').map((part) => portFromText(part.trim(), text))
  const duplicate = ports.find((port, index) => ports.indexOf(port) !== index)
  if (duplicate !== undefined) throw malformed(text, `names port ${duplicate} twice`)
  return ports
}

/**
 * The port that {@link namedPort} in this process or an ancestor, or `portslice run --name`, has leased: for
 * code that cannot use `await`.
 *
 * @param name as given to `namedPort`
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID if the port is not leased yet, or for an invalid name
 *   or variable
 * @example
 * const web = namedPortSync('web') // after `await namedPort('web')` in Jest's globalSetup
 */
export function namedPortSync(name: string): number {
  const variable = `PORTSLICE_PORT_${variablePartOf(name)}`
  const text = process.env[variable]
  if (text !== undefined && text !== '') return portFromVariable(text, variable)
  throw invalidOption(
    `The port ${inspect(name)} is not leased yet: the environment variable $${variable} is not set.`,
    name,
    `Lease it in the main process before it starts this one: with \`await namedPort('${name}')\` in globalSetup, or with: portslice run --name ${name} -- COMMAND`,
  )
}

function portFromText(part: string, text: string): number {
  const port = /^\d{1,5}$/.test(part) ? Number(part) : Number.NaN
  if (port >= 1 && port <= LAST_PORT) return port
  throw malformed(text, part === '' ? 'has an empty entry' : `contains ${inspect(part)}`)
}

function malformed(text: string, why: string): PortsliceError {
  return invalidOption(
    `The environment variable $PORTS is ${inspect(text)}: it ${why}.`,
    text,
    'It must be a list of different ports with commas between them, such as 20000,20001. `portslice run --count 2` sets it.',
  )
}
