/**
 * The agent in dom0: carries out hypercalls for the adapter, which is outside. It speaks on the virtio port `dommu`, or
 * with `--stdio` on standard input and output; there, on somebody's own host, `reset` spares the domains of others.
 */
import { perform } from './calls.js';
import { findPort, portChannel, stdioChannel } from './channels.js';
import { Dom0 } from './dom0.js';
import { helloOf } from './hello.js';
import { Holdings } from './holdings.js';
import { openNative } from './native.js';
import type { Call } from './protocol.js';
import { reset } from './reset.js';
import { serve } from './serve.js';

const PORT_NAME = 'dommu';

function main(args: readonly string[]): void {
  const stdio = args.includes('--stdio');
  const port = stdio ? undefined : findPort(PORT_NAME);
  if (!stdio && port === undefined)
    throw new Error(
      `there is no virtio port named “${PORT_NAME}”; --stdio speaks on standard input and output`,
    );
  const holdings = new Holdings(new Dom0(openNative()), stdio);
  const channel = port === undefined ? stdioChannel() : portChannel(port);
  const say = (message: string): void => console.error(`dommu agent: ${message}`);
  serve(channel, helloOf(holdings.dom0), (call: Call) => perform(holdings, call), say);
  reset(holdings);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(`dommu agent: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
