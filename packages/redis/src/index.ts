/**
 * Leases the ports of another host through Redis. `@portslice/core` loads it for the option
 * `coordinator: 'redis://…'`.
 *
 * @module @portslice/redis
 */
import type { CoordinatorSession, SessionOptions } from '@portslice/core/coordinator'
import { RedisSession } from './session.js'

/**
 * Opens a session: a key that expires unless it is renewed, and with it all that the session holds.
 *
 * @param options the URL of the database, the host whose ports are leased, and the process
 * @throws PortsliceError ERR_PORTSLICE_COORDINATOR if the database cannot be used
 */
export function openSession(options: SessionOptions): Promise<CoordinatorSession> {
  return RedisSession.open(options)
}
