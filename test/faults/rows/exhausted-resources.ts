import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { AllocatorProcess, Failure } from '../../support/allocator-process.ts'
import { ownSlices } from '../../support/own-slices.ts'
import type { Fault } from '../fault.ts'
import { startAllocator, startAllocators } from '../fault-processes.ts'
import { chownTo, letOthersEnter, OTHER_USERS, whyNoOtherUsers } from '../unprivileged-users.ts'

export const allSlicesTaken: Fault = {
  fault: 'all slices are taken',
  provoked: 'one process more than slices; later one of the holders is killed',
  must: 'it waits, then gets one error that names who holds them; it gets a slice once there is one',
  async run({ short, folder }) {
    const rounds = short ? 1 : 20
    const broken: string[] = []
    const waits: number[] = []
    for (let round = 0; round < rounds; round++) {
      await using slices = await ownSlices(3)
      const lockDirectory = path.join(folder, 'locks')
      const options = { range: slices.range, lockDirectory, waitTimeout: 300 }
      await using stack = new AsyncDisposableStack()
      const holders = (await startAllocators(slices.count + 1, folder)).map((one) => stack.use(one))
      const late = holders.pop() as AllocatorProcess
      await Promise.all(holders.map((holder) => holder.open({ ...options, waitTimeout: 20_000 })))

      const failure = await late.open(options).catch((error: Failure) => error)
      if (!('code' in failure) || failure.code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') {
        broken.push(`One process too many was told ${JSON.stringify(failure)}.`)
      } else {
        const unnamed = holders.filter(({ pid }) => !failure.message.includes(`pid ${pid},`))
        if (unnamed.length > 0) broken.push(`${unnamed.length} are not named: ${failure.message}`)
      }

      const waiting = late.open({ ...options, waitTimeout: 30_000 })
      await holders[round % holders.length]?.kill()
      const start = performance.now()
      await waiting
      waits.push(performance.now() - start)
    }
    return {
      times: rounds,
      observed: `the error named all holders; leased at most ${Math.max(...waits).toFixed(0)} ms after a holder had ended`,
      broken,
    }
  },
}

/** Enough for Node itself and a few ports. */
const DESCRIPTORS = 60

export const noDescriptors: Fault = {
  fault: 'file descriptors run out',
  provoked: `a process with \`ulimit -n ${DESCRIPTORS}\` opens files until it may open none, then closes 0, 1, 2 … of them, before it asks for a slice and for a port`,
  must: 'it gets the port, or one error that says what the system refused, and leaves nothing held; it gets one when there is room',
  async run({ short, folder }) {
    const mostLeft = short ? 1 : 6
    const broken: string[] = []
    const counts = { refused: 0, got: 0 }
    await using slices = await ownSlices(1)
    const range = slices.range
    await using other = await startAllocator(folder)
    const cases = [false, true].flatMap((isOpen) =>
      (['never', 'always'] as const).flatMap((timeWaitGuard) =>
        Array.from({ length: mostLeft + 1 }, (_, left) => ({ isOpen, timeWaitGuard, left })),
      ),
    )
    for (const [index, { isOpen, timeWaitGuard, left }] of cases.entries()) {
      const lockDirectory = path.join(folder, `locks-${index}`)
      const options = { range, lockDirectory, timeWaitGuard, waitTimeout: short ? 100 : 300 }
      const by = ['sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh']
      await using poor = await startAllocator(folder, { by })
      const place = `${isOpen ? 'With a slice' : 'Without a slice'} and ${left} descriptors left`
      if (isOpen) await poor.open(options)
      await poor.command({ do: 'use up descriptors', but: left })
      const refusal = await (isOpen ? poor.take(1) : poor.open(options)).then(
        () => undefined,
        (error: Failure) => error,
      )
      counts[refusal ? 'refused' : 'got']++
      if (refusal && refusal.code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') {
        broken.push(`${place}: ${refusal.code} ${refusal.message}`)
      } else if (refusal && !refusal.message.includes('EMFILE')) {
        broken.push(`${place}, it does not say what was short: ${refusal.message}`)
      }
      if (refusal && !isOpen) {
        // The other process would not get the slice if the failed attempt still held it.
        await other.open({ ...options, waitTimeout: 20_000 }).catch((error) => {
          broken.push(`${place}: it kept the slice (${error.message})`)
        })
        await other.command({ do: 'close' })
      }
      await poor.command({ do: 'free descriptors' })
      if (refusal && !isOpen) await poor.open(options)
      await poor.take(1)
      await poor.command({ do: 'serve' })
    }
    return {
      times: counts.got + counts.refused,
      observed: `${counts.refused} clear errors, ${counts.got} ports despite the shortage; each process continued once there was room`,
      broken,
    }
  },
}

export const noProcesses: Fault = {
  fault: 'no process can be forked',
  provoked: 'a process whose limit of processes is lowered to one (`prlimit --nproc=1`)',
  must: 'ports are handed out, because that does not start a process',
  async run({ short, folder }) {
    const rounds = short ? 1 : 10
    const broken: string[] = []
    // Root has no such limit.
    const isRoot = process.getuid?.() === 0
    const why = isRoot && whyNoOtherUsers()
    if (why) return { skipped: why }
    const [uid] = OTHER_USERS
    letOthersEnter(folder)
    let ports = 0
    for (let round = 0; round < rounds; round++) {
      await using slices = await ownSlices(2)
      const own = path.join(folder, `${round}`)
      mkdirSync(own)
      if (isRoot) chownTo(uid, own)
      await using worker = await startAllocator(own, isRoot ? { uid } : {})
      try {
        execFileSync('prlimit', ['--nproc=1', '--pid', String(worker.pid)], {
          stdio: 'pipe',
          ...(isRoot && { uid, gid: uid }),
        })
      } catch (error) {
        return {
          skipped: `the limit cannot be set (${(error as Error).message.trim().split('\n').at(-1)})`,
        }
      }
      const { systemError } = await worker.command({ do: 'start a process' })
      if (systemError !== 'EAGAIN')
        return { skipped: `processes can be started all the same (${systemError})` }
      await worker.open({ range: slices.range, lockDirectory: path.join(own, 'locks') })
      ports += (await worker.take(40)).length
      await worker.command({ do: 'serve' })
      await worker.command({ do: 'close' })
    }
    return { times: rounds, observed: `${ports} ports were handed out and served`, broken }
  },
}
