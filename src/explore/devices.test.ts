import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { rightsText } from '../formats/address.js';
import { reachOf } from '../program/timeline/reach.js';
import { inputFrames } from '../xen/rule.js';
import { Explorer } from './explorer.js';
import { reachRuns } from './reach/reach-runs.js';

const open = (text: string, edition?: string) =>
  new Explorer({ name: 't.dommu', text, configs: {}, ...(edition !== undefined && { edition }) });
const example = (name: string, edition?: string) =>
  open(
    readFileSync(fileURLToPath(new URL(`../../examples/${name}.dommu`, import.meta.url)), 'utf8'),
    edition,
  );
const ask = (explorer: Explorer, step: number, args = {}) =>
  explorer.answer(step, 'devices', { device: 0, place: 0, from: 0, count: 20, ...args });

describe('what devices reach', () => {
  it('is told in ranges of what is alike: pages of dom0 and, while it is granted, a guest’s', () => {
    const explorer = example('arm-grant-fault', '4.15');
    const { devices, reach } = ask(explorer, 5);
    const [eth0] = devices;
    expect([eth0!.name, eth0!.owner.text, eth0!.unit]).toEqual(['eth0', 'd0', 'SMMU']);
    expect(eth0!.requesters).toEqual([
      {
        id: 0x877,
        text: 'stream 0x877',
        role: 'stream',
        tag: 1,
        kind: 'ranges',
        why: '',
        pages: 6,
        forbidden: 0,
      },
    ]);
    const brief = reach!.runs.map(({ input, frame, count, rights, owner }) => [
      input,
      frame,
      count,
      rights,
      owner,
    ]);
    expect(brief).toEqual([
      [0x1000, 0x1000, 4, 'rw', 'd0'],
      [0x2000, 0x84_24cb, 1, 'r-', 'd1'],
      [0x84_24cb, 0x84_24cb, 1, 'r-', 'd1'],
    ]);
    expect(ask(explorer, 8).reach!.runs.length).toBe(1);
    // The window is a part of them.
    const second = ask(explorer, 5, { from: 1, count: 1 }).reach!;
    expect([second.total, second.runs.map(({ input }) => input)]).toEqual([3, [0x2000]]);
  });

  it.each([
    ['arm-grant-fault', '4.12'],
    ['arm-grant-fault', '4.15'],
    ['amdvi-domid-reuse', '4.22'],
    ['smmuv3-vmid-reuse', '4.22'],
    ['quarantine-life', '4.13'],
    ['quarantine-life', '4.22'],
    ['death-window', '4.22'],
    ['grant-multiplicity', '4.22'],
  ])('is what the units themselves say of every frame, after every step: %s on %s', (name, edition) => {
    const explorer = example(name, edition);
    const { timeline } = explorer;
    for (let step = 0; step <= timeline.length; step++) {
      timeline.seek(step);
      const { xen } = timeline;
      const inputs = new Set(inputFrames(xen, xen.spec.limits.gfns));
      for (let device = 0; device < xen.spec.devices.length; device++) {
        for (const { requester, frames } of reachOf(xen, device)) {
          const { kind, runs } = reachRuns(xen, device, requester);
          if (kind === 'everything') {
            expect(frames === 'everything' || frames.every(({ input, frame }) => input === frame)).toBe(true);
            continue;
          }
          const said = runs.flatMap(({ input, frame, count, oneFrame, rights, like }) =>
            like === undefined && count <= 1 << 16
              ? Array.from(
                  { length: count },
                  (_, i) => `${input + i} ${oneFrame ? frame : frame + i} ${rights}`,
                )
              : [],
          );
          if (runs.some(({ like }) => like !== undefined)) continue;
          expect(said.filter((one) => inputs.has(Number(one.split(' ')[0])))).toEqual(
            (frames as Exclude<typeof frames, string>).map(
              ({ input, frame, rights }) => `${input} ${frame} ${rightsText(rights)}`,
            ),
          );
        }
      }
    }
  });

  it('is marked where the rule does not permit it, with the ground', () => {
    const explorer = open(`device nic 0000:03:00.0
createdomain guest iommu
createdomain other
populate_physmap guest P
populate_physmap other Q
update_va_mapping guest va=0 P rw
assign_device guest nic
`);
    expect(ask(explorer, 6).devices[0]!.requesters[0]).toMatchObject({ pages: 1, forbidden: 0 });
    const { xen, names } = explorer.timeline;
    const path = explorer.answer(6, 'walk', {
      device: 0,
      address: names.pages.get('P')! * 4096,
      write: false,
    })!;
    const leaf = path.boxes.findLast(({ kind }) => kind === 'entry')!;
    const at = leaf.mfn! * 4096 + leaf.addressBits!.index * 8;
    const stranger = names.pages.get('Q')!;
    xen.ram.write32(at, (xen.ram.read32(at) & 0xfff) | (stranger << 12));
    const { devices, reach } = ask(explorer, 6);
    expect(devices[0]!.requesters[0]!.forbidden).toBe(1);
    expect(reach!.runs[0]).toMatchObject({ frame: stranger, owner: 'd2' });
    expect(reach!.runs[0]!.forbidden).toMatch(/^rw: /);
  });

  it('is everything without an IOMMU, and nothing for a device in quarantine', () => {
    const bare = ask(open('iommu none\ndevice nic 0000:03:00.0\n'), 0);
    expect([bare.devices[0]!.unit, bare.reach!.kind, bare.units]).toEqual([undefined, 'everything', []]);
    const { devices, reach } = ask(example('quarantine-life'), 8);
    expect([devices[0]!.owner.text, reach!.kind]).toEqual(['d[IO]', 'nothing']);
    expect(devices[0]!.notes.map(({ name }) => name)).toContain('quarantine');
  });

  it('is told of phantom functions as well', () => {
    const explorer = open(
      'device nic 0000:03:00.0 phantom=4\ncreatedomain guest iommu\nassign_device guest nic\n',
    );
    const { requesters } = ask(explorer, 2).devices[0]!;
    expect(requesters.map(({ text, role }) => [text, role])).toEqual([
      ['0000:03:00.0', 'own'],
      ['0000:03:00.4', 'phantom'],
    ]);
    expect(ask(explorer, 2, { place: 1 }).reach!.text).toBe('0000:03:00.4');
  });

  it('is a single row for a table of which every entry leads to one page', () => {
    const explorer = open(
      `iommu vtd scratch-page
device nic 0000:03:00.0
createdomain guest iommu
assign_device guest nic
deassign_device guest nic
`,
    );
    const { runs } = ask(explorer, 3, { count: 2000 }).reach!;
    expect(runs[0]).toMatchObject({ input: 0, count: 512, oneFrame: true, rights: 'rw' });
    // All other tables are the same one again.
    expect(runs.slice(1).every(({ like }) => like === 0)).toBe(true);
  });
});

