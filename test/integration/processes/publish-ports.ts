/** Takes ports, has a daemon publish each of them, says how that went, and keeps them until its stdin ends. */
import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { createAllocator } from '@portslice/core'
import { dockerSocket } from '@portslice/core/internal/inspect'

const [socket = '', count] = process.argv.slice(2)
const allocator = await createAllocator()
const leases = await allocator.takeMany(Number(count))
const daemon = net.connect(socket)
const answers = createInterface(daemon)
for (const { port } of leases) daemon.write(`${port}\n`)
const outcomes: unknown[] = []
answers.on('line', (line) => outcomes.push(JSON.parse(line)))
while (outcomes.length < leases.length) await once(answers, 'line')
console.log(`published ${JSON.stringify({ outcomes, docker: dockerSocket({}, socket) })}`)
process.stdin.resume()
await once(process.stdin, 'end')
process.exit()
