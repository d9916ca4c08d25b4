/** Listens on each port that it is told on stdin, as a program that does not know portslice. */
import net from 'node:net'
import { createInterface } from 'node:readline'

console.log('ready')
for await (const line of createInterface({ input: process.stdin })) {
  net.createServer().listen(Number(line), () => console.log(`occupied ${line}`))
}
