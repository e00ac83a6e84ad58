import { domainOf } from '../domids.js';

/** Who says a message, as Xen and libxl print it before the message itself. */
export interface Speaker {
  /** Xen: the domain whose vCPU ran; libxl: the domain it worked for. */
  readonly domain: number | null;
  /** The function, where libxl names it. */
  readonly by: string | null;
}

/** How much of what stands before is looked at: prefixes are short, and lines may be long. */
const LOOK_AT = 256;

const XEN = /(?:^|[\s:])(d(?:(?:om)?\d{1,5}|\[\w{1,8}\])(?:v(?:\d{1,4}|\?))?)[:\s]{1,4}$/;
/** The vCPU, where the message begins with words that differ and are no part of the template. */
const XEN_VCPU = /(?:^|[\s:])(d(?:\d{1,5}|\[\w{1,8}\])(?:v\d{1,4})?) (?:[\w().:-]{1,16} ){1,3}$/;
const LIBXL_DOMAIN = /\bDomain (\d{1,5}):.{0,64}$/;
/** What a mail has left of it on the next line. */
const LIBXL_WRAPPED = /^(\d{1,5}):$/;
const LIBXL_FUNCTION = /\blibxl[\w.-]{0,40}:\d{1,6}:(\w{1,80}):.{0,96}$/;

/**
 * Reads `d1v0 ` (gprintk), `arch/x86/mm.c:662:d1v0 ` (gdprintk of debug builds), `d[IO]: ` (%pd) and
 * `libxl_pci.c:1658:libxl__device_pci_add: Domain 1:`.
 */
export function speakerOf(before: string): Speaker {
  const near = before.slice(-LOOK_AT);
  const domain =
    XEN.exec(near)?.[1]?.replace('v?', '') ??
    XEN_VCPU.exec(near)?.[1] ??
    LIBXL_DOMAIN.exec(near)?.[1] ??
    LIBXL_WRAPPED.exec(before)?.[1];
  return { domain: domainOf(domain), by: LIBXL_FUNCTION.exec(near)?.[1] ?? null };
}
