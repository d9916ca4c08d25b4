/** Tries to create an allocator with each of several lock directories. */
import { createAllocator, PortsliceError } from '@portslice/core'
import { onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  range: readonly [number, number]
  lockDirectories: string[]
}

export interface Attempt {
  code: string
  message: string
  advice: string
}

const { range, lockDirectories } = readPlan<Plan>()
onWords({ end: () => process.exit() })
const attempts: Attempt[] = []
for (const lockDirectory of lockDirectories) {
  try {
    await (await createAllocator({ range, lockDirectory, waitTimeout: 1000 })).close()
    attempts.push({ code: 'none', message: 'It was used.', advice: '' })
  } catch (error) {
    const { code, message, advice = '' } = error as PortsliceError
    attempts.push({ code: error instanceof PortsliceError ? code : 'foreign', message, advice })
  }
}
say(attempts)
process.exit()
