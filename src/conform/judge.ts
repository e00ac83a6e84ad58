import type { Hello } from '../lab/agent/protocol.js';
import type { Agent, LabMachine } from '../lab/machine-api.js';
import type { MachineDeclaration } from '../program/program.js';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { parseXlInfo } from '../toolstack/host.js';
import { toolstackRelease } from '../toolstack/release.js';
import { parseXenCommandLine } from '../toolstack/xen-cmdline.js';
import { type Edition, resolveEdition } from '../xen/editions/edition.js';
import { RELEASES, releaseName } from '../xen/editions/release.js';
import type { Judge } from './lockstep.js';

/**
 * A booted lab as judge of programs.
 * @param reopen closes the lab and opens one like it, just booted.
 */
export function labJudge(
  first: LabMachine,
  edition: Edition = editionOf(first.agent.hello),
  reopen?: (old: LabMachine) => Promise<LabMachine>,
): Judge {
  let machine = first;
  const requesters = (kind: 'edu' | 'nic') =>
    machine.devices.filter((device) => device.kind === kind).map(({ sbdf }) => sbdf);
  return {
    get machine() {
      return machine;
    },
    edition,
    iommu: machine.iommu,
    dom0Mode: dom0ModeOf(machine, editionOf(machine.agent.hello)),
    edus: requesters('edu'),
    nics: requesters('nic'),
    // QEMU's processor has virtualisation where it is AMD's.
    hvm: machine.iommu === 'amdvi',
    stop: () => machine.stop(),
    cont: () => machine.cont(),
    ...(reopen === undefined
      ? {}
      : {
          renew: async () => {
            machine = await reopen(machine);
          },
        }),
  };
}

/** What becomes of dom0's devices on a machine whose Xen was booted with such a command line (dossier §2.7). */
export function dom0ModeOf(
  { xenArguments, iommu }: Pick<LabMachine, 'xenArguments' | 'iommu'>,
  edition: Edition,
): MachineDeclaration['dom0Mode'] {
  const release = toolstackRelease(edition);
  const { mode } = parseXenCommandLine(xenArguments, { release, arch: 'x86', vendor: iommu }).dom0Iommu;
  return mode === 'off' ? 'relaxed' : mode;
}

/**
 * The Xen that this host runs on, through an agent in its dom0: answers are compared, and nothing else can be looked at.
 * @param devices requester ids of devices that programs may take from dom0.
 * @param xlInfo what `xl info` says of the host; which IOMMU it has makes no difference to answers.
 */
export function hereJudge(
  agent: Agent,
  devices: readonly number[],
  xlInfo: string,
  edition: Edition = editionOf(agent.hello),
): Judge {
  const { host } = parseXlInfo(new SourceText('xl info', xlInfo));
  const iommu = host.directio ? 'vtd' : 'none';
  const xenArguments = /^xen_commandline\s*:\s*(.*)$/m.exec(xlInfo)?.[1] ?? '';
  return {
    machine: { agent },
    edition,
    iommu,
    dom0Mode: dom0ModeOf({ xenArguments, iommu }, editionOf(agent.hello)),
    edus: [],
    nics: devices,
    hvm: false,
  };
}

/** The version of a Xen as it calls itself: `4.17.5`, `4.20.2-pre`. */
export const xenVersion = ({ xen }: Hello): string => `${xen.major}.${xen.minor}${xen.extra}`;

/**
 * The edition that a running Xen should behave as: its point release, or the newest known of its series; for a tree under
 * development the release that it led to, or `staging` when that is not out yet.
 */
export function editionOf(hello: Hello): Edition {
  const { major, minor, extra } = hello.xen;
  const series = major === 4 ? RELEASES.filter((release) => release.minor === minor) : [];
  const point = Number(/^\.(\d+)/.exec(extra)?.[1] ?? 0);
  const release = series[Math.min(point, series.length - 1)];
  if (release !== undefined) return resolveEdition(releaseName(release));
  const isAhead = major === 4 && minor > RELEASES.at(-1)!.minor;
  if (isAhead && extra.includes('unstable')) return resolveEdition('staging');
  throw new InputError({
    severity: 'error',
    code: 'unknown-release',
    message: `the machine runs Xen ${xenVersion(hello)}, which the model does not know`,
    file: '--edition',
    line: 1,
    column: 1,
    hint: 'say with --edition which release it should behave as',
  });
}
