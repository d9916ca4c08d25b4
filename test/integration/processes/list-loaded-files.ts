/** Prints the files that are loaded until a port was taken. Argument: the options of the allocator as JSON. */
import nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'

const files: string[] = []
type Load = (
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => unknown,
) => unknown

// Newer than the types of the oldest Node that is supported.
const { registerHooks } = nodeModule as unknown as { registerHooks(hooks: { load: Load }): void }
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(fileURLToPath(url))
    return next(url, context)
  },
})
const { createAllocator } = await import('@portslice/core')
const [, , options = '{}'] = process.argv
let error: string | undefined
try {
  await using allocator = await createAllocator(JSON.parse(options))
  await allocator.take()
} catch (caught) {
  error = (caught as Error).message
}
console.log(JSON.stringify({ files, error }))
