import os from 'node:os'
import { expect, test, vi } from 'vitest'
import { hostIdentity } from './host.js'

vi.mock(import('./system.js'), async (original) => {
  const { systemOf } = await original()
  return { systemOf, system: { ...systemOf('darwin'), readBootId: () => 'boot-1' } }
})

test('a Mac is known by its boot, whatever name its network gives it', () => {
  vi.spyOn(os, 'hostname').mockReturnValue('dhcp-17.example.net')
  expect(hostIdentity()).toBe('boot-1/-')
})
