import { isNotPermitted, isTaken } from './bind-errors.js'

/** The result of trying to bind a port. */
export type PortProbe =
  /** This process has just bound it. */
  | { readonly state: 'free' }
  | { readonly state: 'in-use' }
  /** This process may not bind it, whether in use or not. The error is EACCES or EPERM. */
  | { readonly state: 'not-permitted'; readonly error: NodeJS.ErrnoException }

export const FREE = { state: 'free' } as const
export const IN_USE = { state: 'in-use' } as const

/** What the error of a bind says about the port. @throws the error if it says nothing */
export function probeFromError(error: unknown): Exclude<PortProbe, typeof FREE> {
  if (isTaken(error)) return IN_USE
  if (!isNotPermitted(error)) throw error
  return { state: 'not-permitted', error: error as NodeJS.ErrnoException }
}
