import { releasePort, takePort } from '@portslice/core'

const port = await takePort()
process.getBuiltinModule('fs').writeSync(1, `${port}\n`)
// Otherwise it would be in quarantine, and later processes would search on.
await releasePort(port)
