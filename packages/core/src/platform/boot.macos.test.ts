import { expect, test } from 'vitest'
import { bootIdOfMac } from './boot.macos.js'

const SESSION = '2F6C0C5E-5F2B-4B9E-8A7C-6B0E9D2C1A11\n'
const BOOT_TIME = '{ sec = 1764115200, usec = 512345 } Wed Nov 26 00:00:00 2025\n'
const REGISTRY = `+-o J314sAP  <class IOPlatformExpertDevice, id 0x10000025a, registered, matched, active>
    {
      "IOPlatformSerialNumber" = "C02XXXXXXXXX"
      "IOPlatformUUID" = "8A1B2C3D-0000-1111-2222-333344445555"
    }
`

/** A Mac whose tools print these answers. */
function mac(answers: Record<string, string>) {
  return (_: string, args: readonly string[]) => answers[args.at(-1) as string]
}

test('the session of the boot, if the kernel names it', () => {
  expect(bootIdOfMac(mac({ 'kern.bootsessionuuid': SESSION }))).toBe(
    '2f6c0c5e-5f2b-4b9e-8a7c-6b0e9d2c1a11',
  )
})

test('else the machine and the second of its boot', () => {
  const answers = { IOPlatformExpertDevice: REGISTRY, 'kern.boottime': BOOT_TIME }
  expect(bootIdOfMac(mac(answers))).toBe('8a1b2c3d-0000-1111-2222-333344445555@1764115200')
})

test('unknown, if one of both is missing', () => {
  expect(bootIdOfMac(mac({ 'kern.boottime': BOOT_TIME }))).toBeUndefined()
  expect(bootIdOfMac(mac({ IOPlatformExpertDevice: REGISTRY }))).toBeUndefined()
  expect(bootIdOfMac(() => undefined)).toBeUndefined()
})
