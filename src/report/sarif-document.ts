import { pathToFileURL } from 'node:url';

/** What a run of dommu found, for SARIF 2.1.0 (OASIS), which code hosts show beside the files that were looked at. */
export interface SarifRun {
  readonly rules: readonly { readonly id: string; readonly shortDescription: { readonly text: string } }[];
  readonly results: readonly unknown[];
  /** Whether it came to its end. */
  readonly complete: boolean;
  /** What is to be known of the run itself and is no result. */
  readonly warnings: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** @param version dommu's. */
export function sarifDocument(
  { rules, results, complete, warnings, properties }: SarifRun,
  version: string,
): unknown {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'dommu', version, rules } },
        invocations: [
          {
            executionSuccessful: complete,
            toolExecutionNotifications: warnings.map((text) => ({ level: 'warning', message: { text } })),
          },
        ],
        ...(properties === undefined ? {} : { properties }),
        results,
      },
    ],
  };
}

/** A place in a file. `line` counts from 1, and is 1 for a file as a whole. */
export function sarifPlace(file: string, line: number, snippet?: string): Record<string, unknown> {
  const uri = file.startsWith('/') ? pathToFileURL(file).href : encodeURI(file);
  const region = { startLine: line, ...(snippet === undefined ? {} : { snippet: { text: snippet } }) };
  return { physicalLocation: { artifactLocation: { uri }, region } };
}
