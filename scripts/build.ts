/**
 * Builds the package into dist: the compiler makes JavaScript and types of each file, and the JavaScript is then put together
 * into a few: Node takes 0.3 ms to find and load each file, and there are seventy of them behind `import 'vouch'`.
 */
import { spawnSync } from 'node:child_process'
import { globSync, rmSync } from 'node:fs'
import { rolldown } from 'rolldown'

const COMPILED = 'build/vouch'

for (const folder of ['dist', COMPILED]) rmSync(folder, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// What users import or run; the rest is loaded from there.
const entries = ['index', 'certs/index', 'cli/main', 'register'].filter((name) => globSync(`src/${name}.ts`).length > 0)
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((name) => [name, `${COMPILED}/${name}.js`])),
  platform: 'node',
  // Libraries stay libraries.
  external: (id) => !/^[./]/.test(id),
})
await bundle.write({ dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' })
