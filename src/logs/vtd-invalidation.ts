import { sbdfText } from '../formats/requester.js';

/** An invalidation descriptor, by what it asks for. */
export interface InvalidationInWords {
  /** The manual's name. */
  readonly name: string;
  /** The device whose TLB is meant, where it is one of a device. */
  readonly device: string | null;
  /** The domain id, where it has one. */
  readonly domainId: number | null;
}

/** Types of descriptors (bits 0 to 3, and 9 to 11 above them) with what they name. (Intel VT-d spec 5.10 §6.5.2) */
const TYPES: Readonly<Record<number, readonly [name: string, names?: 'device' | 'domain']>> = {
  1: ['context-cache invalidation', 'domain'],
  2: ['IOTLB invalidation', 'domain'],
  3: ['device-TLB invalidation', 'device'],
  4: ['interrupt entry cache invalidation'],
  5: ['invalidation wait'],
  6: ['PASID-based IOTLB invalidation', 'domain'],
  7: ['PASID-cache invalidation', 'domain'],
  8: ['PASID-based device-TLB invalidation', 'device'],
  9: ['page group response'],
};

/**
 * Reads the first 64 bits of an invalidation descriptor. A device-TLB invalidation has the device's requester id in bits 32
 * to 47, a PASID-based one in bits 16 to 31.
 */
export function invalidationInWords(qw0: bigint): InvalidationInWords {
  const type = Number((qw0 & 0xfn) | ((qw0 >> 5n) & 0x70n));
  const [name, names] = TYPES[type] ?? [`descriptor of type ${type}, which is none`];
  const requester = type === 3 ? (qw0 >> 32n) & 0xffffn : (qw0 >> 16n) & 0xffffn;
  return {
    name,
    device: names === 'device' ? sbdfText(Number(requester)) : null,
    domainId: names === 'domain' ? Number((qw0 >> 16n) & 0xffffn) : null,
  };
}
