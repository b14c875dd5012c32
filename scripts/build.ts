/**
 * Builds the package into dist: the compiler makes JavaScript and types of each file, and the JavaScript is then put together
 * into a few: Node takes 0.3 ms to find and load each file, and there are seventy of them behind `import 'vouch'`. Of the
 * types, those stay that users can come upon.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { type InputOptions, type OutputOptions, type Plugin, rolldown } from 'rolldown'
import { esmExternalRequirePlugin } from 'rolldown/plugins'

const COMPILED = 'build/vouch'

for (const folder of ['dist', COMPILED]) rmSync(folder, { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// What users import or run; the rest is loaded from there.
const entries = ['index', 'certs/index', 'cli/bin', 'cli/main', 'register'].filter(
  (name) => globSync(`src/${name}.ts`).length > 0,
)
const [vouch, certs] = ['index', 'certs/index'].map((name) => loadedWith(resolve(COMPILED, `${name}.js`)))
await write(
  {
    // Libraries stay libraries.
    input: filesOf(entries),
    external: (id) => !/^[./]/.test(id),
    plugins: [importedAs('#libraries', 'core/lazy'), importedAs('#socks', 'transport/socks-library')],
  },
  {
    codeSplitting: {
      groups: [
        { name: 'trust', test: (id) => vouch?.has(id) && certs?.has(id) },
        { name: 'vouch', test: (id) => vouch?.has(id) },
      ],
    },
  },
)
await write({ input: filesOf(['core/lazy', 'core/bundled']), external: (id) => !/^[./]/.test(id) })
// CommonJS that requires modules of Node: in the ES modules that esbuild makes of it, these calls fail.
await write(
  {
    input: filesOf(['transport/socks-library']),
    plugins: [esmExternalRequirePlugin({ external: [...builtinModules] })],
  },
  { banner: licensesOf(['socks', 'smart-buffer', 'ip-address']) },
)

async function write(input: InputOptions, output: OutputOptions = {}): Promise<void> {
  const bundle = await rolldown({ platform: 'node', ...input })
  const names = { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' }
  await bundle.write({ dir: 'dist', format: 'esm', ...names, ...output })
}

function filesOf(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `${COMPILED}/${name}.js`]))
}

/** Leaves the import of a file to `imports` of package.json. */
function importedAs(name: string, file: string): Plugin {
  const path = resolve(COMPILED, `${file}.js`)
  const isFile = (id: string, importer: string | undefined) => resolve(dirname(importer ?? '.'), id) === path
  return { name, resolveId: (id, importer) => (isFile(id, importer) ? { id: name, external: true } : undefined) }
}

/** The licenses of libraries that become part of the package, in a comment. */
function licensesOf(libraries: readonly string[]): string {
  const licenses = libraries.map((name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}`)
  return `/*!\n${licenses.join('\n\n')}\n*/`
}

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
