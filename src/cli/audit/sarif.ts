/** The findings of `vouch audit` as SARIF 2.1.0, the format of code scanners (OASIS). */
import type { AuditResult } from './audit.ts'
import { allRules } from './rules.ts'

/** @param version of vouch */
export function toSarif({ findings, unread }: AuditResult, version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'vouch audit',
            version,
            rules: allRules().map(({ id, opens }) => ({
              id,
              shortDescription: { text: opens },
              defaultConfiguration: { level: 'error' },
              properties: { tags: ['security'], 'security-severity': '7.4' },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ path, line, column, rule, text, opens, instead }) => ({
          ruleId: rule,
          level: 'error',
          message: { text: `${text}: ${opens}. Write instead: ${instead}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(path) },
                region: { startLine: line, startColumn: column },
              },
            },
          ],
        })),
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: unread.map(({ path, why }) => ({
              level: 'warning',
              message: { text: `not looked at: ${why}` },
              locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path) } } }],
            })),
          },
        ],
      },
    ],
  }
}

/** A relative reference of RFC 3986, with slashes. */
function uriOf(path: string): string {
  return path.split(/[\\/]/).map(encodeURIComponent).join('/')
}
