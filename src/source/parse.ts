import { type Document, parseAllDocuments } from 'yaml';
import type { Diagnostic } from '../model/diagnostics.ts';
import { type Report, type Trouble, tooDeep, toPlain } from './plain.ts';
import { type Lines, linesOf } from './position.ts';

/** Bounds on what one file may ask of us; the file's size is checked before it is read (limits.ts). */
const maxDocuments = 1000;
/** Syntax errors of one file: the first few are the cause of the others. */
const maxSyntaxErrors = 20;

export interface ParsedDocument {
  readonly index: number;
  /** 1-based line of the document's first key. */
  readonly line: number;
  readonly value: unknown;
}

interface ParsedFile {
  /** Documents without a problem in their text; empty ones are left out. */
  readonly documents: readonly ParsedDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Parses a multi-document YAML 1.2 file into plain data. Never throws for what is in the text. */
export function parseFile(text: string, file: string): ParsedFile {
  const lines = lazily(() => linesOf(text));
  const diagnostics: Diagnostic[] = [];
  const report: Report = (trouble) => diagnostics.push(diagnosticAt(trouble, lines(), file));
  const markers = countDocumentMarkers(text);
  if (markers > maxDocuments) {
    report({
      code: 'MUS1010',
      message: 'the file has too many documents',
      start: 0,
      end: 0,
      found: `${markers} documents`,
      allowed: [`at most ${maxDocuments}`],
      hint: 'split it into several files',
    });
    return { documents: [], diagnostics };
  }
  const parsed = parseDocuments(text, report);
  const conflict = conflictMarkers.exec(text);
  // Only where the parser stumbles: a block of text may hold such lines.
  if (conflict !== null && parsed.some(({ errors }) => errors.length > 0)) {
    const message = 'the file has an unresolved merge conflict';
    const end = conflict.index + conflict[0].length;
    report({ code: 'MUS1001', message, start: conflict.index, end, hint: 'choose one side and delete the markers' });
    return { documents: [], diagnostics };
  }
  const documents: ParsedDocument[] = [];
  for (const [index, document] of parsed.entries()) {
    reportSyntax(document, report);
    if (document.errors.length > 0 || document.warnings.length > 0 || document.contents === null) continue;
    const before = diagnostics.length;
    const value = toPlain(document, report);
    if (value === null || diagnostics.length > before) continue;
    documents.push({ index, line: lines().range(document.contents.range[0], 0).line, value });
  }
  return { documents, diagnostics };
}

/** The same parser and options for everybody, so that positions agree with values. */
export function parseDocuments(text: string, report: Report): readonly Document.Parsed[] {
  const deep = hopelesslyDeep(text);
  if (deep !== undefined) {
    report(tooDeep(deep, deep + 1));
    return [];
  }
  // Keys are compared while converting, in linear time: the parser's own check is quadratic.
  const parsed = parseAllDocuments(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
  return Array.isArray(parsed) ? parsed : [];
}

/** Nesting that no text reaches by accident. The parser recurses, and with its stack full V8 may abort the process. */
const maxGuessedDepth = 256;

/**
 * Where brackets that are not closed again, or `- - -` on one line, go so deep that the text must not reach the parser.
 * Brackets in quotes and comments count as well: the guess is cheap, and the bound far beyond maxDepth.
 */
function hopelesslyDeep(text: string): number | undefined {
  let open = 0;
  let indicators = 0;
  let isAfterBlank = true;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    const isBlank = char === charCode.space || char === charCode.tab;
    if (char === charCode.bracket || char === charCode.brace) open += 1;
    else if (char === charCode.closingBracket || char === charCode.closingBrace) open = Math.max(0, open - 1);
    else if (isAfterBlank && (char === charCode.dash || char === charCode.question)) indicators += 1;
    else if (!isBlank) indicators = 0;
    if (open > maxGuessedDepth || indicators > maxGuessedDepth) return at;
    isAfterBlank = isBlank || char === charCode.newline;
  }
  return undefined;
}

const charCode = {
  bracket: 0x5b,
  closingBracket: 0x5d,
  brace: 0x7b,
  closingBrace: 0x7d,
  dash: 0x2d,
  question: 0x3f,
  space: 0x20,
  tab: 0x09,
  newline: 0x0a,
} as const;

function diagnosticAt({ start, end, related, ...trouble }: Trouble, lines: Lines, file: string): Diagnostic {
  const other = related && { file, line: lines.range(related.start, related.start).line, message: related.message };
  return {
    severity: 'error',
    ...trouble,
    file,
    ...lines.location(start, end),
    ...(other !== undefined && { related: other }),
  };
}

const conflictMarkers = /^(<{7} .*|={7}|>{7} .*)$/m;

const countDocumentMarkers = (text: string): number => text.match(/^---(?=\s|$)/gm)?.length ?? 0;

function reportSyntax(document: Document.Parsed, report: Report): void {
  const errors = [...document.errors, ...document.warnings];
  // A quote that is not closed leaves the brackets around it open as well: one mistake, told once.
  const missing = new Set(errors.filter(({ code }) => code === 'MISSING_CHAR').map(({ pos }) => pos[0]));
  const told = errors.filter(({ code, pos }) => code === 'MISSING_CHAR' || !missing.has(pos[0]));
  for (const error of told.slice(0, maxSyntaxErrors)) {
    const [start, end] = error.pos;
    if (error.code === 'RESOURCE_EXHAUSTION') {
      report(tooDeep(start, end));
      continue;
    }
    const [said = ''] = error.message.split('\n');
    report({ code: 'MUS1001', message: `YAML syntax: ${said}`, start, end, ...explainSyntax(error.code, said) });
  }
}

/** In plainer words than the parser's, and what to look for: it stumbles after the mistake, not at it. */
function explainSyntax(code: string, said: string): { readonly message?: string; readonly hint?: string } {
  const closing = /end with a (.)/.exec(said)?.[1];
  switch (code) {
    case 'BAD_INDENT':
      if (closing === undefined) {
        return {
          message: 'YAML syntax: the indentation differs from the lines around it',
          hint: 'indent it like its neighbours',
        };
      }
      return {
        message: `YAML syntax: "${closing}" is missing`,
        hint: 'a bracket that was opened above is not closed before this line',
      };
    case 'TAB_AS_INDENT':
      return { hint: 'indent with spaces' };
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return { hint: 'text with ": " in it needs quotes; otherwise check the indentation' };
    case 'MISSING_CHAR':
      if (said.includes('quote')) {
        return {
          message: 'YAML syntax: a quote that was opened above is not closed',
          hint: 'look for the last line that is right; the quote is missing below it',
        };
      }
      return { hint: 'a bracket or a colon is missing here or before' };
    case 'TAG_RESOLVE_FAILED':
      return { hint: 'tags (!name) are not used here; put text that starts with "!" in quotes' };
    default:
      return {};
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
