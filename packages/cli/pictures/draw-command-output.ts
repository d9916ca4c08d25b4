/**
 * Draws the pictures of `portslice list` and `portslice map` from the output of the built command:
 * `pnpm run pictures`. Runs in a new network namespace if possible, so that other processes of this machine do
 * not appear.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAnsiSequenceParser } from 'ansi-sequence-parser'
import { escapeXml } from '../src/map/escape-xml.ts'

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const COMMAND = here('../dist/portslice.js')
const IMAGES = here('../../../docs/images/')
const RANGE = '20000-22047'
const COLUMNS = 96

function hasNamespaces(): boolean {
  return inNamespace('true', 'ignore').status === 0
}

function inNamespace(script: string, stdio: 'inherit' | 'ignore') {
  const shell = `ip link set lo up && ${script}`
  return spawnSync('unshare', ['--map-root-user', '--net', 'sh', '-c', shell], { stdio })
}

async function draw(): Promise<void> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'portslice-picture-'))
  const env = {
    ...process.env,
    HOME: home,
    PORTSLICE_LOCK_DIR: path.join(home, 'locks'),
    PORTSLICE_RANGE: RANGE,
    PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
    FORCE_COLOR: '1',
    COLUMNS: String(COLUMNS),
  }
  const processes: ChildProcess[] = []
  const start = async (directory: string, args: string[], more: Record<string, string> = {}) => {
    const cwd = path.join(home, directory)
    mkdirSync(cwd, { recursive: true })
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    processes.push(child)
    await once(child.stdout, 'data')
    return child
  }
  const worker = (code: string) => ['--input-type=module', '-e', `${WORKER_HELPERS}${code}; stay()`]
  try {
    await start('shop', worker(`await listen('api'); await take('checkout > pays')`), {
      VITEST_POOL_ID: '1',
    })
    await start('shop', worker(`await listen('cart > adds'); await leak('cart > empties')`), {
      VITEST_POOL_ID: '2',
    })
    await start('shop-fix', worker(`await listen('web'); await take('mail')`), {
      TEST_PARALLEL_INDEX: '0',
    })
    const killed = await start('blog', worker(`await take('preview')`), { JEST_WORKER_ID: '1' })
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    writeFileSync(path.join(home, 'blog', 'server.cjs'), SERVER)
    await start('blog', [COMMAND, 'run', '--name', 'web', '--', 'node', 'server.cjs'])
    await start('blog', [COMMAND, 'claim', '3000', '--', 'node', 'server.cjs'])
    await start('.', worker(`await listenOn(21_530)`))
    const command = (...args: string[]) =>
      execFileSync(process.execPath, [COMMAND, ...args], { env, encoding: 'utf8' })
    mkdirSync(IMAGES, { recursive: true })
    writeFileSync(path.join(IMAGES, 'list.svg'), terminalSvg('portslice list', command('list')))
    command('map', '--svg', path.join(IMAGES, 'map.svg'))
  } finally {
    // SIGTERM, so that `run` and `claim` end the servers that they have started.
    const running = processes.filter(({ exitCode, signalCode }) => exitCode === null && !signalCode)
    await Promise.all(running.map(endProcess))
    rmSync(home, { recursive: true, force: true })
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  child.kill()
  await once(child, 'exit')
}

const WORKER_HELPERS = `
import net from 'node:net'
const { createAllocator } = await import(${JSON.stringify(import.meta.resolve('@portslice/core'))})
let allocator
const take = async (label) => (allocator ??= await createAllocator()).take({ label })
const listenOn = (port) => new Promise((resolve) => net.createServer().listen(port, resolve))
const listen = async (label) => listenOn((await take(label)).port)
const leak = async (label) => {
  const lease = await take(label)
  await listenOn(lease.port)
  await lease.release()
}
const stay = () => { console.log('ready'); setInterval(() => {}, 60_000) }
`

const SERVER = `require('node:net').createServer().listen(process.env.PORT ?? process.env.WEB_PORT, () => console.log('ready'))`

const COLOURS = {
  light: {
    text: '#1f2328',
    ground: '#ffffff',
    cyan: '#0969da',
    green: '#1a7f37',
    red: '#cf222e',
    yellow: '#9a6700',
    magenta: '#8250df',
    dim: '#6e7781',
  },
  dark: {
    text: '#e6edf3',
    ground: '#0d1117',
    cyan: '#58a6ff',
    green: '#3fb950',
    red: '#f85149',
    yellow: '#d29922',
    magenta: '#a371f7',
    dim: '#8b949e',
  },
}

function terminalSvg(command: string, output: string): string {
  const parser = createAnsiSequenceParser()
  const lines = [`$ ${command}`, ...output.trimEnd().split('\n')].map((line, index) => {
    const spans = parser.parse(line).map(({ value, foreground, decorations }) => {
      const names = [foreground?.type === 'named' ? foreground.name : '', ...decorations]
      return `<tspan class="${names.filter(Boolean).join(' ')}">${escapeXml(value)}</tspan>`
    })
    return `<text x="16" y="${30 + 20 * index}" xml:space="preserve">${spans.join('')}</text>`
  })
  const [width, height] = [32 + COLUMNS * 7.8, 26 + 20 * lines.length]
  const rules = ({ text, ground, ...others }: (typeof COLOURS)['light']) =>
    [
      `text { fill: ${text} } .ground { fill: ${ground} }`,
      ...Object.entries(others).map(([name, colour]) => `.${name} { fill: ${colour} }`),
    ].join(' ')
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(command)}">
  <style>
    svg { color-scheme: light dark }
    text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
    .bold { font-weight: bold }
    ${rules(COLOURS.light)}
    @media (prefers-color-scheme: dark) { ${rules(COLOURS.dark)} }
  </style>
  <rect class="ground" width="${width}" height="${height}"/>
  ${lines.join('\n  ')}
</svg>
`
}

if (process.argv[2] === undefined && hasNamespaces()) {
  const self = `'${process.execPath}' '${here('draw-command-output.ts')}' inside`
  const { status } = inNamespace(self, 'inherit')
  process.exit(status ?? 1)
}
await draw()
