import { urlOf } from '../terminal/format.js'
import { printNotice } from '../terminal/print.js'
import type { AssignedPort } from './pass-ports.js'

/** Where people find the app. Most ports are those of web servers; others lose a line. */
export function printUrls(ports: readonly AssignedPort[], host: string | undefined): void {
  for (const { name, port } of ports) {
    printNotice(`${name === undefined ? '' : `${name} `}${urlOf(port, host)}`)
  }
}
