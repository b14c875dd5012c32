/**
 * Draws the pictures of the documentation from their texts: `node site/pictures.mjs` writes `docs/pictures/*.svg` from the Graphviz
 * files of `site/pictures`. Colours follow the reader's colour scheme.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { instance } from '@viz-js/viz'

const DEFAULTS = {
  graphAttributes: { bgcolor: 'transparent', nodesep: 0.3, ranksep: 0.4, pad: 0.1 },
  nodeAttributes: { shape: 'box', style: 'rounded', fontname: 'Helvetica', fontsize: 12, margin: '0.35,0.12' },
  edgeAttributes: { fontname: 'Helvetica', fontsize: 11, arrowsize: 0.7 },
}

/** Fonts and colours, light and dark. */
const STYLE = `<style>
text { font-family: Helvetica, Arial, sans-serif; fill: #1f2328 }
path, polygon, polyline, ellipse { stroke: #57606a }
.edge polygon { fill: #57606a }
.accent path, .accent polygon { stroke: #0969da; stroke-width: 2 } .accent text { fill: #0969da }
.failure path, .failure polygon { stroke: #cf222e; stroke-width: 2 } .failure text { fill: #cf222e }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  path, polygon, polyline, ellipse { stroke: #9198a1 }
  .edge polygon { fill: #9198a1 }
  .accent path, .accent polygon { stroke: #58a6ff } .accent text { fill: #58a6ff }
  .failure path, .failure polygon { stroke: #ff7b72 } .failure text { fill: #ff7b72 }
}
</style>`

/** The SVG of a Graphviz text. Its first line, a comment, is the title for those who cannot see it. */
export function draw(viz, dot) {
  const [, title = ''] = /^\/\/ (.*)$/m.exec(dot) ?? []
  return viz
    .renderString(dot, { format: 'svg', ...DEFAULTS })
    .replace(/^[\s\S]*?(?=<svg)/, '')
    .replace(/<title>[\s\S]*?<\/title>\n/g, '')
    .replace(/<!--[\s\S]*?-->\n/g, '')
    .replace(/ (?:stroke|fill|font-family)="(?!none|transparent)[^"]*"/g, '')
    .replace(/(<(?:polygon|path|ellipse|polyline))(?![^>]*fill=)/g, '$1 fill="none"')
    .replace(/(<g [^>]*class="edge[\s\S]*?<\/g>)/g, (edge) => edge.replace('<polygon fill="none"', '<polygon'))
    .replace(/(<svg[^>]*>)/, `$1\n<title>${title}</title>\n${STYLE}`)
}

/** Where the picture of a text is, relative to the root of the repository. */
export const svgOf = (file) => file.replace(/^site(.*)\.dot$/, 'docs$1.svg')

if (import.meta.filename === process.argv[1]) {
  const viz = await instance()
  for (const file of globSync('site/pictures/*.dot')) writeFileSync(svgOf(file), draw(viz, readFileSync(file, 'utf8')))
}
