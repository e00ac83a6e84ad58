import { existsSync } from 'node:fs';
import {
  type ConformHooks,
  type ConformPlan,
  type ConformReport,
  conformHere,
} from '../conform/conformance.js';
import { sbdfText } from '../formats/requester.js';
import { requireDom0, startLocalAgent } from '../lab/local-agent.js';
import { parseSbdf } from '../xen/machine.js';
import { EXIT, type ExitCode, type Io } from './io.js';
import { usageError } from './options.js';

interface HereOptions {
  readonly device?: readonly string[];
  readonly json?: boolean;
}

/** Says what would be done to this host, and does nothing. */
export function describeHere(plan: ConformPlan, { device = [], json }: HereOptions, io: Io): ExitCode {
  requireDom0();
  const devices = devicesOf(device).map(sbdfText);
  const wouldRun = {
    programs: plan.programs.length,
    random: plan.randomPrograms,
    length: plan.length,
    devices,
  };
  if (json === true) {
    io.out(JSON.stringify({ wouldRun, done: false }, null, 2));
    return EXIT.ok;
  }
  io.out('On this host, with --yes:');
  io.out(
    `  - up to ${wouldRun.programs} programs, and ${wouldRun.random} random ones of ${wouldRun.length} operations`,
  );
  io.out(
    '  - each makes up to a few PV domains of at most 64 pages, which never run a kernel, and destroys them',
  );
  io.out('  - dom0 maps their pages, and they grant pages to dom0 and to each other');
  if (devices.length === 0)
    io.out('  - no device is touched: programs that need one are left out (--device)');
  for (const name of devices)
    io.out(`  - ${name} is taken from dom0 again and again: its driver there must not use it`);
  io.out('  - other domains are left alone; a mistake in Xen can take the host down all the same');
  io.out('Nothing has been done. --yes does it.');
  return EXIT.ok;
}

/** Holds this host's Xen against the model. @throws LabError where this is no dom0 */
export async function runHere(
  plan: ConformPlan,
  { device = [] }: HereOptions,
  hooks: ConformHooks,
): Promise<ConformReport> {
  requireDom0();
  const devices = devicesOf(device);
  const agent = await startLocalAgent();
  try {
    return await conformHere(plan, agent, devices, hooks);
  } finally {
    await agent.close();
  }
}

/** @throws InputError for what is no PCI address, or no device of this host. */
function devicesOf(texts: readonly string[]): number[] {
  return texts.map((text) => {
    const requester = parseSbdf(text);
    if (requester === undefined)
      throw usageError('--device', `\`${text}\` is no PCI address; expected one such as 0000:03:00.0`);
    if (!existsSync(`/sys/bus/pci/devices/${sbdfText(requester)}`))
      throw usageError('--device', `this host has no device ${sbdfText(requester)}`);
    return requester;
  });
}
