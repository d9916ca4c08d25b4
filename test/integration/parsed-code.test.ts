/** What a process compiles before its first port, and how it gets the rest. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { runNode } from '../support/process.ts'

/** Characters. Raise it only for what each first port needs. */
const MAX_PARSED = 118_000
const LAZY = 'portslice-lazy-modules.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-parsed-code-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program of the type module, which prints JSON. */
async function run(program: string, flags: string[] = []): Promise<unknown> {
  const args = [...flags, '--input-type=module', '--eval', program]
  const { status, stdout, stderr } = await runNode(args, {
    cwd: here,
    lockDirectory: path.join(folder, 'locks'),
  })
  expect(status, stderr).toBe(0)
  return JSON.parse(stdout)
}

test('the first port needs less than all the code; a claim compiles the rest', async () => {
  const parsed = await run(`
    import { readFileSync } from 'node:fs'
    import { Session } from 'node:inspector'
    import { claimPort, takePort, releasePort } from '@portslice/core'
    const session = new Session()
    session.connect()
    let scripts = []
    session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url))
    session.post('Debugger.enable')
    await releasePort(await takePort())
    const atFirst = scripts.filter((url) => /packages.core.dist|${LAZY}/.test(url))
    // The rest is one line, a string.
    const code = atFirst.map((url) => readFileSync(new URL(url), 'utf8').replace(/^const TEXT = .*/m, ''))
    const port = await takePort()
    scripts = []
    await (await claimPort(port - 1)).release()
    console.log(JSON.stringify({
      characters: code.join('').length,
      later: scripts.filter((url) => url !== ''),
    }))`)
  const { characters, later } = parsed as { characters: number; later: string[] }
  expect(characters).toBeGreaterThan(50_000)
  expect(characters).toBeLessThan(MAX_PARSED)
  expect(later).toContain(LAZY)
})

test.each([
  ['no code from strings', ['--disallow-code-generation-from-strings'], ''],
  [
    'no file descriptors',
    [],
    `const { openSync } = process.getBuiltinModule('node:fs')
     try { for (;;) openSync('/dev/null') } catch (error) { if (error.code !== 'EMFILE') throw error }`,
  ],
])('the rest can be compiled with %s', async (_, flags, setup) => {
  const code = await run(
    `import { claimPort } from '@portslice/core'
    ${setup}
    const error = await claimPort(-1).catch((error) => error)
    console.log(JSON.stringify(error.code))`,
    flags,
  )
  expect(code).toBe('ERR_PORTSLICE_OPTION_INVALID')
})

test('what the rest creates belongs to the vm context of its caller', async () => {
  const belongs = await run(`
    import { readFileSync } from 'node:fs'
    import { createRequire } from 'node:module'
    import path from 'node:path'
    import vm from 'node:vm'
    const require = createRequire(path.join(process.cwd(), 'main.js'))
    const context = vm.createContext({ Buffer, process })
    function load(file) {
      const module = { exports: {} }
      const params = ['require', 'module', 'exports', '__filename']
      const run = vm.compileFunction(readFileSync(file, 'utf8'), params, { parsingContext: context })
      const requireFrom = (name) =>
        name.startsWith('.') ? load(path.join(path.dirname(file), name)) : require(name)
      run(requireFrom, module, module.exports, file)
      return module.exports
    }
    const { claimPort, listSlices } = load(require.resolve('@portslice/core'))
    const [OwnError, OwnArray] = vm.runInContext('[Error, Array]', context)
    const error = await claimPort(-1).catch((error) => error)
    const slices = await listSlices()
    console.log(JSON.stringify([error instanceof OwnError, slices instanceof OwnArray]))`)
  expect(belongs).toEqual([true, true])
})
