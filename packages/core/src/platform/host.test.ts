import os from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { identityOn } from './host.js'
import { systemOf } from './system.js'

test('a Mac is known by its boot, whatever name its network gives it', () => {
  const hostname = vi.spyOn(os, 'hostname').mockReturnValue('dhcp-17.example.net')
  onTestFinished(() => hostname.mockRestore())
  const mac = systemOf('darwin')
  expect(identityOn({ ...mac, readBootId: () => 'boot-1' })).toBe('boot-1/-')
  expect(identityOn({ ...mac, readBootId: () => undefined })).toBe('dhcp-17.example.net/-')
})
