/** Unusual ephemeral ranges: which ports are leased, and what the doctor says. */
import { describe, expect, test } from 'vitest'
import { COMMAND, startInNamespaces } from '../support/command.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { firstOf } from '../support/test-all.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const WORKERS = 4
const whyNot = whyNoNamespaces('--net')

/** Leases a slice for each worker, and returns whether its ports are ephemeral. */
const LEASE = `
  import { createAllocator } from '@portslice/core'
  import { resolveOptions } from '@portslice/core/internal/inspect'
  const allocators = []
  for (let workerId = 1; workerId <= ${WORKERS}; workerId++) {
    allocators.push(await createAllocator({ workerId, waitTimeout: 0 }))
  }
  const { needsTimeWait } = resolveOptions()
  const leased = allocators.map(({ slices: [{ first, last }] }) => ({ first, isGuarded: needsTimeWait(first) && needsTimeWait(last) }))
  console.log(JSON.stringify(leased))
  process.exit()`

describe.skipIf(whyNot)(`in a network namespace${whyNot ? ` (${whyNot})` : ''}`, () => {
  test.each(
    firstOf(
      [
        // [the ephemeral range, the first leased port, how many of the workers' slices are guarded]
        ['32768 60999', '10000-32767', 0],
        ['10100 60999', '10000-10099, 61000-65535', 0],
        ['1024 4999', '10000-65535', 0],
        ['10000 20000', '20001-65535', 0],
        ['10100 65535', '10000-65535', WORKERS - 2],
        ['1024 65535', '10000-65535', WORKERS],
      ],
      2,
    ),
  )('%s: ports are leased from %s', async (ephemeral, ranges, guarded) => {
    const setUp = `ip link set lo up; echo '${ephemeral}' > /proc/sys/net/ipv4/ip_local_port_range`
    const run = (...args: string[]) =>
      startInNamespaces(['--net'], setUp, [process.execPath, ...args], {
        cwd: import.meta.dirname,
        lockDirectory: `${temporaryFolder()}/locks`,
      }).ended

    const { stdout, stderr } = await run('--input-type=module', '-e', LEASE)
    expect(stderr).toBe('')
    const leased: { first: number; isGuarded: boolean }[] = JSON.parse(stdout)
    expect(new Set(leased.map(({ first }) => first)).size).toBe(WORKERS)
    expect(leased.filter(({ isGuarded }) => isGuarded)).toHaveLength(guarded)
    // Kubernetes' NodePorts are tried last.
    for (const { first } of leased) expect(first < 29_984 || first > 32_767).toBe(true)

    const doctor = await run(COMMAND, 'doctor', '--json')
    const { findings } = JSON.parse(doctor.stdout)
    const range = findings.find(({ id }: { id: string }) => id === 'range')
    expect(range.message).toContain(`Ports are leased from ${ranges}: `)
    expect(range.level).toBe(guarded > 0 ? 'note' : 'ok')
    expect(findings.find(({ id }: { id: string }) => id === 'slices').level).toBe('ok')
  })
})
