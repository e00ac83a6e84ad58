import { InputError } from '../text/diagnostic.js';
import type { Xen } from '../xen/state.js';
import { Arguments, Nameless, OperationError } from './arguments.js';
import type { Outcome } from './handlers/handler.js';
import { HANDLERS } from './handlers.js';
import type { Names } from './names.js';
import { OPERATION_BY_NAME } from './operations.js';
import type { Statement } from './program.js';

/**
 * Carries out one statement on the model. What needs a lock that another hypercall holds is undone and answered
 * `blocked`; when a BUG has brought the host down, nothing happens any more.
 * @throws InputError where the operation cannot be carried out as written; `file` is the program's.
 */
export function performStatement(xen: Xen, names: Names, statement: Statement, file: string): Outcome {
  if (xen.hostBug !== undefined) return { status: 'host is down' };
  // Without a dom0 nobody makes the toolstack's hypercalls.
  if (!xen.exists(0) && OPERATION_BY_NAME.get(statement.op)?.actor === 'toolstack') {
    return { status: 'not running' };
  }
  const before = xen.store.mark();
  xen.beginStep();
  const outcome = attempt(xen, names, statement, file);
  if (!xen.blocked) return outcome;
  xen.store.rollback(before);
  return { status: 'blocked' };
}

function attempt(xen: Xen, names: Names, statement: Statement, file: string): Outcome {
  const handler = HANDLERS[statement.op];
  try {
    if (handler === undefined) throw new OperationError(`unknown operation \`${statement.op}\``);
    return handler(xen, new Arguments(statement.args, names, xen), names);
  } catch (error) {
    if (error instanceof Nameless) return { status: error.status };
    if (!(error instanceof OperationError)) throw error;
    const { line, column } = statement;
    throw new InputError({
      severity: 'error',
      code: 'operation',
      message: error.message,
      file,
      line,
      column,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
