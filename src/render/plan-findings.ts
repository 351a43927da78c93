import type { Plan } from '../model/plan.ts';
import { githubData, githubProperty, xmlText } from './escape.ts';
import { viewDrains } from './plan-drains.ts';
import { refusalDetails } from './plan-text-sections.ts';
import { verdict, withSubject } from './plan-words.ts';

/** What CI should point at: refusals are errors, warnings are warnings. */
interface Finding {
  readonly level: 'error' | 'warning';
  readonly code: string;
  readonly subject: string;
  readonly message: string;
}

function findings(plan: Plan): readonly Finding[] {
  const refused = plan.refusals.map((refusal): Finding => {
    const details = refusalDetails(refusal).map(([label, text]) => `${label}: ${text}`);
    const message = [refusal.message, ...details].join('; ');
    return { level: 'error', code: refusal.code, subject: refusal.subject, message };
  });
  const blocked = viewDrains(plan).shown.flatMap(({ node, stays }) =>
    stays.map(({ instances, reason }): Finding => {
      const message = `${instances.join(', ')} cannot leave: ${reason}`;
      return { level: 'warning', code: 'MUS4003', subject: node, message };
    }),
  );
  const warned = plan.warnings.map(
    (warning): Finding => ({
      level: 'warning',
      code: warning.code,
      subject: warning.subject ?? plan.cluster,
      message: warning.message,
    }),
  );
  return [...refused, ...blocked, ...warned];
}

/** Annotations of a GitHub workflow run. */
export function renderPlanGithub(plan: Plan): string {
  const lines = findings(plan).map(
    (finding) =>
      `::${finding.level} title=${githubProperty(`${finding.code} ${finding.subject}`)}::${githubData(finding.message)}`,
  );
  return `${[...lines, `::notice title=muster plan::${githubData(verdict(plan))}`].join('\n')}\n`;
}

/** One test case for every unit and refusal; a refusal fails. */
export function renderPlanJunit(plan: Plan): string {
  const found = findings(plan);
  const failed = found.filter((finding) => finding.level === 'error');
  const planned = plan.units.map((unit) => `    <testcase classname="plan" name="${xmlText(unit.id)}"/>`);
  const refused = failed.map(
    (finding) =>
      `    <testcase classname="plan" name="${xmlText(finding.subject)}">\n` +
      `      <failure type="${xmlText(finding.code)}" message="${xmlText(finding.message)}"/>\n    </testcase>`,
  );
  const warned = found
    .filter((finding) => finding.level === 'warning')
    .map((finding) => `${finding.code} ${withSubject(finding)}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="muster plan ${xmlText(plan.cluster)}" tests="${planned.length + refused.length}" failures="${refused.length}">`,
    ...planned,
    ...refused,
    `    <system-out>${xmlText([verdict(plan), ...warned].join('\n'))}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** SARIF 2.1.0. Refusals concern the cluster rather than a line of a file, so they carry logical locations. */
export function renderPlanSarif(plan: Plan): string {
  const found = findings(plan);
  const rules = [...new Set(found.map((finding) => finding.code))].sort().map((id) => ({ id }));
  const results = found.map((finding) => ({
    ruleId: finding.code,
    level: finding.level,
    message: { text: withSubject(finding) },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: 'cluster.yaml' }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: finding.subject }],
      },
    ],
  }));
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'muster', rules } }, results }],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}
