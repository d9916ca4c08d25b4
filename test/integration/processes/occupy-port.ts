/** Listens on each port that it reads from stdin, without portslice. */
import net from 'node:net'
import { createInterface } from 'node:readline'

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  net.createServer().listen(Number(line), () => console.log(`occupied ${line}`))
}
