import { describe, expect, it } from 'vitest';
import { clauseOf } from './clause.js';

describe('the clause that a violation breaks', () => {
  const message = (device: string, domain: string, frame: string, how: string) =>
    `${device} of ${domain} can write frame ${frame} (owned by ${domain}, type l1, type count 1) ${how}`;
  const nic = message('nic (0000:03:00.0)', 'd1', '0x101', 'through its tables');

  it('is the same whatever it happens to', () => {
    const disk = message('disk (0000:04:1f.7)', 'd2', '0x2af', 'through its tables');
    const tree = message('eth (/soc/eth@1000)', 'd12', '0x5', 'through its tables');
    expect(new Set([nic, disk, tree].map(clauseOf)).size).toBe(1);
  });

  it('is another where it happens otherwise', () => {
    expect(clauseOf(nic)).not.toBe(
      clauseOf(message('nic (0000:03:00.0)', 'd1', '0x101', 'through the IOTLB')),
    );
    expect(clauseOf(nic)).not.toBe(clauseOf(nic.replace('type l1', 'type l4').replace('l4', 'writable')));
  });
});
