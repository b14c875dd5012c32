/**
 * Builds the package into dist: the compiler makes JavaScript and types of each file, and the JavaScript is then put together
 * into a few: Node takes 0.3 ms to find and load each file, and there are seventy of them behind `import 'vouch'`. Of the
 * types, those stay that users can come upon.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

const COMPILED = 'build/vouch'

for (const folder of ['dist', COMPILED]) rmSync(folder, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// What users import or run; the rest is loaded from there.
const entries = ['index', 'certs/index', 'cli/main', 'register'].filter((name) => globSync(`src/${name}.ts`).length > 0)
const [vouch, certs] = ['index', 'certs/index'].map((name) => loadedWith(resolve(COMPILED, `${name}.js`)))
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((name) => [name, `${COMPILED}/${name}.js`])),
  platform: 'node',
  // Libraries stay libraries.
  external: (id) => !/^[./]/.test(id),
})
await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name].js',
  codeSplitting: {
    groups: [
      { name: 'trust', test: (id) => vouch?.has(id) && certs?.has(id) },
      { name: 'vouch', test: (id) => vouch?.has(id) },
    ],
  },
})

const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, { types?: string }> }
const reached = new Set<string>()
for (const { types } of Object.values(exports)) if (types !== undefined) reach(join(types))
for (const file of globSync('dist/**/*.d.ts')) if (!reached.has(file)) rmSync(file)

/** The files that are loaded with this one, itself among them; not those that wait for an `import()`. */
function loadedWith(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found
  found.add(file)
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?'(\.[^']+)';$/gm)) {
    loadedWith(resolve(dirname(file), path), found)
  }
  return found
}

/** Notes a file of types, and those that it imports. */
function reach(file: string): void {
  if (reached.has(file)) return
  reached.add(file)
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from |import\()['"](\.[^'"]+)\.ts['"]/g)) {
    reach(join(dirname(file), `${path}.d.ts`))
  }
}
