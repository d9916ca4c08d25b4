import { expect, test, vi } from 'vitest'
import { Turns, WaitList } from './wait-list.js'

/** Something of which there are some, given to one request at a time. */
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

test('one that cannot be served lets others pass', async () => {
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

test('what is given back goes to the oldest, also while younger ones are tried', async () => {
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

test('an error of an attempt is that of its request alone', async () => {
  const store = new Store()
  const options = { timeout: 1000, onTimeout: async () => new Error('late') }
  const waiting = store.take('waiting')
  const failing = store.list.add(() => Promise.reject(new Error('broken')), options)
  await expect(failing).rejects.toThrow('broken')
  store.give()
  expect(await waiting).toBe('waiting')
})

test('whoever waits longest tries most often', async () => {
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
  expect(late.length).toBeGreaterThan(early.length * 2)
})

test('a process that had to wait lets others try first when it asks again at once', async () => {
  const turns = new Turns()
  let isFree = false
  const attempt = async () => (isFree ? 'served' : undefined)
  const others = () => true
  const first = turns.begin(attempt, 10_000, others)
  expect(await first()).toBeUndefined()
  isFree = true
  expect(await first()).toBe('served')
  turns.end()
  // A short time-out leaves no time for it.
  expect(await turns.begin(attempt, 100, others)()).toBe('served')
  const next = turns.begin(attempt, 10_000, others)
  expect(await next()).toBeUndefined()
  await vi.waitFor(async () => expect(await next()).toBe('served'))
  // When its turns come at the first try, no process waits.
  for (let turn = 0; turn < 3; turn++) await turns.begin(attempt, 100, others)()
  turns.end()
  expect(await turns.begin(attempt, 10_000, others)()).toBe('served')
})

test('a process that waited for itself alone has no others to let try', async () => {
  const turns = new Turns()
  let isFree = false
  const attempt = async () => (isFree ? 'served' : undefined)
  const first = turns.begin(attempt, 10_000, () => false)
  expect(await first()).toBeUndefined()
  isFree = true
  expect(await first()).toBe('served')
  turns.end()
  expect(await turns.begin(attempt, 10_000, () => false)()).toBe('served')
})
