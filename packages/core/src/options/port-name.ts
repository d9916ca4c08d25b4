import { inspect, invalidOption } from '../errors.js'
import { FIRST_UNPRIVILEGED_PORT, LAST_PORT } from '../slice/layout.js'

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** `web-api` becomes `WEB_API`. @throws PortsliceError for an invalid name */
export function variablePartOf(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name.toUpperCase().replaceAll('-', '_')
  throw invalidOption(
    `A port cannot be named ${inspect(name)}.`,
    name,
    "Give a name of up to 64 letters, digits, '-' and '_' that starts with a letter, such as 'web'.",
  )
}

export function portFromVariable(text: string, variable: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= FIRST_UNPRIVILEGED_PORT && port <= LAST_PORT) return port
  throw invalidOption(
    `The environment variable $${variable} is ${inspect(text)}, which is not a port.`,
    text,
    'Unset it: portslice sets it for the processes that this one starts.',
  )
}
