import { describe, readField } from '../formats/layout.js';
import { VTD_CAPABILITIES, VTD_EXTENDED_CAPABILITIES, wordsOf64 } from '../formats/vtd-registers.js';

/** Capability registers in words, by the names of the manual. */
export interface CapabilitiesInWords {
  /** Bits of a device's address that the unit translates: MGAW. */
  readonly widthBits: number;
  /** Levels of second-level tables that it walks, as in `3, 4`: SAGAW. */
  readonly levels: string;
  readonly domainIds: number;
  /** `2 MiB, 1 GiB`, or `none`. */
  readonly superpages: string;
  /** Everything that is set, as the layouts name it. */
  readonly capabilities: string;
  readonly extended: string;
  /** Features by the names of the facts. */
  readonly features: Readonly<Record<string, boolean>>;
}

/** Reads what Xen and Linux print as `cap` and `ecap`. (Intel VT-d spec 5.10 §11.4.2, §11.4.3) */
export function vtdCapabilities(cap: bigint, ecap: bigint): CapabilitiesInWords {
  const caps = wordsOf64(cap);
  const extended = wordsOf64(ecap);
  const of = (name: string): number => {
    const field = VTD_CAPABILITIES.fields.find((one) => one.name === name);
    return field === undefined ? 0 : readField(field, caps);
  };
  const more = (name: string): boolean => {
    const field = VTD_EXTENDED_CAPABILITIES.fields.find((one) => one.name === name);
    return field !== undefined && readField(field, extended) !== 0;
  };
  const sagaw = of('SAGAW');
  const superpages = of('SSLPS');
  const levels = [1, 2, 3].filter((bit) => (sagaw & (1 << bit)) !== 0).map((bit) => bit + 2);
  return {
    widthBits: of('MGAW') + 1,
    levels: levels.length === 0 ? 'none' : levels.join(', '),
    domainIds: 2 ** (4 + 2 * of('ND')),
    superpages: ['2 MiB', '1 GiB'].filter((_, bit) => (superpages & (1 << bit)) !== 0).join(', ') || 'none',
    capabilities: describe(VTD_CAPABILITIES, caps),
    extended: describe(VTD_EXTENDED_CAPABILITIES, extended),
    features: {
      'queued-invalidation-capable': more('QI'),
      'interrupt-remapping-capable': more('IR'),
      'pass-through-capable': more('PT'),
      'device-tlbs-capable': more('DT'),
      'scalable-mode-capable': more('SMTS'),
      'caching-mode': of('CM') !== 0,
    },
  };
}
