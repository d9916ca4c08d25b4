export type Source = 'portslice' | 'get-port' | 'get-port-range'

export interface RecordFiles {
  /** Intervals from hand-out to release. */
  out: string
  /** Intervals from hand-out to bind. */
  unbound: string
  /** One line for each bind that failed with EADDRINUSE. */
  failedBinds: string
}

const SOURCE = 'DEMO_PORT_SOURCE'
const RECORDS = 'DEMO_RECORDS'
const BROWSER = 'DEMO_BROWSER'

/** Passes the parameters of the demo to the suites. */
export function suiteEnvironment(source: Source, records: RecordFiles, browser: object) {
  return {
    [SOURCE]: source,
    [RECORDS]: JSON.stringify(records),
    [BROWSER]: JSON.stringify(browser),
  }
}

export const source = () => readVariable(SOURCE) as Source
export const recordFiles = () => JSON.parse(readVariable(RECORDS)) as RecordFiles
/** Playwright's `launchOptions`. */
export const browser = () => JSON.parse(readVariable(BROWSER)) as { args: string[] }

function readVariable(name: string): string {
  const value = process.env[name]
  if (value === undefined)
    throw new Error(`$${name} is not set: start the suite with pnpm run demo.`)
  return value
}
