import { getPortPromise } from 'portfinder'

const port = await getPortPromise()
process.getBuiltinModule('fs').writeSync(1, `${port}\n`)
