import { isSound, type StoreCheck, type StoreFinding } from '../model/store-check.ts';
import { hang, plural, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

/** Every finding with its harm and remedy, what could not be checked, and the verdict. `where`: a store, or a file. */
export function renderStoreCheck(
  check: StoreCheck,
  options: { readonly color: boolean; readonly width?: number | undefined; readonly where: string },
): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const blocks = check.findings.map((finding) => renderFinding(finding, paint, width));
  const unchecked = check.unchecked.map((what) => hang(`${paint.dim('not checked')}  `, what, width));
  const verdict = hang('', verdictOf(check, options.where, paint), width);
  return `${[...blocks, ...(unchecked.length > 0 ? [unchecked.join('\n')] : []), verdict].join('\n\n')}\n`;
}

function renderFinding(finding: StoreFinding, paint: Paint, width: number): string {
  const { code, severity, subject, message, harm, remedy } = finding;
  const label = severity === 'error' ? paint.bad(`error[${code}]`) : paint.warn(`warning[${code}]`);
  const text = message.includes(subject) ? message : `${subject}: ${message}`;
  return [hang(`${label}  `, text, width), hang('  ', harm, width), hang('  → ', remedy, width)].join('\n');
}

function verdictOf(check: StoreCheck, where: string, paint: Paint): string {
  const errors = check.findings.filter(({ severity }) => severity === 'error').length;
  const warnings = check.findings.length - errors;
  const read = `${plural(check.records, 'record')} of ${where} at revision ${check.revision}`;
  const also = warnings === 0 ? '' : `; ${plural(warnings, 'warning')}`;
  if (isSound(check)) return `${paint.good('Sound')}: ${read}${also}.`;
  return `${paint.bad(plural(errors, 'error'))} in ${read}${also}. Nothing was changed.`;
}
