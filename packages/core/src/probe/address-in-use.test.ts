import { exec, execFileSync } from 'node:child_process'
import net from 'node:net'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { isAddressInUse, reportsAddressInUse } from './address-in-use.js'

const inUse = () => Object.assign(new Error('listen failed'), { code: 'EADDRINUSE' })

test('the error of a server', async () => {
  await using server = net.createServer().listen(0)
  const { port } = server.address() as net.AddressInfo
  const error = await new Promise((resolve) => {
    net.createServer().once('error', resolve).listen(port)
  })
  expect(isAddressInUse(error)).toBe(true)
})

test.each<[string, unknown]>([
  ['a cause', new Error('no server', { cause: inUse() })],
  [
    'a deep cause',
    Array.from({ length: 50 }).reduce((cause) => new Error('x', { cause }), inUse()),
  ],
  ['one of many errors', new AggregateError([new Error('other'), inUse()], 'all failed')],
  [
    'a message alone',
    new Error('Could not start: listen EADDRINUSE: address already in use :::3000'),
  ],
  ['a text that was thrown', 'Error: listen EADDRINUSE'],
  ['an object that was thrown', { code: 'EADDRINUSE' }],
  [
    'the output of a child',
    Object.assign(new Error('exit 1'), { stderr: 'bind: Address already in use' }),
  ],
  ['… as bytes', Object.assign(new Error('exit 1'), { stderr: Buffer.from('EADDRINUSE') })],
  [
    '… in a list',
    Object.assign(new Error('exit 1'), { output: [null, Buffer.from(''), 'EADDRINUSE'] }),
  ],
])('is found in %s', (_, error) => {
  expect(isAddressInUse(error)).toBe(true)
})

test.each<[string, unknown]>([
  ['another error', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })],
  [
    'a test that failed on an app that announced another attempt on stdout',
    Object.assign(new Error('404'), { stdout: 'Port 5173 is in use, trying another one' }),
  ],
  [
    'an error that cannot be looked at',
    Object.defineProperty(new Error('x'), 'output', {
      get: () => {
        throw new Error('getter')
      },
    }),
  ],
  [
    'an error with more output than can be spread',
    Object.assign(new Error('x'), { output: Array(300_000).fill('line') }),
  ],
  ['nothing', undefined],
  ['null', null],
  ['a number', 98],
  ['an error of another port trouble', new Error('port 80 requires privileges')],
])('is not found in %s', (_, error) => {
  expect(isAddressInUse(error)).toBe(false)
})

test('a circular chain ends', () => {
  const one = new Error('one')
  const other = new Error('other', { cause: one })
  one.cause = other
  expect(isAddressInUse(one)).toBe(false)
})

test('real errors of child processes', async () => {
  await using server = net.createServer().listen(0)
  const { port } = server.address() as net.AddressInfo
  const script = `net.createServer().listen(${port})`
  const command = `"${process.execPath}" -e "require('net'); ${script}"`
  await expect(promisify(exec)(command)).rejects.toSatisfy(isAddressInUse)
  expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' })).toThrowError(
    expect.toSatisfy(isAddressInUse),
  )
})

test.each([
  'Error: listen EADDRINUSE: address already in use :::3000',
  'OSError: [Errno 98] Address already in use',
  'listen tcp :8080: bind: address already in use',
  'nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)',
  'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use',
  'java.net.BindException: Address already in use',
  'Error: Port 5173 is already in use',
  'Port 5173 is in use, trying another one...',
  'Error: That port is already in use.',
  'Web server failed to start. Port 8080 was already in use.',
  "Connection in use: ('127.0.0.1', 8000)",
  'Bind for 0.0.0.0:80 failed: port is already allocated',
  'Something is already running on port 3000.',
  'Port 3000 already in use',
  'bind: Address in use',
  'Only one usage of each socket address (protocol/network address/port) is normally permitted.',
])('programs say: %s', (output) => {
  expect(reportsAddressInUse(output)).toBe(true)
})

test.each(['Server listening on port 3000', 'support 12 is in use', ''])(
  'does not report it: %s',
  (output) => {
    expect(reportsAddressInUse(output)).toBe(false)
  },
)

test.each([
  'Port 3000 is already in use',
  'Error: listen EADDRINUSE: address already in use :::3000',
  'Error: listen EADDRINUSE: address already in use ::1:3000',
  'Error: listen EADDRINUSE: address already in use 127.0.0.1:3000',
  "Connection in use: ('127.0.0.1', 3000)",
  'listen tcp :3000: bind: address already in use',
  'nginx: [emerg] bind() to 0.0.0.0:3000 failed (98: Address already in use)',
  'Address already in use - bind(2) for "127.0.0.1" port 3000 (Errno::EADDRINUSE)',
  'Port 24678 is already in use\nPort 3000 is already in use',
  'WebSocket server error: Port 24678 is already in use\n[Errno 98] Address already in use',
  '2026-01-01T12:00:00.000Z [error] Address already in use',
  '2026-01-01 12:00:00 OSError: [Errno 98] Address already in use',
  "  code: 'EADDRINUSE',\n  errno: -98,\n  syscall: 'listen',\n  address: '::',\n  port: 3000\n}",
])('of port 3000 programs say: %s', (output) => {
  expect(reportsAddressInUse(output, [3000, 3001])).toBe(true)
})

test.each([
  'WebSocket server error: Port 24678 is already in use',
  'Error: listen EADDRINUSE: address already in use :::24678',
  'Error: listen EADDRINUSE: address already in use ::1:24678',
  "{\n  code: 'EADDRINUSE',\n  errno: -98,\n  syscall: 'listen',\n  address: '::',\n  port: 24678\n}",
  "Connection in use: ('127.0.0.1', 24678)",
  'listen tcp :24678: bind: address already in use',
  'Bind for 0.0.0.0:5432 failed: port is already allocated',
  'could not bind IPv4 address "127.0.0.1": Address already in use\nHINT:  Is another postmaster already running on port 5432?',
  'Starting inspector on 127.0.0.1:9229 failed: address already in use',
  'The app listens on port 3000',
])('of another port than 3000 they say: %s', (output) => {
  expect(reportsAddressInUse(output, [3000, 3001])).toBe(false)
})
