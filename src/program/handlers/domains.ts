import { type BootDomain, IGNORED, makeBootDomain, PANIC } from '../../xen/boot-domain.js';
import { TOOLSTACK } from '../../xen/calls/steps.js';
import { CDF, type CreateFlag, createDomain, setAddressSize } from '../../xen/domain.js';
import { beginDestroyDomain, destroyDomain } from '../../xen/domain-death.js';
import { setMaxPages } from '../../xen/memory.js';
import type { Xen } from '../../xen/state.js';
import type { Arguments } from '../arguments.js';
import type { Names } from '../names.js';
import { beginHandler } from './calls.js';
import { errno, type Handlers, type Outcome } from './handler.js';

/** The flags that a createdomain statement asks for. */
export function createFlags(xen: Xen, args: Arguments): number {
  const arm = xen.spec.arch === 'arm';
  let flags = args.number('raw_flags', 0) | (arm ? CDF.hvm | CDF.hap : 0);
  for (const flag of Object.keys(CDF) as CreateFlag[]) if (args.flag(flag)) flags |= CDF[flag];
  return flags;
}

function create(xen: Xen, args: Arguments, names: Names): Outcome {
  const slot = createDomain(xen, args.number('domid', -1), {
    flags: createFlags(xen, args),
    iommuOpts: args.number('iommu_opts', 0),
    maxVcpus: args.number('max_vcpus', 1),
    maxPages: args.number('max_pages', 64),
    directMapped: false,
    maxGrantVersion: args.has('max_grant_version') ? args.number('max_grant_version', 0) : undefined,
  });
  if (slot >= 0) {
    // The newest name of a domid comes last.
    names.domains.delete(args.text('domain'));
    names.domains.set(args.text('domain'), slot);
  }
  return errno(slot);
}

function bootDomain(xen: Xen, args: Arguments, names: Names): Outcome {
  if (xen.spec.arch === 'x86') return { status: 'ignored' };
  const passthrough = args.has('passthrough') ? args.text('passthrough') : undefined;
  const slot = makeBootDomain(xen, {
    passthrough: passthrough as BootDomain['passthrough'],
    module: args.flag('module'),
    staticMemory: args.number('static_mem', -1),
    directMap: args.flag('direct_map'),
    hardware: args.flag('hardware'),
    pages: args.number('pages', 4),
    device: args.device(),
    force: args.flag('force'),
  });
  if (slot === PANIC) return { status: 'panic' };
  if (slot === IGNORED) return { status: 'ignored' };
  names.domains.delete(args.text('domain'));
  names.domains.set(args.text('domain'), slot);
  return { status: 'ok' };
}

/** Domains. */
export const DOMAIN_HANDLERS: Handlers = {
  createdomain: create,
  boot_domain: bootDomain,
  destroydomain: (xen, args) => errno(destroyDomain(xen, TOOLSTACK, args.domain())),
  'begin destroydomain': beginHandler((xen, args, _names, call) =>
    beginDestroyDomain(xen, call, args.domain()),
  ),
  set_address_size: (xen, args) => errno(setAddressSize(xen, args.domain(), args.number('bits', 64))),
  max_mem: (xen, args) => errno(setMaxPages(xen, args.domain(), args.number('pages', 0))),
};
