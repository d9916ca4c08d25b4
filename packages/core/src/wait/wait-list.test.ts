import { expect, test, vi } from 'vitest'
import { WaitList } from './wait-list.js'

/** A limited supply, given to one request at a time. */
class Store {
  readonly list = new WaitList()
  left = 0
  tries = 0
  readonly served: string[] = []

  take(name: string, count = 1, options: { timeout?: number; signal?: AbortSignal } = {}) {
    const attempt = async () => {
      this.tries++
      await Promise.resolve()
      if (this.left < count) return undefined
      this.left -= count
      this.served.push(name)
      return name
    }
    return this.list.add(attempt, {
      timeout: options.timeout ?? 10_000,
      signal: options.signal,
      onTimeout: async () => new Error(`${name} was not served`),
      undo: () => this.give(count),
    })
  }

  give(count = 1): void {
    this.left += count
    this.list.wake()
  }
}

test('first come, first served, also when the first has just been tried', async () => {
  const store = new Store()
  const all = ['a', 'b', 'c', 'd'].map((name) => store.take(name))
  for (let i = 0; i < 4; i++) {
    store.give()
    await vi.waitFor(() => expect(store.served).toHaveLength(i + 1))
  }
  await Promise.all(all)
  expect(store.served).toEqual(['a', 'b', 'c', 'd'])
})

test('a request that cannot be served lets others overtake it', async () => {
  const store = new Store()
  const large = store.take('large', 10, { timeout: 500 })
  const failed = expect(large).rejects.toThrow('large was not served')
  const small = store.take('small')
  store.give()
  expect(await small).toBe('small')
  await failed
})

test('a large request is served beside small ones that follow each other closely', async () => {
  const store = new Store()
  store.left = 8
  let isOver = false
  const loops = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      await store.take('small')
      await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10))
      store.give()
    }
  })
  expect(await store.take('large', 8)).toBe('large')
  isOver = true
  store.give(8)
  await Promise.all(loops)
})

test('what is given back goes to the oldest request, also while later ones are tried', async () => {
  const store = new Store()
  const oldest = store.take('oldest', 2)
  const younger = Array.from({ length: 20 }, (_, index) => store.take(`younger ${index}`))
  store.left = 1
  await Promise.resolve()
  store.give()
  await oldest
  expect(store.served[0]).toBe('oldest')
  store.give(20)
  await Promise.all(younger)
})

test('an abort ends the wait, and nothing is lost', async () => {
  const store = new Store()
  const controller = new AbortController()
  const aborted = store.take('aborted', 1, { signal: controller.signal })
  const next = store.take('next')
  await vi.waitFor(() => expect(store.tries).toBeGreaterThan(2))
  store.give()
  controller.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  expect(await next).toBe('next')
})

test('an error of an attempt rejects only its own request', async () => {
  const store = new Store()
  const options = { timeout: 1000, onTimeout: async () => new Error('late') }
  const waiting = store.take('waiting')
  const failing = store.list.add(() => Promise.reject(new Error('broken')), options)
  await expect(failing).rejects.toThrow('broken')
  store.give()
  expect(await waiting).toBe('waiting')
})

test('a request that waits longest is tried most often', async () => {
  const list = new WaitList()
  const times: number[] = []
  const waiting = list.add(
    async () => {
      times.push(performance.now())
      return undefined
    },
    { timeout: 3000, onTimeout: async () => new Error('late') },
  )
  await expect(waiting).rejects.toThrow('late')
  const half = (times[0] as number) + 1500
  const [early, late] = [times.filter((at) => at < half), times.filter((at) => at >= half)]
  // It is about four times as often; a busy machine delays the many late attempts most.
  expect(late.length).toBeGreaterThan(early.length * 1.3)
})
