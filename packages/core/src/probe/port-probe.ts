/** What trying to bind a port tells about it. That it could not be tried is an error. */
export type PortProbe =
  | {
      /** This process has bound it just now. */
      readonly state: 'free'
    }
  | {
      /** Another socket has it. */
      readonly state: 'in-use'
    }
  | {
      /** This process may not bind it, used or not. */
      readonly state: 'not-permitted'
      /** EACCES or EPERM, with what was not permitted. */
      readonly error: NodeJS.ErrnoException
    }

export const FREE: PortProbe = { state: 'free' }
export const IN_USE: PortProbe = { state: 'in-use' }
