import { takePort } from '@portslice/core'

const port = await takePort()
process.getBuiltinModule('fs').writeSync(1, `${port}\n`)
