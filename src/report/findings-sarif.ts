import { sarifDocument, sarifPlace } from './sarif-document.js';

/** Something found in a file, as SARIF has it. */
export interface SarifFinding {
  /** Kebab case; one of `rules`. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** The file that it was found in. */
  readonly file: string;
  /** From 1; 1 for a file as a whole. */
  readonly line: number;
  /** What tells it apart from others of its code, whatever the line: devices, addresses. */
  readonly identity: string;
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/**
 * Findings in files as SARIF 2.1.0 (OASIS), which code hosts show beside the files.
 * @param rules what each code is about.
 */
export function findingsSarif(
  findings: readonly SarifFinding[],
  rules: Readonly<Record<string, string>>,
  version: string,
): unknown {
  const results = findings.map(({ code, severity, message, file, line, identity }) => ({
    ruleId: code,
    level: LEVELS[severity],
    message: { text: message },
    locations: [sarifPlace(file, line)],
    partialFingerprints: { 'finding/v1': `${code}:${identity}` },
  }));
  const described = Object.entries(rules).map(([id, text]) => ({ id, shortDescription: { text } }));
  return sarifDocument({ rules: described, results, complete: true, warnings: [] }, version);
}
