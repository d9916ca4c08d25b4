/** The texts for places that `portslice migrate` leaves to the user. */

export const ADVICE = {
  unparsable: 'This file cannot be parsed, so it was left as it is.',
  mocked:
    'A test replaces this package with a mock. Move the calls and the mock together: takePort() of @portslice/core returns a promise of a port.',
  importForm:
    'migrate does not follow this form of import. Import takePort of @portslice/core here, and call it where a port is needed.',
  passedOn:
    'This function is passed on, not called. Pass a function instead: () => takePort(), of @portslice/core.',
  options:
    'These options are not known before the code runs. Write takePort({ prefer: PORT }) for a port or a list; other options are not needed.',
  exclude:
    'takePort() has no list of ports to avoid: it never returns a port that is in use or reserved by another process. Remove `exclude`.',
  portList:
    'This list is not known before the code runs. takePort({ prefer: LIST }) takes any iterable of ports.',
  portRange:
    'For ports of one range use createAllocator({ range: [FIRST, LAST] }) and its take(), or set $PORTSLICE_RANGE. If any port will do: takePort().',
  comments: 'This call contains comments. Write takePort({ prefer: PORT }) and keep them.',
  callback:
    'takePort() returns a promise and takes no callback. Write: takePort().then((port) => …), or await it.',
  clearLocked:
    'takePort() keeps a port until it is given back. Remove this call, or give back one port with releasePort(port).',
  waitForPort:
    'To wait until something listens, take a lease from an allocator and await lease.untilListening(), or start the app with startApp() of @portslice/app-server.',
  checkPort:
    'The answer is out of date as soon as it arrives. Take the port instead: takePort({ prefer: PORT }), or claimPort(PORT), which waits for it.',
  socket:
    'portslice hands out ports only. Put a UNIX socket into a temporary directory of your own.',
  severalPorts:
    'For several ports at once: const leases = await allocator.takeMany(COUNT), of an allocator from createAllocator().',
  memoized:
    'get-port-please remembers ports by name on disk. For the same port in the next run: takePort({ key: NAME }).',
  basePort:
    'A first port is set for all calls in this file, so they were left alone. To set the range of all ports: PORTSLICE_RANGE=FIRST-LAST. If any port will do, use takePort().',
  packageOther: 'portslice has no counterpart with this name.',
  config:
    'Every worker reads a config file again, and would get another number. Use namedPort(NAME), which is the same number in all processes of a run.',
  production:
    'package.json has this package under dependencies, so this code is more than a test. To move it, add @portslice/core to the dependencies and call takePort() here.',
  synchronous:
    'This needs a port without waiting for one. Start the tests with `portslice run --count N -- COMMAND` and read the ports with portsFromEnv() of @portslice/core, or take the port in a hook: beforeAll(async () => { port = await takePort() }).',
  sharedNumber:
    'The same sum stands in several places that must agree on the number. Take the port in one of them with await takePort(), and pass it to the others.',
  repeated:
    'This runs more than once, and takePort() would return another port each time. Call takePort() once, in a hook or at the start, and pass the number.',
  block:
    'Other ports are calculated from this number. For ports that follow one another: const leases = await allocator.takeBlock(COUNT).',
  workerSum:
    'The port is calculated from the number of the worker, so two runs at once get the same port. Use await takePort() of @portslice/core.',
  table:
    'A table of fixed ports is the same in every run. Start the tests with `portslice run --count N -- COMMAND`, and fill the table from portsFromEnv() of @portslice/core.',
  fixedListen:
    'Port PORT is fixed, so only one run at a time can have it. In a test: listen(await takePort()). If it must be this port: claimPort(PORT), which waits for it.',
  fixedWebServer:
    "Port PORT is fixed, so a second run meets the first run's server. Use namedPort('web'), or the app fixture of @portslice/playwright-fixture.",
} as const satisfies Record<string, string>

export type AdviceName = keyof typeof ADVICE
