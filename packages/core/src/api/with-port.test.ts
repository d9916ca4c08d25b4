import { exec } from 'node:child_process'
import net from 'node:net'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { listSlices } from './list.js'
import { withPort } from './with-port.js'

const taken = () => Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' })

async function isOut(port: number): Promise<boolean> {
  const slices = await listSlices()
  return slices.some(({ ports }) => ports.some((each) => each.port === port))
}

test('runs once with a port that is out meanwhile, and returns the result', async () => {
  let port = 0
  const result = await withPort(async (given) => {
    port = given
    expect(await isOut(port)).toBe(true)
    return 'done'
  })
  expect(result).toBe('done')
  expect(await isOut(port)).toBe(false)
})

test('tries other ports if the app finds its port taken, and none of them twice', async () => {
  const tried: number[] = []
  const port = await withPort(
    (given) => {
      tried.push(given)
      if (tried.length <= 5) throw new Error('the app failed', { cause: taken() })
      return given
    },
    { retries: 5 },
  )
  expect(new Set(tried).size).toBe(6)
  expect(port).toBe(tried[5])
  for (const each of tried) expect(await isOut(each)).toBe(false)
})

test('a real app whose port another program binds first', async () => {
  const servers: net.Server[] = []
  const { stdout } = await withPort(async (port) => {
    if (servers.length < 2) {
      const server = net.createServer().listen(port)
      servers.push(server)
      await new Promise((resolve) => server.once('listening', resolve))
    }
    const script = `const s = net.createServer().listen(${port}, () => s.close()); console.log('up')`
    return promisify(exec)(`"${process.execPath}" -e "${script}"`)
  })
  expect(stdout).toBe('up\n')
  for (const server of servers) server.close()
})

test('the last error is thrown as it is when there are no retries left', async () => {
  const errors: Error[] = []
  const failing = withPort(
    () => {
      errors.push(taken())
      throw errors.at(-1)
    },
    { retries: 2 },
  )
  await expect(failing).rejects.toSatisfy((error) => error === errors[2])
  expect(errors).toHaveLength(3)
})

test('other errors pass through untouched, at once', async () => {
  const other = new Error('another matter')
  let port = 0
  let runs = 0
  const failing = withPort((given) => {
    runs++
    port = given
    throw other
  })
  await expect(failing).rejects.toSatisfy((error) => error === other)
  expect(runs).toBe(1)
  expect(await isOut(port)).toBe(false)
})

test('with a key, the first try has its port', async () => {
  const first = await withPort((port) => port, { key: 'with-port test' })
  const tried: number[] = []
  await withPort(
    (port) => {
      tried.push(port)
      if (tried.length === 1) throw taken()
    },
    { key: 'with-port test' },
  )
  expect(tried).toEqual([first, expect.not.toSatisfy((port) => port === first)])
})

test.each([-1, 1.5, Number.NaN, 5000, '3'])('retries of %s are refused', async (retries) => {
  const refused = withPort(() => {}, { retries: retries as number })
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_PORTSLICE_OPTION_INVALID',
    value: retries,
  })
})
