import { DOMAININFO, DOMCTL, DOMCTL_BODY, DOMCTL_HEADER, DOMINF_SHUTDOWN } from './abi/domctl.js';
import { DOMID, ERESTART, EXTRAVERSION_BYTES, HYPERCALL, SCHEDOP, XENVER } from './abi/hypercalls.js';
import { candidateAbis, knownReleases, type ReleaseAbi } from './abi/releases.js';
import { type FieldValues, readField, type Structure } from './abi/structure.js';
import { SYSCTL_BODY, SYSCTL_HEADER } from './abi/sysctl.js';
import { ArgumentArea, type Caller, type Written } from './caller.js';
import type { Argument, Native } from './native.js';

const ARGUMENT_PAGES = 32;
const EACCES = 13;

/** Answer to a control operation: Xen's, how often it had to be repeated, and what Xen wrote into its structure. */
export interface Controlled<Field extends string> {
  readonly rc: number;
  readonly steps: number;
  readonly body: Written<Field>;
}

/** dom0 as an issuer of hypercalls, with the control operations that only it may use. */
export class Dom0 implements Caller {
  readonly native: Native;
  readonly area: ArgumentArea;
  readonly version: { readonly major: number; readonly minor: number; readonly extra: string };
  readonly abi: ReleaseAbi;

  /** @throws Error when no known interface is this Xen's. */
  constructor(native: Native) {
    this.native = native;
    const { address, bytes } = native.hypercallPages(ARGUMENT_PAGES);
    this.area = new ArgumentArea(address, new DataView(bytes));
    this.version = this.askVersion();
    this.abi = this.findAbi();
  }

  hypercall(
    op: number,
    a: Argument = 0,
    b: Argument = 0,
    c: Argument = 0,
    d: Argument = 0,
    e: Argument = 0,
  ): number {
    return this.native.hypercall(op, a, b, c, d, e);
  }

  /** Lets others run. */
  yield(): void {
    this.hypercall(HYPERCALL.sched_op, SCHEDOP.yield, 0);
  }

  /** Issues a domctl, again as long as Xen wants that. */
  domctl<Field extends string = never>(
    cmd: number,
    domain: number,
    structure?: Structure<Field>,
    values = {} as FieldValues<Field>,
    abi = this.abi,
  ): Controlled<Field> & { readonly header: Written<'cmd' | 'interface_version' | 'domain'> } {
    const at = this.area.reserve(DOMCTL_HEADER.size);
    const header = this.area.place(at, DOMCTL_HEADER, { cmd, interface_version: abi.domctl, domain });
    const body = this.area.place(at + DOMCTL_BODY, structure ?? EMPTY, values) as Written<Field>;
    for (let steps = 0; ; steps++) {
      const rc = this.hypercall(HYPERCALL.domctl, header.address);
      if (rc !== -ERESTART) return { rc, steps, body, header };
    }
  }

  sysctl<Field extends string>(
    cmd: number,
    structure: Structure<Field>,
    values: FieldValues<Field>,
  ): Controlled<Field> {
    const at = this.area.reserve(SYSCTL_HEADER.size);
    const { address } = this.area.place(at, SYSCTL_HEADER, { cmd, interface_version: this.abi.sysctl });
    const body = this.area.place(at + SYSCTL_BODY, structure, values);
    return { rc: this.hypercall(HYPERCALL.sysctl, address), steps: 0, body };
  }

  /** Pages that a domain has, and may have, and the frame of its shared_info; undefined when there is none of that id. */
  reservation(
    domid: number,
  ): { readonly pages: number; readonly limit: number; readonly sharedInfo: number } | undefined {
    const { rc, header } = this.domctl(DOMCTL.getdomaininfo, domid);
    if (rc < 0) return undefined;
    const at = header.address - this.area.address + DOMCTL_BODY;
    if (readField(this.area.view, at, DOMAININFO, 'domain') !== domid) return undefined;
    return {
      pages: readField(this.area.view, at, DOMAININFO, 'tot_pages'),
      limit: readField(this.area.view, at, DOMAININFO, 'max_pages'),
      sharedInfo: readField(this.area.view, at, DOMAININFO, 'shared_info_frame'),
    };
  }

  /** Whether a domain has shut down or was crashed by Xen: its vCPUs run no more. */
  hasShutDown(domid: number): boolean {
    const { rc, header } = this.domctl(DOMCTL.getdomaininfo, domid);
    const at = header.address - this.area.address + DOMCTL_BODY;
    return rc >= 0 && (readField(this.area.view, at, DOMAININFO, 'flags') & DOMINF_SHUTDOWN) !== 0;
  }

  private askVersion(): Dom0['version'] {
    const version = this.hypercall(HYPERCALL.xen_version, XENVER.version, 0);
    if (version < 0)
      throw new Error(`Xen does not say its version (errno ${-version}); is this a Xen domain?`);
    const text = this.area.address + this.area.reserve(EXTRAVERSION_BYTES);
    this.hypercall(HYPERCALL.xen_version, XENVER.extraversion, text);
    const extra = this.area.readText(text, EXTRAVERSION_BYTES);
    return { major: version >>> 16, minor: version & 0xffff, extra };
  }

  /** Xen refuses another version's domctl with -EACCES. */
  private findAbi(): ReleaseAbi {
    const { major, minor, extra } = this.version;
    for (const abi of candidateAbis(major, minor)) {
      this.area.clear();
      const { rc } = this.domctl(DOMCTL.getdomaininfo, 0, undefined, {}, abi);
      if (rc >= 0) return abi;
      if (rc !== -EACCES) throw new Error(`Xen refuses control operations (errno ${-rc}); is this dom0?`);
    }
    throw new Error(
      `Xen ${major}.${minor}${extra} has a control interface that the agent does not know; it knows ${knownReleases()}`,
    );
  }
}

const EMPTY: Structure = { size: DOMCTL_HEADER.size - DOMCTL_BODY, fields: {} };

export const isDom0 = (domid: number): boolean => domid === 0 || domid === DOMID.self;
