import { printNotice } from '../terminal/print.js'
import type { AssignedPort } from './pass-ports.js'

/** Where people find the app. Most ports are those of web servers; others lose a line. */
export function printUrls(ports: readonly AssignedPort[]): void {
  for (const { name, port } of ports) {
    printNotice(`${name === undefined ? '' : `${name} `}http://localhost:${port}`)
  }
}
