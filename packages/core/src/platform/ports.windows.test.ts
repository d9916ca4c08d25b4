import path from 'node:path'
import { expect, test } from 'vitest'
import { dynamicPortRange, excludedPortRanges } from './ports.windows.js'

const ENGLISH = `
Protocol tcp Dynamic Port Range
---------------------------------
Start Port      : 1024
Number of Ports : 13977

`
const GERMAN = `
Dynamischer Portbereich f\u00fcr Protokoll "tcp"
---------------------------------
Startport          : 49152
Anzahl von Ports   : 16384

`
const CHINESE = `
\u534f\u8bae tcp \u52a8\u6001\u7aef\u53e3\u8303\u56f4
---------------------------------
\u542f\u52a8\u7aef\u53e3        : 49152
\u7aef\u53e3\u6570\u76ee\uff1a 16384
`

test.each([
  ['English', ENGLISH, { first: 1024, last: 15_000 }],
  ['German', GERMAN, { first: 49_152, last: 65_535 }],
  ['Chinese', CHINESE, { first: 49_152, last: 65_535 }],
  [
    'with the line ends of Windows',
    ENGLISH.replaceAll('\n', '\r\n'),
    { first: 1024, last: 15_000 },
  ],
  ['a range that ends beyond all ports', ENGLISH.replace('13977', '65000'), undefined],
  ['one number alone', 'Start Port : 1024', undefined],
  ['an error', 'The following command was not found: int ipv4 show dynamicport.', undefined],
])('the dynamic port range: %s', (_, text, range) => {
  expect(dynamicPortRange(() => text)).toEqual(range)
})

test('without netsh nothing is known', () => {
  expect(dynamicPortRange(() => undefined)).toBeUndefined()
  expect(excludedPortRanges(() => undefined)).toEqual([])
})

test('the excluded ranges of both protocols, also those of an administrator', () => {
  const TCP = `
Protocol tcp Port Exclusion Ranges

Start Port    End Port
----------    --------
      5357        5357
     49676       49775
     50000       50059     *

* - Administered port exclusions.
`
  const asked: string[] = []
  const ranges = excludedPortRanges((file, args) => {
    asked.push([path.win32.basename(file), ...args].join(' '))
    return args.includes('protocol=tcp') ? TCP.replaceAll('\n', '\r\n') : '  12  11\n 70000 70001\n'
  })
  expect(ranges).toEqual([
    { first: 5357, last: 5357 },
    { first: 49_676, last: 49_775 },
    { first: 50_000, last: 50_059 },
  ])
  expect(asked).toEqual([
    'netsh.exe int ipv4 show excludedportrange protocol=tcp',
    'netsh.exe int ipv4 show excludedportrange protocol=udp',
  ])
})
