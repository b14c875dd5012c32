/** For scripts that run in a process of their own. */

/** The URL of a module of `src/`, such as `index` or `certs/index`: compiled where the tests are compiled. */
export function moduleUrl(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`../../src/${name}.${extension}`, import.meta.url).href
}

/** The line of Node that runs the tests, e.g. 24. */
export const nodeMajor = Number(process.versions.node.split('.')[0])
