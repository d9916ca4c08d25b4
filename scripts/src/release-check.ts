/**
 * `node scripts/src/release-check.ts v0.2.0 [--root DIRECTORY]` lists what prevents a release with
 * this tag, before anything is built or published.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Package, publishedPackages, ROOT } from './packages.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { root: { type: 'string', default: ROOT } },
})
const [tag = ''] = positionals
const packages = publishedPackages(values.root)

const obstacles = [...packages.flatMap((each) => [...obstaclesOf(each)]), ...pendingChangesets()]
for (const obstacle of obstacles) console.error(obstacle)
if (obstacles.length > 0) process.exitCode = 1
else console.log(`${packages.length} packages are ready to be published as ${tag}.`)

function* obstaclesOf({ directory, manifest }: Package): Iterable<string> {
  const { name, version, repository } = manifest
  if (tag !== `v${version}`) {
    yield `${name} has version ${version}, and the tag is "${tag}". Run \`pnpm run versions\`, commit, and tag that commit.`
  }
  const file = path.join(directory, 'CHANGELOG.md')
  const changelog = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (!changelog.includes(`\n## ${version}\n`)) {
    yield `The CHANGELOG.md of ${name} has no section for ${version}.`
  }
  // The registry compares it with the repository in the provenance.
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: here } = process.env
  if (here && repository.url !== `git+${server}/${here}.git`) {
    yield `The package.json of ${name} names the repository ${repository.url}, but this workflow runs in ${server}/${here}.`
  }
}

function* pendingChangesets(): Iterable<string> {
  for (const name of readdirSync(path.join(values.root, '.changeset'))) {
    if (name.endsWith('.md') && name !== 'README.md') {
      yield `.changeset/${name} has not been released yet. Run \`pnpm run versions\`, commit, and tag that commit.`
    }
  }
}
