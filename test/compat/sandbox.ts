/** A temporary directory with the packed packages, and installations that many jobs share. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {
  fromTarballs,
  nodePackage,
  npmInstall,
  type PackedPackage,
  packAll,
  withDependencies,
} from '../support/installed.ts'

/** A Node that is on this machine already. */
export interface OwnNode {
  version: string
  binary: string
}

export class Sandbox implements Disposable {
  readonly folder: string
  readonly #packed: PackedPackage[]
  readonly #installed = new Map<string, Promise<string>>()
  readonly #own: OwnNode | undefined
  #projects = 0

  private constructor(folder: string, packed: PackedPackage[], own: OwnNode | undefined) {
    this.folder = folder
    this.#packed = packed
    this.#own = own
  }

  static async open(own?: OwnNode): Promise<Sandbox> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-compat-'))
    try {
      return new Sandbox(folder, await packAll(folder), own)
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** The binary of a Node. */
  async node(version: string): Promise<string> {
    if (this.#own?.version === version) return this.#own.binary
    const folder = await this.#once(`node-${version}`, { binary: nodePackage(version) })
    const binary = process.platform === 'win32' ? 'node.exe' : 'node'
    return path.join(folder, 'node_modules/binary/bin', binary)
  }

  /** A new project beside a `node_modules` with our package `ours` and with `others`, and its files. */
  async project(
    ours: string,
    others: Record<string, string>,
    files: Record<string, string>,
  ): Promise<string> {
    const packed = withDependencies(this.#packed, ours)
    const name = [ours, ...Object.entries(others).flat()].join('-').replaceAll('/', '-')
    const installed = await this.#once(name, { ...fromTarballs(packed), ...others })
    const folder = path.join(installed, `project-${++this.#projects}`)
    mkdirSync(path.join(folder, '.git'), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text)
    return folder
  }

  #once(name: string, dependencies: Record<string, string>): Promise<string> {
    const folder = path.join(this.folder, name)
    const known = this.#installed.get(name)
    if (known) return known
    const installing = npmInstall(folder, dependencies).then(() => folder)
    this.#installed.set(name, installing)
    return installing
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
