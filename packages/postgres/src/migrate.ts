import { messageOf, sessionError } from '@portslice/core/internal'
import type { Connection } from './connection.js'
import { SCHEMA, SCHEMA_VERSION } from './schema.js'

/** Any number that no other program uses: processes that start at once must not migrate at once. */
const MIGRATION_LOCK = 7_028_119_201_733

/**
 * Creates the tables and functions if they are missing. If they exist, the user need not have the right to create
 * them.
 *
 * @throws PortsliceError ERR_PORTSLICE_COORDINATOR
 */
export async function migrate(connection: Connection, url: string): Promise<void> {
  if (!(await isCreated(connection, url))) await create(connection, url)
  await checkVersion(connection, url)
}

async function isCreated(connection: Connection, url: string): Promise<boolean> {
  const text = `select to_regclass('portslice.server') is not null as is_created`
  try {
    const [row] = await connection.query(text)
    return row?.is_created === true
  } catch (error) {
    throw rightsError(url, error)
  }
}

async function create(connection: Connection, url: string): Promise<void> {
  // A transaction-level lock, so that it ends with the transaction whatever happens. The tables must
  // survive a crash: new ones know only from the start of the server that earlier holders may return.
  const script = `begin;
    set local synchronous_commit = on;
    select pg_advisory_xact_lock(${MIGRATION_LOCK});
    do $do$ begin
      if to_regclass('portslice.server') is null then execute $schema$${SCHEMA}$schema$; end if;
    end $do$;
    commit`
  try {
    await connection.query(script)
  } catch (error) {
    await connection.query('rollback').catch(() => {})
    throw sessionError(
      url,
      `has no tables of portslice, and they cannot be created: ${messageOf(error)}.`,
      'Let a user with the right to create schemas run `npx portslice doctor` once with this coordinator; or grant it: GRANT CREATE ON DATABASE … TO …',
      error,
    )
  }
}

async function checkVersion(connection: Connection, url: string): Promise<void> {
  let version: unknown
  try {
    const [row] = await connection.query('select version from portslice.server')
    version = row?.version
  } catch (error) {
    throw rightsError(url, error)
  }
  if (version === SCHEMA_VERSION) return
  throw sessionError(
    url,
    `has tables of version ${version}; this version of @portslice/postgres uses version ${SCHEMA_VERSION}.`,
    'Use the same version of portslice in all projects that share the coordinator, or a separate database for each version. Locks of one database do not exclude those of another, so also give each version a separate range.',
  )
}

/** The error for a user who may not use the tables. */
export function rightsError(url: string, error: unknown) {
  return sessionError(
    url,
    `does not let this user use the tables of portslice: ${messageOf(error)}.`,
    'Grant it: GRANT USAGE ON SCHEMA portslice TO …; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA portslice TO …',
    error,
  )
}
