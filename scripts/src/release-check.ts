/**
 * Is this checkout what the tag says? `node scripts/src/release-check.ts v0.2.0 [--root FOLDER]` names all that
 * is in the way of a release, before anything is built or published: what is published stays.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Package, packagesIn, ROOT } from './packages.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { root: { type: 'string', default: ROOT } },
})
const [tag = ''] = positionals
const packages = packagesIn(values.root)

const obstacles = [...packages.flatMap((each) => [...obstaclesOf(each)]), ...pendingChangesets()]
for (const obstacle of obstacles) console.error(obstacle)
if (obstacles.length > 0) process.exitCode = 1
else console.log(`${packages.length} packages are ready to be published as ${tag}.`)

function* obstaclesOf({ folder, manifest }: Package): Iterable<string> {
  const { name, version, repository } = manifest
  if (tag !== `v${version}`) {
    yield `${name} has version ${version}, and the tag is "${tag}". Run \`pnpm run versions\`, commit, and tag that commit.`
  }
  const file = path.join(folder, 'CHANGELOG.md')
  const changelog = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (!changelog.includes(`\n## ${version}\n`)) {
    yield `The CHANGELOG.md of ${name} says nothing of ${version}.`
  }
  // The registry compares it with the repository that the provenance names.
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: here } = process.env
  if (here && repository.url !== `git+${server}/${here}.git`) {
    yield `The package.json of ${name} names the repository ${repository.url}, and this is ${server}/${here}.`
  }
}

function* pendingChangesets(): Iterable<string> {
  for (const name of readdirSync(path.join(values.root, '.changeset'))) {
    if (name.endsWith('.md') && name !== 'README.md') {
      yield `.changeset/${name} is in no release yet. Run \`pnpm run versions\`, commit, and tag that commit.`
    }
  }
}
