/** Only the system calls that portslice needs: sentinel, lock with its socket, journal, and a probe of the port. */
const dgram = process.getBuiltinModule('dgram')
const fs = process.getBuiltinModule('fs')
const net = process.getBuiltinModule('net')

const [folder, sentinel, port] = process.argv.slice(2)
/** Avoids a regular expression in Node that takes 5 ms to compile. */
const lookup = (address, family, callback) => callback(null, address, family)

function bound(type, number, address) {
  const socket = dgram.createSocket({ type, lookup })
  socket.unref()
  socket.bind({ port: Number(number), address, exclusive: true })
  return socket
}

fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
const held = bound('udp4', sentinel, '127.0.0.1')
fs.mkdirSync(folder, { recursive: true })
const lock = `${folder}/bare.lock`
fs.mkdirSync(`${lock}.new`)
const liveness = net.createServer().listen(`${lock}.new/socket`)
fs.renameSync(`${lock}.new`, lock)
const journal = fs.openSync(`${folder}/bare.ndjson`, 'w', 0o600)
fs.writeSync(journal, `${JSON.stringify({ v: 1, event: 'lease', pid: process.pid })}\n`)

bound('udp6', port, '::').close()
const server = net.createServer().listen({ port: Number(port), exclusive: true })
if (!server.listening) throw new Error(`Port ${port} is in use.`)
server.close()
fs.writeSync(journal, `${JSON.stringify({ event: 'take', port })}\n`)
fs.writeSync(1, `${port}\n`)

fs.unlinkSync(`${lock}/socket`)
fs.rmdirSync(lock)
liveness.close()
held.close()
