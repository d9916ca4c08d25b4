/** Job containers that share one Docker daemon, each in its own network namespace: the recipe of docs/ci.md. */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { startInNamespaces } from '../support/command.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import type { TestProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

/** More ports than a slice has. */
const PORTS = 40
const CONTAINER = ['--net', '--mount', '--pid', '--mount-proc']
const whyNot = whyNoNamespaces(...CONTAINER)
const scriptFile = (name: string) =>
  fileURLToPath(new URL(`./processes/${name}.ts`, import.meta.url))

/** Where the recipe mounts the volume, and the lock directory that it names. */
function recipe(): { volume: string; lockDirectory: string } {
  const text = readFileSync(new URL('../../docs/ci.md', import.meta.url), 'utf8')
  const [, volume = ''] = /-v portslice:(\S+)/.exec(text) ?? []
  const [, lockDirectory = ''] = /-e PORTSLICE_LOCK_DIR=(\S+)/.exec(text) ?? []
  return { volume, lockDirectory }
}

interface Published {
  outcomes: { port: number; isPublished: boolean }[]
  docker: { isElsewhere: boolean | undefined }
}

describe.skipIf(whyNot)(
  `two jobs with a network namespace each, and one daemon${whyNot ? ` (${whyNot})` : ''}`,
  () => {
    /** The volume that each job mounts, by the job's number. */
    async function publish(volumeOf: (job: number) => string): Promise<Published[]> {
      const socket = path.join(temporaryFolder(), 'docker.sock')
      const daemon = startInNamespaces(['--net'], 'ip link set lo up', [
        process.execPath,
        scriptFile('docker-daemon'),
        socket,
      ])
      await daemon.said(/listening/)
      const { volume, lockDirectory } = recipe()
      const jobs = [1, 2].map((job): TestProcess => {
        mkdirSync(volumeOf(job), { recursive: true })
        const mount = `mount -t tmpfs tmpfs /run && mkdir -p ${volume} && mount --bind ${volumeOf(job)} ${volume}`
        return startInNamespaces(
          CONTAINER,
          `ip link set lo up; ${mount}`,
          [process.execPath, scriptFile('publish-ports'), socket, `${PORTS}`],
          // Both work in a directory with the same name, as the jobs of a CI system do.
          { cwd: import.meta.dirname, lockDirectory },
        )
      })
      const said = await Promise.all(jobs.map((job) => job.said(/^published (.*)\n/m)))
      for (const job of jobs) job.child.stdin?.end()
      await Promise.all(jobs.map((job) => job.ended))
      return said.map(([, json]) => JSON.parse(json as string))
    }

    const refused = (published: Published[]) =>
      published.flatMap(({ outcomes }) => outcomes).filter(({ isPublished }) => !isPublished)

    test('with the lock directory in a shared volume no port is published twice', async () => {
      const volume = path.join(temporaryFolder(), 'volume')
      const published = await publish(() => volume)
      expect(published.map(({ outcomes }) => outcomes.length)).toEqual([PORTS, PORTS])
      expect(refused(published)).toEqual([])
    })

    test('without it ports are published twice, and the job can tell that the daemon is elsewhere', async () => {
      const folder = temporaryFolder()
      const published = await publish((job) => path.join(folder, `volume-${job}`))
      expect(refused(published).length).toBeGreaterThanOrEqual(1)
      expect(published.map(({ docker }) => docker.isElsewhere)).toEqual([true, true])
    })
  },
)
