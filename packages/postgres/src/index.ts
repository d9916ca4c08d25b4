/**
 * Leases the ports of another host through PostgreSQL. `@portslice/core` loads it for the option
 * `coordinator: 'postgres://…'`.
 *
 * @module @portslice/postgres
 */
import type { CoordinatorSession, SessionOptions } from '@portslice/core/coordinator'
import { PostgresSession } from './session.js'

/**
 * Opens a session: one connection, whose end frees all that it holds.
 *
 * @param options the URL of the database, the host whose ports are leased, and the process
 * @throws PortsliceError ERR_PORTSLICE_COORDINATOR if the database cannot be used
 */
export function openSession(options: SessionOptions): Promise<CoordinatorSession> {
  return PostgresSession.open(options)
}
