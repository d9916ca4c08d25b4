import net from 'node:net'

const server = net.createServer().listen(0, () => {
  process.getBuiltinModule('fs').writeSync(1, `${server.address().port}\n`)
  server.close()
})
