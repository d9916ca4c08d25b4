import { urlOf } from '../terminal/format.js'
import { printNotice } from '../terminal/print.js'
import type { AssignedPort } from './pass-ports.js'

/** Prints a URL for each port, because most ports are those of web servers. */
export function printUrls(ports: readonly AssignedPort[], host: string | undefined): void {
  for (const { name, port } of ports) {
    printNotice(`${name === undefined ? '' : `${name} `}${urlOf(port, host)}`)
  }
}
