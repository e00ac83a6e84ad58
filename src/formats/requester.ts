/** A requester id (bus << 8 | devfn) as people write it, `ssss:bb:dd.f`. (PCI Express 6.0 §2.2.6.2) */
export function sbdfText(requester: number, segment = 0): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const [bus, device, fn] = [(requester >>> 8) & 0xff, (requester >>> 3) & 31, requester & 7];
  return `${hex(segment, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${fn}`;
}
