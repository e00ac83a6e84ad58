import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Explorer } from './explorer.js';
import type { LastAccess } from './last-access.js';
import type { AccessPath } from './path/access-path.js';
import type { PathBox } from './path/box.js';

const open = (text: string, edition?: string) =>
  new Explorer({ name: 't.dommu', text, configs: {}, ...(edition !== undefined && { edition }) });
const example = (name: string, edition?: string) =>
  open(
    readFileSync(fileURLToPath(new URL(`../../examples/${name}.dommu`, import.meta.url)), 'utf8'),
    edition,
  );

const last = (explorer: Explorer, step: number, when: 'then' | 'now' = 'then'): LastAccess =>
  explorer.answer(step, 'lastAccess', { when })!;
const titles = (boxes: readonly PathBox[]): string[] => boxes.map(({ title, which }) => `${title} ${which}`);
const box = ({ boxes, tables }: AccessPath, title: string): PathBox =>
  [...boxes, ...(tables?.boxes ?? [])].find((one) => one.title === title)!;
const field = (from: PathBox, name: string) => from.fields.find((one) => one.name === name)!;
const decided = (from: PathBox): string[] =>
  from.fields.filter(({ decides }) => decides).map(({ name }) => name);
/** The words of the store that hold a 64-bit entry of RAM. */
const wordsAt = (explorer: Explorer, pa: number): number[] => {
  const { ram } = explorer.timeline.xen;
  const first = ram.wordsOf(ram.indexOf(Math.floor(pa / 4096))) + (pa % 4096) / 4;
  return [first, first + 1];
};

describe('the fault of the second founding bug', () => {
  it('shows on Xen 4.12 which entry is missing, and that it should be there', () => {
    const { step, path, log } = last(example('arm-grant-fault', '4.12'), 5);
    expect([step, path.access]).toEqual([5, 'eth0 (stream 0x877) reads 0x8424cb148']);
    // 0x8424cb148 >> 30 is 0x21.
    expect(titles(path.boxes)).toEqual([
      'eth0 stream 0x877',
      'stream mapping register 0',
      'context bank 0',
      'level 1 [0x21]',
    ]);
    const missing = path.boxes.at(-1)!;
    expect([missing.state, missing.raw!.text, decided(missing)]).toEqual([
      'ended',
      `0x${'0'.repeat(16)}`,
      ['valid'],
    ]);
    expect(missing.chosenBy).toBe('bits 39–30 of the address');
    expect(path.rule).toEqual({
      fits: false,
      text: 'd0 holds a live grant handle (r-) for machine frame 0x8424cb, and its p2m has no entry at that address: the entry is missing.',
    });
    expect(path.faults.map(({ title, says }) => `${title}: ${says}`)).toEqual([
      'FSR of bank 0: translation, format AArch64',
      'FSYNR0 of bank 0: level 0x1, stage1 bank 0xb',
    ]);
    expect(log).toEqual(path.log);
    expect(log[0]).toContain('fsynr=0xb0001');
  });

  it('goes through three levels on 4.15, where the write is refused by the entry’s access bits', () => {
    const explorer = example('arm-grant-fault', '4.15');
    const read = last(explorer, 5).path;
    expect(titles(read.boxes).slice(3)).toEqual([
      'level 1 [0x21]',
      'level 2 [0x12]',
      'level 3 [0xcb]',
      'memory frame 0x8424cb',
    ]);
    expect([read.frame, read.rule.fits, read.boxes.at(-1)!.rights]).toEqual([0x84_24cb, true, 'r-']);
    const write = last(explorer, 6).path;
    const leaf = write.boxes.at(-1)!;
    expect([leaf.title, leaf.state, leaf.says, decided(leaf)]).toEqual([
      'level 3',
      'ended',
      'does not permit to write',
      ['access'],
    ]);
    expect([field(leaf, 'access').lo, field(leaf, 'access').hi, field(leaf, 'access').value.text]).toEqual([
      6,
      7,
      'read-only',
    ]);
    expect(write.rule.fits).toBe(true);
  });

  it('names the words of the store behind each bit, so that it can be asked who wrote it', () => {
    const explorer = example('arm-grant-fault', '4.15');
    const leaf = box(last(explorer, 6).path, 'level 3');
    const words = wordsAt(explorer, leaf.mfn! * 4096 + 0xcb * 8);
    expect(leaf.raw!.words).toEqual(words);
    expect(field(leaf, 'access').value).toMatchObject({ words: [words[0]], low: 6, width: 2 });
    expect(field(leaf, 'address').value).toMatchObject({ text: '0x8424cb', words, low: 12, width: 36 });
    expect(field(leaf, 'p2m type').value).toMatchObject({ words: [words[1]], low: 23, width: 4 });
  });

  it('tells of an access of earlier what its entries have become since', () => {
    const explorer = example('arm-grant-fault', '4.15');
    // Step 7 takes the mapping away; the last access is still that of step 6.
    const { step, path } = last(explorer, 7);
    expect(step).toBe(6);
    const leaf = box(path, 'level 3');
    expect([field(leaf, 'valid').value.text, field(leaf, 'valid').now]).toEqual(['1', '0']);
    const now = box(last(explorer, 7, 'now').path, 'level 3');
    expect([now.says, field(now, 'valid').value]).toEqual([
      'not present: nothing is mapped here',
      expect.objectContaining({ text: '0', was: '1' }),
    ]);
  });

  it('leaves the machine where it stands', () => {
    const explorer = example('arm-grant-fault', '4.15');
    explorer.answer(7, 'deviceNames', undefined as never);
    const { store } = explorer.timeline.xen;
    const words = store.words.slice();
    last(explorer, 7);
    explorer.answer(7, 'walk', { device: 0, address: 0x1000_000, write: false });
    expect([explorer.timeline.position, store.journalLength]).toEqual([7, 0]);
    expect(store.words.every((word, i) => word === words[i])).toBe(true);
  });
});

