/** Takes ports from the ESM and the CommonJS form of core in one process, and prints what they share. */
import { createRequire } from 'node:module'
import * as imported from '@portslice/core'
import { Recorder } from 'portslice-test/support/intervals'

const required = createRequire(import.meta.url)('@portslice/core') as typeof imported
const recorder = new Recorder(process.env.RECORD as string)

const forms = [imported, required]
const slices = new Set<number>()
for (let i = 0; i < 12; i++) {
  const [one, other] = (i % 2 ? forms : forms.toReversed()) as [typeof imported, typeof imported]
  const port = await one.takePort()
  slices.add(port >> 5)
  recorder.recordTake(port)()
  await other.releasePort(port) // Fails unless both know the lease.
}

const refused = await required.takePort({ rnage: 1 } as never).catch((error: unknown) => error)
const refusedToo = await imported.takePort({ rnage: 1 } as never).catch((error: unknown) => error)
console.log(
  JSON.stringify({
    areTwo: imported.takePort !== required.takePort,
    slices: slices.size,
    named: (await imported.namedPort('both')) === (await required.namedPort('both')),
    instances: [refused, refusedToo].map((error) =>
      forms.map(({ PortsliceError }) => error instanceof PortsliceError),
    ),
  }),
)
