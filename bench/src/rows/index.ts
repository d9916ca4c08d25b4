/** In the order of the page. */
import type { Row } from '../row.ts'
import { collisions } from './collisions.ts'
import { events } from './events.ts'
import { firstPort } from './first-port.ts'
import { fixtureImport } from './fixture-import.ts'
import { list } from './list.ts'
import { manyProcesses } from './many-processes.ts'
import { memory } from './memory.ts'
import { parsedCode } from './parsed-code.ts'
import { scale } from './scale.ts'
import { slice } from './slice.ts'
import { playwrightRun, vitestRun } from './suites.ts'
import { warm } from './warm.ts'

export const ROWS: readonly Row[] = [
  firstPort,
  parsedCode,
  warm,
  events,
  slice,
  manyProcesses,
  vitestRun,
  playwrightRun,
  fixtureImport,
  collisions,
  memory,
  list,
  scale,
]
