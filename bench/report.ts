/** What came out, in words. */
import { cpus } from 'node:os'
import type { BenchServer } from './server.ts'
import { holds, type Outcome, type Target, type Workload } from './workload.ts'

export interface Report {
  readonly workload: Workload
  readonly outcome: Outcome
}

export function setting({ software }: BenchServer): string {
  const [cpu] = cpus()
  return `Node ${process.version} on ${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model.trim() || 'CPU'}; server: ${software}, TLS 1.3 on loopback`
}

/** For a terminal. */
export function table({ columns, rows }: Outcome): string {
  const lines = [['', ...columns], ...rows.map(({ name, values }) => [name, ...values.map(figure)])]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(pad).join('  ')).join('\n')
}

export function verdicts({ targets }: Outcome): string {
  return targets.map((target) => `${holds(target) ? '✔' : '✖'} ${described(target)}`).join('\n')
}

/** The page of results: the sections of `previous`, in which those of `reports` take the place of their own. */
export function markdown(previous: string, server: BenchServer, reports: readonly Report[]): string {
  const sections = new Map(
    previous
      .split(/^(?=## P)/m)
      .slice(1)
      .map((section) => [idOf(section), section.trim()] as const),
  )
  for (const report of reports) sections.set(report.workload.id, sectionOf(server, report))
  const texts = [...sections.values()].sort((a, b) => Number(idOf(a).slice(1)) - Number(idOf(b).slice(1)))
  const verdicts = texts.flatMap((text) => text.match(/^- [✔✖]/gm) ?? [])
  const met = `${verdicts.filter((verdict) => verdict.endsWith('✔')).length} of ${verdicts.length} targets hold.`
  return `# Benchmark\n\nWritten by \`npm run bench\`. Medians of interleaved rounds, each client in a process of its own.\n${met}\n\n${texts.join('\n\n')}\n`
}

function idOf(section: string): string {
  return /^## (P\d+)/.exec(section)?.[1] ?? ''
}

function sectionOf(server: BenchServer, { workload: { id, title }, outcome }: Report): string {
  const { columns, rows, targets } = outcome
  const head = [`| |${columns.map((column) => ` ${column} |`).join('')}`, `|---|${columns.map(() => '---:|').join('')}`]
  const body = rows.map(({ name, values }) => `| ${name} |${values.map((value) => ` ${figure(value)} |`).join('')}`)
  const list = targets.map((target) => `- ${holds(target) ? '✔' : '✖'} ${described(target)}`)
  const measured = `${new Date().toISOString().slice(0, 10)}, ${setting(server)}`
  return `## ${id}: ${title}\n\n${measured}\n\n${[...head, ...body].join('\n')}\n\n${list.join('\n')}`
}

function described({ what, value, least, most, bound, limit, unit }: Target): string {
  const range = least === most ? '' : `, in each run ${figure(least)} to ${figure(most)}`
  return `${what}: ${figure(value)}${unit && ` ${unit}`}${range} (${bound} ${limit}${unit && ` ${unit}`})`
}

function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(value % 1 === 0 ? 0 : 2)
}
