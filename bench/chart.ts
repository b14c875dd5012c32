/** The two figures that matter most, as bars. */
import type { Report } from './report.ts'
import { BUNDLED } from './server.ts'
import type { Row } from './workload.ts'

const WIDTH = 720
const LABELS = 150
const BAR = 20
const GAP = 8

const STYLE = '<style>text { fill: #57606a } @media (prefers-color-scheme: dark) { text { fill: #9198a1 } }</style>'

/** The workloads of the chart. */
export const CHARTED = ['P1', 'P3'] as const

/** An SVG of P1's CPU and P3's time; its text follows the colour scheme of the reader. */
export function chart(reports: readonly Report[]): string {
  const rowsOf = (id: string) => reports.find(({ workload }) => workload.id === id)?.outcome.rows ?? []
  const first = panel('CPU for a keep-alive GET, µs', rowsOf('P1'), 0, 0)
  const second = panel(
    `A GET whose trust is given with the call (${BUNDLED} certificates), µs`,
    rowsOf('P3'),
    1,
    first.height + 24,
  )
  const height = first.height + 24 + second.height
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">
<title>What a request costs, by client</title>
${STYLE}
${first.svg}
${second.svg}
</svg>
`
}

function panel(title: string, rows: readonly Row[], column: number, top: number): { svg: string; height: number } {
  const bars = rows.map(({ name, values }) => ({ name, value: values[column] ?? 0 })).sort((a, b) => a.value - b.value)
  const most = Math.max(1, ...bars.map(({ value }) => value))
  const lines = bars.map(({ name, value }, index) => {
    const y = top + 28 + index * (BAR + GAP)
    const width = (value / most) * (WIDTH - LABELS - 70)
    const colour = name === 'vouch' ? '#0a7d4f' : '#8a93a0'
    const text = `dominant-baseline="middle" y="${y + BAR / 2}"`
    return [
      `<text ${text} x="${LABELS - 8}" text-anchor="end"${name === 'vouch' ? ' font-weight="bold"' : ''}>${name}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${Math.max(1, width).toFixed(0)}" height="${BAR}" rx="2" fill="${colour}"/>`,
      `<text ${text} x="${(LABELS + width + 6).toFixed(0)}">${Math.round(value).toLocaleString('en')}</text>`,
    ].join('\n')
  })
  const heading = `<text x="0" y="${top + 14}" font-weight="bold">${title}</text>`
  return { svg: [heading, ...lines].join('\n'), height: 28 + bars.length * (BAR + GAP) }
}