describe('what IOMMUs remember', () => {
  it('is held against the tables: the same after the access, stale once another domain’s tables are behind the tag', () => {
    const explorer = example('smmuv3-vmid-reuse');
    const [entry] = ask(explorer, 5).units[0]!.iotlb;
    expect([entry!.input.text, entry!.mfn, entry!.owner, entry!.user, entry!.freshness]).toEqual([
      '0x40000',
      0x104,
      'd1',
      'nic (stream 0x877)',
      'same',
    ]);
    expect(entry!.frame).toMatchObject({ text: '0x104', was: '0x0' });
    expect(ask(explorer, 7).units[0]!.iotlb[0]!.freshness).toBe('unused');
    expect(ask(explorer, 9).units[0]!.iotlb[0]).toMatchObject({
      freshness: 'stale',
      says: 'the tables do not map 0x40000 any more',
    });
  });

  it('is in contexts as well, and writes that have not arrived are told with what memory holds', () => {
    const explorer = open(`unit dmar0 write-buffer
limits context_cache=4
device nic 0000:03:00.0
createdomain guest iommu
populate_physmap guest P
assign_device guest nic
update_va_mapping guest va=0 P rw
dma nic write P
`);
    const { contexts, delayed } = ask(explorer, 5).units[0]!;
    expect(contexts!.map(({ requester, freshness }) => [requester.text, freshness])).toEqual([
      ['0000:03:00.0', 'same'],
    ]);
    expect(delayed).toEqual([]);

    // The page's entry is cleared, and the unit has not seen it.
    const { xen, names } = explorer.timeline;
    const walk = () =>
      explorer.answer(5, 'walk', { device: 0, address: names.pages.get('P')! * 4096 + 8, write: false })!;
    xen.vtd!.invalidateDomain(1);
    const leaf = walk().boxes.findLast(({ kind }) => kind === 'entry')!;
    const at = leaf.mfn! * 4096 + leaf.addressBits!.index * 8;
    xen.writeTableEntry(at, 0, 0, false);
    const zeros = `0x${'0'.repeat(16)}`;
    const [row] = ask(explorer, 5).units[0]!.delayed!;
    expect([row!.mfn, row!.offset, row!.sees.text, row!.holds.text]).toEqual([
      leaf.mfn,
      leaf.addressBits!.index * 8,
      leaf.raw!.text,
      zeros,
    ]);
    const still = walk().boxes.findLast(({ kind }) => kind === 'entry')!;
    expect([still.state, still.raw!.text, still.unseen]).toEqual(['passed', leaf.raw!.text, zeros]);
    // It is the unit's words that can be asked about, not those of memory.
    expect(still.raw!.words).not.toEqual(leaf.raw!.words);
  });

  it('answers instead of root and context table, which may say something else by now', () => {
    const explorer = open(`limits context_cache=4
device nic 0000:03:00.0
createdomain guest iommu
populate_physmap guest P
assign_device guest nic
update_va_mapping guest va=0 P rw
dma nic write P
`);
    const { xen, names } = explorer.timeline;
    explorer.answer(5, 'deviceNames', undefined as never);
    xen.vtd!.clearContext(0x300);
    const { contexts, iotlb } = ask(explorer, 5).units[0]!;
    expect(contexts![0]).toMatchObject({ freshness: 'stale', says: 'the tables have no context for it now' });
    expect([iotlb[0]!.user, iotlb[0]!.freshness]).toEqual(['nic (0000:03:00.0)', 'stale']);
    const path = explorer.answer(5, 'walk', {
      device: 0,
      address: names.pages.get('P')! * 4096,
      write: false,
    })!;
    expect(path.boxes.map(({ title }) => title)).toEqual(['nic', 'context cache', 'IOTLB', 'memory']);
    expect(path.tables!.boxes.map(({ title, state }) => `${title} ${state}`)).toEqual([
      'VT-d passed',
      'root entry passed',
      'context entry ended',
    ]);
    expect(path.tables!.same).toBe(false);
  });
});
