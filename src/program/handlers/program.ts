import { askToFail, type Failure } from '../../xen/failures.js';
import { OperationError } from '../arguments.js';
import { equalsSnapshot, takeSnapshot } from '../names.js';
import type { Handlers } from './handler.js';

/** What only programs do. */
export const PROGRAM_HANDLERS: Handlers = {
  fail: (xen, args) => {
    askToFail(xen, args.text('what') as Failure, args.number('nth', 1), args.number('times', 1));
    return { status: 'ok' };
  },
  mark: (xen, args, names) => {
    names.marks.set(args.text('name'), takeSnapshot(xen));
    return { status: 'ok' };
  },
  same_state: (xen, args, names) => {
    const snapshot = names.marks.get(args.text('name'));
    if (snapshot === undefined) throw new OperationError(`there is no mark \`${args.text('name')}\``);
    return { status: equalsSnapshot(xen, snapshot) ? 'ok' : 'different' };
  },
};
