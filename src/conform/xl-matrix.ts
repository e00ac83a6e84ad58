import type { ExecResult } from '../lab/agent/protocol.js';
import type { Agent } from '../lab/machine-api.js';
import { SourceText } from '../text/source.js';
import { loadDomainConfig } from '../toolstack/domain-config.js';
import { type Host, parseXlInfo } from '../toolstack/host.js';
import { resolvePassthrough } from '../toolstack/passthrough.js';
import { DEFAULT_RELEASE, type Release } from '../toolstack/release.js';
import { smallestKernel } from './pv-kernel.js';

/** One config, as `dommu check` and the real xl see it. */
export interface XlOutcome {
  readonly config: string;
  /** Exit code of `xl create`: 0, 1 for a config that xl cannot use, 6 for one that libxl or Xen refuses. */
  readonly predicted: { readonly code: number; readonly message: string };
  readonly real: { readonly code: number; readonly stderr: string };
  readonly agrees: boolean;
}

const PASSTHROUGH = ['unset', 'disabled', 'enabled', 'sync_pt', 'share_pt', 'bogus'];
const TYPES = ['pv', 'pvh'];
const KERNEL = '/run/dommu-kernel';

/** Runs the passthrough matrix (dossier §2.6) through the real `xl create -p` and through `dommu check`. */
export async function runXlMatrix(agent: Agent, device: string): Promise<XlOutcome[]> {
  await xl(agent, ['sh', '-c', `base64 -d < ${KERNEL}.b64 > ${KERNEL}`], {
    [`${KERNEL}.b64`]: smallestKernel().toString('base64'),
  });
  const info = await xl(agent, ['xl', 'info']);
  const { host, release = DEFAULT_RELEASE } = parseXlInfo(new SourceText('xl info', info.stdout));
  const outcomes: XlOutcome[] = [];
  for (const type of TYPES) {
    for (const passthrough of PASSTHROUGH) {
      for (const pci of [false, true]) {
        const config = [
          'name = "matrix"',
          `kernel = "${KERNEL}"`,
          `type = "${type}"`,
          'memory = 32',
          ...(passthrough === 'unset' ? [] : [`passthrough = "${passthrough}"`]),
          ...(pci ? [`pci = ["${device}"]`] : []),
          '',
        ].join('\n');
        if (pci) await xl(agent, ['xl', 'pci-assignable-add', device]);
        const predicted = predict(config, host, release);
        const real = await xl(agent, ['xl', 'create', '-p', '/run/matrix.cfg'], {
          '/run/matrix.cfg': config,
        });
        await cleanUp(agent);
        const agrees = real.code === predicted.code && real.stderr.includes(predicted.message);
        outcomes.push({ config, predicted, real: { code: real.code, stderr: real.stderr }, agrees });
      }
    }
  }
  await xl(agent, ['xl', 'pci-assignable-remove', device]);
  return outcomes;
}

function predict(text: string, host: Host, release: Release): XlOutcome['predicted'] {
  const { config, diagnostics } = loadDomainConfig(new SourceText('matrix.cfg', text), release);
  const isError = ({ severity }: { readonly severity: string }) => severity === 'error';
  const unread = diagnostics.find(isError);
  if (unread !== undefined) return { code: 1, message: unread.message };
  const refused = resolvePassthrough(config, host, release).diagnostics.find(isError);
  return refused === undefined ? { code: 0, message: '' } : { code: 6, message: refused.message };
}

/** What xl and libxl have noted of domains, and of devices that these have (which libxl then takes for in use). */
const CLEAN_STORE = `all=$(xenstore-ls -f /)
for d in $(echo "$all" | sed -n "s,^/local/domain/\\([1-9][0-9]*\\) =.*,\\1,p"); do
  xenstore-rm /local/domain/$d /vm /libxl/$d
done
for node in $(echo "$all" | sed -n "s,^\\(/libxl/pci/[^ ]*/domid\\) =.*,\\1,p"); do xenstore-rm $node; done
xenstore-rm /local/domain/0/backend`;

/** Removes the domain as fast as it goes: `xl destroy` waits ten seconds for a frontend that nobody runs. */
async function cleanUp(agent: Agent): Promise<void> {
  await agent.perform([{ call: 'reset' }]);
  await xl(agent, ['sh', '-c', CLEAN_STORE]);
}

async function xl(
  agent: Agent,
  argv: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<ExecResult> {
  const [result] = await agent.perform([{ call: 'exec', argv, files, timeoutSeconds: 60 }]);
  return result;
}
