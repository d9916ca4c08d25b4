import { isNotPermitted, isTaken } from './bind-errors.js'

/** The result of a probe. */
export type PortProbe =
  | { readonly state: 'free' }
  | { readonly state: 'in-use' }
  /** The port may be in use or not. */
  | { readonly state: 'not-permitted'; readonly error: NodeJS.ErrnoException }

export const FREE = { state: 'free' } as const
export const IN_USE = { state: 'in-use' } as const

/** @throws the error if it says nothing about the port */
export function probeFromError(error: unknown): Exclude<PortProbe, typeof FREE> {
  if (isTaken(error)) return IN_USE
  if (!isNotPermitted(error)) throw error
  return { state: 'not-permitted', error: error as NodeJS.ErrnoException }
}
