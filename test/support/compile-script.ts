import { rolldown } from 'rolldown'

/**
 * A script and what it imports as one file of JavaScript, for the Nodes and the runners that take
 * no TypeScript. By default our packages are left to be resolved where it stands.
 */
export async function compileScript(
  file: string,
  format: 'esm' | 'cjs',
  external: RegExp[] = [/^@portslice\//],
): Promise<string> {
  await using bundle = await rolldown({
    input: file,
    platform: 'node',
    external,
    transform: { target: 'node20.19' },
  })
  const { output } = await bundle.generate({ format, codeSplitting: false })
  return output[0].code
}
