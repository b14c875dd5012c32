/** Bundles an app: `node bundle.mjs BUNDLER APP FOLDER`; prints the file to run. */
import { execFileSync } from 'node:child_process'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'

const [bundler, app, folder] = process.argv.slice(2)

const BUNDLERS = {
  'esbuild, ES module': () => esbuild({ format: 'esm', outfile: 'app.mjs' }),
  'esbuild, CommonJS': () => esbuild({ format: 'cjs', outfile: 'app.cjs' }),
  'esbuild, minified': () => esbuild({ format: 'esm', minify: true, outfile: 'app.mjs' }),
  async rollup() {
    const { rollup } = await import('rollup')
    const names = ['node-resolve', 'commonjs', 'json']
    const modules = await Promise.all(names.map((name) => import(`@rollup/plugin-${name}`)))
    const [resolve, commonjs, json] = modules.map((module) => module.default)
    const plugins = [resolve({ preferBuiltins: true }), commonjs(), json()]
    const bundle = await rollup({ input: app, plugins, onLog: () => {} })
    await bundle.write({ dir: folder, format: 'es', entryFileNames: 'app.mjs', chunkFileNames: '[name].mjs' })
    return 'app.mjs'
  },
  async webpack() {
    const { default: webpack } = await import('webpack')
    const output = { path: folder, filename: 'app.cjs' }
    // Minifying is the slowest part: esbuild, Vite and bun do it here.
    const optimization = { minimize: false }
    const compiler = webpack({ mode: 'production', target: 'node', entry: app, output, optimization })
    const stats = await new Promise((resolve, reject) => {
      compiler.run((error, done) => (error === null ? resolve(done) : reject(error)))
    })
    if (stats.hasErrors()) throw new Error(stats.toString())
    return output.filename
  },
  ncc() {
    execFileSync(process.execPath, [fileOf('@vercel/ncc', 'dist/ncc/cli.js'), 'build', app, '-o', folder])
    return 'index.mjs'
  },
  async Vite() {
    const { build } = await import('vite')
    await build({
      root: dirname(app),
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: { ssr: app, outDir: folder, minify: true, rollupOptions: { output: { entryFileNames: 'app.mjs' } } },
    })
    return 'app.mjs'
  },
  bun() {
    const program = fileOf(`@oven/bun-${process.platform}-${process.arch}`, 'bin/bun')
    execFileSync(program, ['build', app, '--target', 'node', '--minify', '--outfile', join(folder, 'app.mjs')])
    return 'app.mjs'
  },
}

console.log(join(folder, await BUNDLERS[bundler]()))

async function esbuild({ outfile, ...options }) {
  const { build } = await import('esbuild')
  await build({
    entryPoints: [app],
    bundle: true,
    platform: 'node',
    logLevel: 'error',
    outfile: join(folder, outfile),
    ...options,
  })
  return outfile
}

function fileOf(library, name) {
  return join(dirname(findPackageJSON(library, import.meta.url)), name)
}
