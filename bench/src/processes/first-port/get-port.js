import getPort from 'get-port'

const port = await getPort()
process.getBuiltinModule('fs').writeSync(1, `${port}\n`)
