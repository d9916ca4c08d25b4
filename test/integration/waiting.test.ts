/** More processes than slices: each gets its turn, and no process blocks the others. */
import { expect, test } from 'vitest'
import { AllocatorProcess } from '../support/allocator-process.ts'
import { ownSlices } from '../support/own-slices.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'

/** Far longer than all turns together, in ms. */
const LONG_MS = 120_000

async function startAll(
  count: number,
  env: Record<string, string> = {},
): Promise<AllocatorProcess[]> {
  return Promise.all(Array.from({ length: count }, () => AllocatorProcess.start({ env })))
}

test('takeMany in four processes that need more ports than there are: all are served in turn', async () => {
  using directory = new TemporaryDirectory()
  // Two slices: each process has one at first, and needs more ports than that one has.
  await using slices = await ownSlices(2)
  const options = {
    range: slices.range,
    lockDirectory: directory.locks,
    waitTimeout: LONG_MS,
  }
  await using stack = new AsyncDisposableStack()
  const processes = (await startAll(4)).map((each) => stack.use(each))
  const start = performance.now()
  const served = await Promise.all(
    processes.map(async (each) => {
      await each.command({ do: 'open', options })
      const { ports } = await each.command({ do: 'take', count: 40 })
      await each.command({ do: 'close' })
      return ports.length
    }),
  )
  expect(served).toEqual([40, 40, 40, 40])
  expect(performance.now() - start).toBeLessThan(LONG_MS / 2)
})

test('claimPorts of the same ports in opposite orders: all are served in turn', async () => {
  using directory = new TemporaryDirectory()
  await using slices = await ownSlices(2)
  const [first] = slices.range
  const ports = [first, first + 1, first + 40]
  await using stack = new AsyncDisposableStack()
  const env = { PORTSLICE_LOCK_DIR: directory.locks }
  const processes = (await startAll(4, env)).map((each) => stack.use(each))
  let holders = 0
  await Promise.all(
    processes.map(async (each, index) => {
      const wanted = index % 2 === 0 ? ports : ports.toReversed()
      for (let turn = 0; turn < 5; turn++) {
        const claim = { do: 'claim all', ports: wanted, options: { timeout: LONG_MS } } as const
        expect((await each.command(claim)).ports).toEqual(wanted)
        expect(++holders).toBe(1)
        holders--
        await each.command({ do: 'release' })
      }
    }),
  )
})

test('a forbidden port of a list is an obstacle, not an error of the call', async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'only root can become a normal user')
  using directory = new TemporaryDirectory()
  await using slices = await ownSlices(1)
  const [free] = slices.range
  await using user = await AllocatorProcess.start({
    // Of this user from the start: the directory is made by the normal user.
    env: { PORTSLICE_LOCK_DIR: `${directory.path}/locks-of-user` },
  })
  directory.openToAll()
  await user.command({ do: 'become a normal user' })
  const refused = await user.try({ do: 'claim', port: 80, options: { timeout: 300 } })
  skip(refused.error === undefined, 'every user may bind port 80 here')
  expect(refused.error).toMatchObject({ code: 'ERR_PORTSLICE_OPTION_INVALID' })
  const { ports } = await user.command({ do: 'claim', port: [80, free] })
  expect(ports).toEqual([free])
})

test('the error of a full range counts the quarantined ports', async () => {
  using directory = new TemporaryDirectory()
  await using slices = await ownSlices(1)
  const options = { range: slices.range, lockDirectory: directory.locks, waitTimeout: 300 }
  await using holder = await AllocatorProcess.start()
  await holder.command({ do: 'open', options })
  const { ports } = await holder.command({ do: 'take', count: 20 })
  await holder.kill()
  await using next = await AllocatorProcess.start()
  await next.command({ do: 'open', options })
  const rest = await next.try({ do: 'take', count: 20 })
  expect(rest.error).toMatchObject({ code: 'ERR_PORTSLICE_RANGE_EXHAUSTED' })
  expect(rest.error?.message).toContain(`0 ports out, ${ports.length} quarantined`)
})
