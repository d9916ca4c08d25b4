/**
 * Leases as many slices as the first argument says, with two ports out in each, one of them in use,
 * and takes and releases ports as often a second as the second says. Tells on stdout how often it did.
 */
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAllocator, type PortAllocator } from '@portslice/core'

/** Labels that could break a page: with markup, a closing tag, direction marks, combining marks, or great length. */
const HOSTILE = [
  '<img src=x onerror="document.title=1">',
  '</script><script>document.title=1</script>',
  '\u202egnirts\u2066 \u001b[31m',
  'Z\u0301\u0488'.repeat(200),
  'long'.repeat(200),
]

const [slices = 1, changes = 0] = process.argv.slice(2).map(Number)
const allocators: PortAllocator[] = []
for (let i = 0; i < slices; i++) {
  const allocator = await createAllocator({ waitTimeout: 60_000 })
  allocators.push(allocator)
  const { port } = await allocator.take({ label: `app-${i} > serves` })
  await once(net.createServer().listen(port), 'listening')
  await allocator.take({ label: `app-${i} > waits ${HOSTILE[i % HOSTILE.length]}` })
}
console.log('ready')

const BATCHES = 20
const pairs = changes / 2 / BATCHES
const start = performance.now()
for (let batch = 0; ; batch++) {
  const next = performance.now() + 1000 / BATCHES
  const leases = await Promise.all(
    Array.from({ length: pairs }, (_, i) => {
      const allocator = allocators[(batch * pairs + i) % slices] as PortAllocator
      return allocator.take({ label: `turn ${batch}` })
    }),
  )
  await Promise.all(leases.map((lease) => lease.release()))
  if (batch % BATCHES === 0 && batch > 0) {
    const perSecond = (batch * pairs * 2) / ((performance.now() - start) / 1000)
    console.log(`${Math.round(perSecond)} changes a second`)
  }
  await sleep(Math.max(1, next - performance.now()))
}
