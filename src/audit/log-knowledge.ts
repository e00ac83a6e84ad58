import { R, W } from '../formats/address.js';
import { explainText } from '../logs/explain.js';
import type { LogFacts } from '../logs/facts.js';
import { XEN_IMAGE_BASE } from '../logs/forms/xen-boot-facts.js';
import type { SourceText } from '../text/source.js';
import type { NamedBytes, ReservedRegion } from './findings/finding.js';
import { type RootFacts, rootFacts } from './root-facts.js';

/** What the log of a machine tells an audit of its memory. */
export interface LogKnowledge {
  readonly roots: RootFacts;
  readonly hypervisor: readonly NamedBytes[];
  readonly reserved: readonly ReservedRegion[];
}

/** Reads a log of Xen or Linux: roots that fault dumps betray, where Xen lies, which regions firmware reserves. */
export function knowledgeOfLog(log: SourceText): LogKnowledge {
  const { facts } = explainText(log.text, log.name).world;
  return {
    roots: rootFacts(log.text.split(/\r?\n/), facts.devices.keys()),
    hypervisor: hypervisorOf(facts),
    reserved: facts.reservedRegions.flatMap(({ start, end, what, devices }) =>
      devices.length === 0
        ? []
        : {
            name: what === '' ? 'reserved region' : what,
            start: Number(start),
            end: Number(end),
            devices,
            rights: R | W,
          },
    ),
  };
}

const MIB = 2 ** 20;

/**
 * The beginning of Xen's text. The log tells where the image lies; its text begins 2 MiB behind that (XEN_IMG_OFFSET of
 * x86) and is longer than 1 MiB in every release. Where the image ends, the log does not tell.
 */
function hypervisorOf(facts: LogFacts): NamedBytes[] {
  const base = Number(facts.other.get(XEN_IMAGE_BASE)?.value ?? 0);
  return base === 0 ? [] : [{ name: 'Xen’s text', start: base + 2 * MIB, end: base + 3 * MIB }];
}
