import { InputError } from '../../text/diagnostic.js';

/** A memory source that cannot be read: what is wrong with it, and what would be right. */
export function sourceError(source: string, code: string, message: string, hint?: string): InputError {
  const place = { file: source, line: 1, column: 1 };
  return new InputError({
    severity: 'error',
    code,
    message,
    ...place,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The text of an error of the system, `EACCES: permission denied`, without the call that it names. */
export function systemReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split(',')[0]!;
}
