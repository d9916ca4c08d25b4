/**
 * Takes the port of a key as a program without state of its own does, prints it, and
 * stays until it is stopped. Arguments: the key, and the number of the worker.
 */
import { once } from 'node:events'
import { createAllocator } from '@portslice/core'

const [key, workerId] = process.argv.slice(2) as [string, string]
const allocator = await createAllocator({ workerId: Number(workerId) })
const { port } = await allocator.take({ key })
console.log(port)
await once(process.stdin, 'data')
await allocator.close()
process.exit()
