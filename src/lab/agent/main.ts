/**
 * The agent in dom0: carries out hypercalls for the adapter, which is outside. It speaks on the virtio port `dommu`, or
 * with `--stdio` on standard input and output; there, on somebody's own host, `reset` spares the domains of others.
 */
import { perform } from './calls.js';
import { findPort, portChannel, stdioChannel } from './channels.js';
import { Dom0 } from './dom0.js';
import { helloOf } from './hello.js';
import { Holdings } from './holdings.js';
import { nap } from './nap.js';
import { openNative } from './native.js';
import type { Call } from './protocol.js';
import { reset } from './reset.js';
import { serve } from './serve.js';

const PORT_NAME = 'dommu';
/** The host tells its ports' names some time after the driver was loaded. */
const PORT_WAIT_MS = 3000;

function awaitPort(deadline: number): string | undefined {
  for (;;) {
    const port = findPort(PORT_NAME);
    if (port !== undefined || performance.now() > deadline) return port;
    nap(20);
  }
}

function main(args: readonly string[]): void {
  const stdio = args.includes('--stdio');
  const port = stdio ? undefined : awaitPort(performance.now() + PORT_WAIT_MS);
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
