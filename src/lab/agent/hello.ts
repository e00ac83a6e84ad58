import type { Dom0 } from './dom0.js';
import { SLOTS } from './process-slots.js';
import { type Hello, PROTOCOL_VERSION } from './protocol.js';

/** Put in its place when the agent is bundled. */
declare const DOMMU_VERSION: string | undefined;

export function helloOf({ version }: Dom0): Hello {
  return {
    hello: 'dommu-agent',
    protocol: PROTOCOL_VERSION,
    version: typeof DOMMU_VERSION === 'string' ? DOMMU_VERSION : 'unbundled',
    xen: version,
    slots: SLOTS,
  };
}
