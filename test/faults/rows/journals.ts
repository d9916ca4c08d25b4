import { appendFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { ownSlices } from '../../support/own-slices.ts'
import { BAD_JOURNALS, ESCAPES, lease } from '../bad-journals.ts'
import type { Fault } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import type { Holding, Plan as HoldPlan } from '../processes/hold-slice.ts'
import type { LeaseResult, Plan } from '../processes/lease-with-journals.ts'
import type { Messages, Plan as ProvokePlan } from '../processes/provoke-messages.ts'

/** A lease takes less than a hundredth of this. */
const LEASE_TIMEOUT_MS = 10_000
/** A process that read the largest journals whole would need more. */
const MOST_MEMORY_BYTES = 200e6
/** All control characters but the line feed, in 7 and in 8 bits. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/

export const journals: Fault = {
  fault: 'journals that are torn, binary, huge, deeply nested, a FIFO, or full of terminal escapes',
  provoked: 'slices with such journals are leased; errors and warnings are caused with such texts',
  must: 'they are skipped in bounded time and memory, and nothing is shown raw on a terminal',
  async run({ short, folder }) {
    const names = Object.keys(BAD_JOURNALS)
    const rounds = short ? 1 : 5
    const met: LeaseResult[] = []
    const broken: string[] = []
    await using slices = await ownSlices(names.length + 2)
    await using group = new FaultProcesses(folder)
    const firsts = names.map((_, index) => slices.range[0] + index * 32)
    for (let round = 0; round < rounds; round++) {
      const lockDirectory = path.join(folder, `locks-${round}`)
      mkdirSync(lockDirectory, { mode: 0o700 })
      for (const [index, name] of names.entries()) {
        const first = firsts[index] as number
        BAD_JOURNALS[name]?.make({ path: path.join(lockDirectory, `slice-${first}.ndjson`), first })
      }
      for (const [index, name] of names.entries()) {
        // A process each, so that one that hangs or runs out of memory does not affect the others.
        const plan: Plan = { lockDirectory, slices: [firsts[index] as number] }
        const member = group.start('lease-with-journals', plan)
        const one = await member.hear<LeaseResult>(LEASE_TIMEOUT_MS).catch(() => undefined)
        member.tell('end')
        if (one) met.push(one)
        broken.push(...wrongWith(name, one))
        if (!one) member.kill()
        await member.untilEnded()
      }
    }
    const own = slices.range[1] - 31
    const messages = await provokeMessages(group, folder, own)
    for (const [cause, text] of Object.entries(messages)) {
      const isWrong = text === 'there was none' || text.startsWith('foreign')
      if (isWrong) broken.push(`The message about ${cause}: ${JSON.stringify(text)}`)
      if (CONTROL.test(text))
        broken.push(`Raw in the message about ${cause}: ${JSON.stringify(text)}`)
    }
    const slowest = Math.max(...met.map(({ took }) => took))
    const largest = Math.max(...met.map(({ grew }) => grew))
    return {
      times: names.length * rounds + Object.keys(messages).length,
      observed: `${met.filter(({ port }) => port).length} slices leased in spite of their journals, the slowest in ${slowest.toFixed(0)} ms, with ${(largest / 1e6).toFixed(0)} MB more at most; ${Object.values(messages).filter((text) => !CONTROL.test(text)).length} of ${Object.keys(messages).length} messages without a control character`,
      broken: [...broken, ...group.complaints],
    }
  },
}

function wrongWith(name: string, met: LeaseResult | undefined): string[] {
  if (!met) return [`A journal ${name}: the process hung or ended.`]
  const { port, first, took, grew, error, warnings } = met
  const isToSpare = BAD_JOURNALS[name]?.spares === true
  return [
    ...(error ? [`A journal ${name}: ${error}`] : []),
    ...(took > LEASE_TIMEOUT_MS ? [`A journal ${name}: took ${took.toFixed(0)} ms.`] : []),
    ...(grew > MOST_MEMORY_BYTES
      ? [`A journal ${name}: needed ${(grew / 1e6).toFixed(0)} MB.`]
      : []),
    ...(isToSpare && port === first
      ? [`A journal ${name}: what it says about a port was lost.`]
      : []),
    ...(warnings.length > 1 ? [`A journal ${name}: ${warnings.length} warnings.`] : []),
    ...(warnings.some((text) => CONTROL.test(text)) ? [`A journal ${name}: a raw warning.`] : []),
  ]
}

/** @param own the first port of a slice for it; the slice before it is held by another process */
async function provokeMessages(
  group: FaultProcesses,
  folder: string,
  own: number,
): Promise<Messages> {
  const lockDirectory = path.join(folder, 'locks-of-a-holder')
  const held = own - 32
  const heldRange = [held, held + 31] as const
  const plan: HoldPlan = { options: { range: heldRange, lockDirectory } }
  const holder = group.start('hold-slice', plan)
  await holder.hear<Holding>()
  appendFileSync(path.join(lockDirectory, `slice-${held}.ndjson`), lease(ESCAPES))
  const provokePlan: ProvokePlan = {
    range: [own, own + 31],
    heldRange,
    heldLockDirectory: lockDirectory,
    escapes: ESCAPES,
  }
  const provoker = group.start('provoke-messages', provokePlan)
  const messages = await provoker.hear<Messages>()
  await provoker.untilEnded()
  holder.tell('end')
  await holder.untilEnded()
  return messages
}