const VTD = `device nic 0000:03:00.0
createdomain guest iommu
populate_physmap guest P
update_va_mapping guest va=0 P rw
assign_device guest nic
dma nic write P+0x8
dma nic write P+0x8
update_va_mapping guest va=0
pin_l1_table guest P
dma nic write P+0x8
`;

describe('a path through a VT-d unit', () => {
  it('leads from the root table through the context table and four levels to the page', () => {
    const { path } = last(open(VTD), 5);
    expect(titles(path.boxes)).toEqual([
      'nic 0000:03:00.0',
      'VT-d unit',
      'root entry bus 03',
      'context entry 00.0',
      'L4 [0x0]',
      'L3 [0x0]',
      'L2 [0x0]',
      'L1 [0x104]',
      'memory frame 0x104',
    ]);
    const frames = path.boxes.map(({ mfn }) => mfn);
    // Each leads to the next.
    expect(field(box(path, 'root entry'), 'context table').value.text).toBe(`0x${frames[3]!.toString(16)}`);
    expect(field(box(path, 'context entry'), 'root').value.text).toBe(`0x${frames[4]!.toString(16)}`);
    expect(field(box(path, 'context entry'), 'did').value.text).toBe('1');
    expect(field(box(path, 'L2'), 'address').value.text).toBe(`0x${frames[7]!.toString(16)}`);
    expect([path.frame, path.rule.fits]).toEqual([0x104, true]);
    expect(path.tables).toBeUndefined();
  });

  it('ends in the IOTLB where that answers, and tells what the tables say', () => {
    const { path } = last(open(VTD), 6);
    expect(titles(path.boxes).slice(3)).toEqual([
      'context entry 00.0',
      expect.stringMatching(/^IOTLB entry/),
      'memory frame 0x104',
    ]);
    expect(field(box(path, 'IOTLB'), 'tag').value.text).toBe('1');
    expect([path.tables!.same, path.tables!.says]).toEqual([true, 'The tables in memory say the same.']);
    expect(titles(path.tables!.boxes)).toEqual(['L4 [0x0]', 'L3 [0x0]', 'L2 [0x0]', 'L1 [0x104]']);
  });

  it('decodes the fault record, and agrees with the rule where the page has become a page table', () => {
    const explorer = open(VTD);
    const { path, log } = last(explorer, 9);
    const leaf = path.boxes.at(-1)!;
    expect([leaf.title, leaf.state, decided(leaf)]).toEqual(['L3', 'ended', ['read', 'write']]);
    const [record] = path.faults;
    expect(record!.says).toContain('reason 0x5');
    expect(field(record!, 'page').value).toEqual({ text: '0x104' });
    expect(path.rule).toMatchObject({ fits: true });
    expect(log).toEqual(path.log);
  });

  it('ends at the root entry of a bus that has no context table', () => {
    const explorer = open(`device nic 0000:03:00.0\nram 0x100..0x1ff\n`, '4.22');
    const { vtd } = explorer.timeline.xen;
    const root = vtd!.rootTable * 4096 + 3 * 16;
    explorer.timeline.xen.ram.write32(root, 0);
    const path = explorer.answer(0, 'walk', { device: 0, address: 0x100000, write: false })!;
    const end = path.boxes.at(-1)!;
    expect([end.title, end.state, decided(end)]).toEqual(['root entry', 'ended', ['present']]);
    explorer.timeline.xen.ram.write32(root, 1 | 0x10);
    const reserved = explorer
      .answer(0, 'walk', { device: 0, address: 0x100000, write: false })!
      .boxes.at(-1)!;
    expect(decided(reserved)).toEqual(['reserved1']);
  });
});

