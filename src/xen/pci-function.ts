import type { Xen } from './state.js';

/** One function that Xen switches: a device's own, or one of its phantom functions, whose requests are the device's too. */
export interface PciFunction {
  readonly device: number;
  readonly requester: number;
  readonly isPhantom: boolean;
}

/** The device's own function. */
export function realFunction(xen: Xen, device: number): PciFunction {
  return { device, requester: xen.spec.devices[device]!.requester, isPhantom: false };
}

/** A function number that the stride reaches is none if a real function has it (444b555dc9e5). */
function isPhantomOf(xen: Xen, device: number, requester: number): boolean {
  if (xen.profile.phantomFunctions === 'by-stride') return true;
  return !xen.spec.devices.some((other, index) => index !== device && other.requester === requester);
}

/**
 * Its phantom functions: every `phantomStride`-th function number after its own that is still of the same slot (dossier
 * §6.1 #14).
 */
export function phantomFunctions(xen: Xen, device: number): readonly PciFunction[] {
  const { requester, phantomStride: stride = 0 } = xen.spec.devices[device]!;
  const phantoms: PciFunction[] = [];
  for (let next = requester + stride; stride > 0 && next >> 3 === requester >> 3; next += stride) {
    if (isPhantomOf(xen, device, next)) phantoms.push({ device, requester: next, isPhantom: true });
  }
  return phantoms;
}
