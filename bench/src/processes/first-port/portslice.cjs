const { takePort } = require('@portslice/core')

takePort().then((port) => process.getBuiltinModule('fs').writeSync(1, `${port}\n`))
