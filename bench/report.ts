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

export function markdown(server: BenchServer, reports: readonly Report[]): string {
  const sections = reports.map(({ workload: { id, title }, outcome }) => {
    const { columns, rows, targets } = outcome
    const head = [
      `| |${columns.map((column) => ` ${column} |`).join('')}`,
      `|---|${columns.map(() => '---:|').join('')}`,
    ]
    const body = rows.map(({ name, values }) => `| ${name} |${values.map((value) => ` ${figure(value)} |`).join('')}`)
    const list = targets.map((target) => `- ${holds(target) ? '✔' : '✖'} ${described(target)}`)
    return `## ${id}: ${title}\n\n${[...head, ...body].join('\n')}\n\n${list.join('\n')}\n`
  })
  const all = reports.flatMap(({ outcome }) => outcome.targets)
  const met = `${all.filter(holds).length} of ${all.length} targets hold.`
  return `# Benchmark\n\nWritten by \`npm run bench\`. ${setting(server)}. Medians of interleaved rounds, each client in a process of its own.\n${met}\n\n${sections.join('\n')}`
}

function described({ what, value, least, most, bound, limit, unit }: Target): string {
  const range = least === most ? '' : `, in each run ${figure(least)} to ${figure(most)}`
  return `${what}: ${figure(value)}${unit && ` ${unit}`}${range} (${bound} ${limit}${unit && ` ${unit}`})`
}

function figure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(value % 1 === 0 ? 0 : 2)
}
