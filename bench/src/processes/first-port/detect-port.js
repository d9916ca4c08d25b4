import { detectPort } from 'detect-port'

const port = await detectPort()
process.getBuiltinModule('fs').writeSync(1, `${port}\n`)