describe('a path through an AMD-Vi unit', () => {
  it('leads from the device table through the levels that its entry says', () => {
    const { path } = last(example('amdvi-domid-reuse'), 4);
    expect(titles(path.boxes)).toEqual([
      'nic 0000:03:00.0',
      'AMD-Vi unit',
      'device entry 03:00.0',
      'L4 [0x0]',
      'L3 [0x0]',
      'L2 [0x0]',
      'L1 [0x101]',
      'memory frame 0x101',
    ]);
    const entry = box(path, 'device entry');
    expect([entry.bits, field(entry, 'mode').value.text, field(entry, 'did').value.text]).toEqual([
      256,
      '4',
      '1',
    ]);
    expect(entry.rights).toBe('rw');
  });

  it('decodes the event of an access that found nothing', () => {
    const { path } = last(example('amdvi-domid-reuse'), 10);
    expect(decided(path.boxes.at(-1)!)).toEqual(['present']);
    expect(path.faults[0]!.says).toContain('IO_PAGE_FAULT');
    expect(field(path.faults[0]!, 'write').value.text).toBe('1');
  });
});

describe('a path through an SMMUv3', () => {
  it('leads through both levels of the stream table to stage 2', () => {
    const { path } = last(example('smmuv3-vmid-reuse'), 5);
    expect(titles(path.boxes)).toEqual([
      'nic stream 0x877',
      'SMMUv3 unit',
      'stream L1 [0x8]',
      'stream entry 0x877',
      'level 1 [0x1]',
      'level 2 [0x0]',
      'level 3 [0x0]',
      'memory frame 0x104',
    ]);
    const entry = box(path, 'stream entry');
    expect([entry.bits, field(entry, 'config').value.text, field(entry, 't0sz').value.text]).toEqual([
      512,
      'stage 2',
      '24',
    ]);
  });

  it('ends at an entry that stops the stream, of which no event is recorded', () => {
    const { path } = last(example('smmuv3-vmid-reuse'), 7);
    const end = path.boxes.at(-1)!;
    expect([end.title, end.says, decided(end), path.faults, path.log]).toEqual([
      'stream entry',
      'stops the stream',
      ['config'],
      [],
      [],
    ]);
  });

  it('shows that a translation is remembered which the tables do not have: the access of another domain’s page', () => {
    const { path } = last(example('smmuv3-vmid-reuse'), 9);
    expect([path.frame, path.rule.fits, path.tables!.same]).toEqual([0x104, false, false]);
    expect(path.tables!.says).toContain('stale');
    expect(path.tables!.boxes.at(-1)!.state).toBe('ended');
  });
});

describe('an access that the reader thinks of', () => {
  const walk = (
    explorer: Explorer,
    step: number,
    args: { device: number; address: number; write: boolean },
  ) => explorer.answer(step, 'walk', args);

  it('is led through the machine as it stands, and nothing remembers it', () => {
    const explorer = open(VTD);
    const access = { device: 0, address: 0x104008, write: true };
    const early = walk(explorer, 3, access)!;
    expect(early.rule.text).toContain('dom0 is not strict');
    const path = walk(explorer, 4, access)!;
    expect([path.frame, path.tables, path.rule.fits]).toEqual([0x104, undefined, true]);
    expect(walk(explorer, 4, access)).toEqual(path);
  });

  it('is none of a device that there is not, nor at an address that is none', () => {
    const explorer = open(VTD);
    expect(explorer.answer(0, 'walk', undefined)).toBeUndefined();
    expect(walk(explorer, 0, { device: 7, address: 0, write: false })).toBeUndefined();
    expect(walk(explorer, 0, { device: 0, address: -4096, write: false })).toBeUndefined();
    expect(walk(explorer, 0, { device: 0, address: 2 ** 52, write: false })).toBeUndefined();
  });

  it('lies beyond what the tables cover where no level has a place for it', () => {
    const path = walk(example('arm-grant-fault', '4.15'), 5, { device: 0, address: 2 ** 40, write: false })!;
    expect(path.says).toBe('Refused: the address lies beyond what the tables cover.');
  });

  it('goes straight to memory where there is no IOMMU', () => {
    const explorer = open('iommu none\ndevice nic 0000:03:00.0\n');
    const path = walk(explorer, 0, { device: 0, address: 0x100008, write: true })!;
    expect(titles(path.boxes)).toEqual(['nic 0000:03:00.0', 'memory frame 0x100']);
    expect(path.frame).toBe(0x100);
  });
});
