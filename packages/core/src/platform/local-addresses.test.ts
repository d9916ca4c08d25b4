import { expect, test } from 'vitest'
import { networkAddresses } from './local-addresses.js'

const address = (address: string, internal = false) => ({ address, internal }) as never

test('the addresses on networks, without loopback and those that need an interface', () => {
  const found = networkAddresses(() => ({
    lo0: [address('127.0.0.1', true), address('::1', true), address('fe80::1', true)],
    en0: [address('192.168.1.7'), address('fe80::1c2a'), address('2001:db8::7')],
    utun3: [address('10.8.0.2')],
    en1: undefined,
  }))
  expect(found).toEqual(['192.168.1.7', '2001:db8::7', '10.8.0.2'])
})

test('none, if a sandbox forbids to list them', () => {
  expect(
    networkAddresses(() => {
      throw new Error('Requires sys access to "networkInterfaces"')
    }),
  ).toEqual([])
})
