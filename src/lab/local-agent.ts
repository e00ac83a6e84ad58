import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { AGENT_BUNDLE, dommuVersion } from './image/overlay.js';
import { LabError } from './machine-api.js';
import { AgentChannel } from './qemu/agent-channel.js';

const HELLO_SECONDS = 10;
/** Where a kernel under Xen says what it may do. */
const CAPABILITIES = '/proc/xen/capabilities';

/** Refuses on a host that is no dom0. @throws LabError */
export function requireDom0(): void {
  const may = existsSync(CAPABILITIES) ? readFileSync(CAPABILITIES, 'utf8') : undefined;
  if (may?.includes('control_d') === true) return;
  throw new LabError(
    may === undefined ? 'this host does not run on Xen' : 'this is a domain of Xen’s, but not dom0',
    2,
    'run it as root in dom0, with /proc/xen mounted; without --here a lab is booted instead',
  );
}

/** An agent on this host. It destroys no domain that it did not make. @throws LabError */
export async function startLocalAgent(): Promise<AgentChannel> {
  if (!existsSync(AGENT_BUNDLE)) throw new LabError('the agent is not built', 2, 'npm run build makes it');
  const child = spawn(process.execPath, [AGENT_BUNDLE, '--stdio'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(...text.trim().split('\n')));
  child.on('error', () => {}); // its stream ends, which the channel tells
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  stream.on('close', () => void child.kill());
  return AgentChannel.over(stream, {
    version: dommuVersion(),
    helloSeconds: HELLO_SECONDS,
    closedMeans: 'it has ended',
    lastLines: () => said.slice(-10),
  });
}
