import { describe, expect, it } from 'vitest';
import { refusal } from './parse.fixture.js';

/** Cases with a name that a report can show. */
const named = (cases: readonly (readonly [text: string, start: string])[]) =>
  cases.map(([text, start]) => ({ text, start, shown: JSON.stringify(text.slice(0, 80)) }));

describe('a program that cannot be used', () => {
  it.each(
    named([
      // Statements
      [
        'mark a\n populat_physmap dom0 P',
        '2:2+15 unknown-operation: unknown statement `populat_physmap` (did you mean `populate_physmap`?)',
      ],
      ['foo', '1:1+3 unknown-operation: unknown statement `foo` (expected one of: createdomain, '],
      ['"mark" a', '1:1+6 unknown-operation: unknown statement `mark`'],
      [
        'mark a\nram 0x1..0x2',
        '2:1+3 late-declaration: `ram` declares a part of the machine, and an operation stands before it (declarations come first; the first operation is on line 1)',
      ],
      ['repeat 2\nend\nxen 4.12', '3:1+3 late-declaration'],
      ['machine x86\nmachine x86', '2:1+7 duplicate-declaration: `machine` is declared already on line 1'],
      [
        'limits grants=1\nlimits grants=2',
        '2:15+1 duplicate-declaration: limit `grants` is declared already',
      ],
      ['expect ok', '1:1+6 stray-expectation: `expect` needs an operation just before it'],
      ['xen 4.12\nexpect ok', '2:1+6 stray-expectation'],
      ['repeat 2\nexpect ok\nend', '2:1+6 stray-expectation'],
      ['repeat 2\nmark a\nend\nexpect ok', '4:1+6 stray-expectation'],
      ['repeat forever\nexpect livelock\nend', '2:1+6 stray-expectation'],
      ['repeat forever\nstep\nend\nexpect ok', '4:8+2 bad-expectation: `repeat forever` never comes to that'],
      ['repeat forever\nstep\nend\nexpect violation I2', '4:18+2 bad-expectation'],
      ['end', '1:1+3 stray-end: `end` without a `repeat`'],
      ['repeat 2\nend 2', '2:5+1 stray-end: `end` stands alone on its line'],
      ['repeat 2\nrepeat 3\nend', '1:1+6 unterminated-repeat: this `repeat` has no `end`'],
      ['repeat', '1:1+6 bad-repeat: `repeat` takes a number of times, or `forever`'],
      ['repeat often\nend', '1:8+5 bad-repeat'],
      ['repeat "forever"\nend', '1:8+9 bad-repeat'],
      ['repeat 2 3\nend', '1:10+1 bad-repeat'],
      ['repeat 0\nend', '1:8+1 bad-repeat: repeat at least once'],
      [
        'repeat 2\n'.repeat(33) + 'end\n'.repeat(33),
        '33:1+6 nested-too-deeply: blocks are nested more than 32 deep',
      ],
      // Text
      ['mark "a', '1:6+2 unterminated-string: the string has no closing quote on its line'],
      ['mark a\nexpect fault "a\\q"', '2:14+5 bad-string'],
      ['mark\u00a0a', '1:5+1 stray-character: unexpected character U+00a0'],
      // Arguments
      [
        'createdomain',
        '1:1+12 too-few-arguments: `createdomain` lacks DOMAIN (its name in this program) (usage: createdomain DOMAIN',
      ],
      ['update_va_mapping dom0', '1:1+17 too-few-arguments: `update_va_mapping` lacks va='],
      ['mark a b', '1:8+1 too-many-arguments: `mark` takes no more arguments, found `b` (usage: mark NAME)'],
      [
        'createdomain g hvm happ',
        '1:20+4 unknown-flag: `createdomain` has no flag `happ`; did you mean `hap`?',
      ],
      ['createdomain g hvm hvm', '1:20+3 duplicate-flag: flag `hvm` is given twice'],
      [
        'createdomain g max_page=3',
        '1:16+8 unknown-key: `createdomain` has no `max_page=`; did you mean `max_pages`?',
      ],
      ['mark a=3', '1:6+1 unknown-key: `mark` has no `a=`; it takes none'],
      ['createdomain g domid=1 domid=1', '1:24+7 duplicate-key: `domid=` is given twice'],
      [
        'createdomain g domid=',
        '1:22+1 bad-argument: expected a number, decimal or 0x hexadecimal, below 2^53; found nothing',
      ],
      ['createdomain g domid=0x', '1:22+2 bad-argument: expected a number'],
      ['createdomain g domid=010', '1:22+3 bad-argument: expected a number'],
      ['createdomain g domid=-1', '1:22+2 bad-argument: expected a number'],
      ['createdomain g domid=9007199254740992', '1:22+16 bad-argument: expected a number'],
      ['createdomain 3g', '1:14+2 bad-argument: expected a name for the domain'],
      [
        'mark "a"',
        '1:6+3 bad-argument: expected a name for the mark: letters, digits, _ and -; found a string',
      ],
      ['mmu_update dom0 T[3 P', '1:17+3 bad-argument: expected an entry of a page table: PAGE[INDEX]'],
      ['mmu_update dom0 T[512]', '1:17+6 bad-argument: expected an entry of a page table'],
      ['dma nic reed P', '1:9+4 unknown-word: ACCESS (the direction) cannot be `reed`; did you mean `read`?'],
      [
        'device d 00:00.0\ndma d read 0x100+0x1000',
        '2:12+12 bad-argument: expected an address: PAGE+OFFSET with an offset below 0x1000',
      ],
      // Names
      [
        'populate_physmap gues P',
        '1:18+4 unknown-domain: unknown domain `gues` (expected one of: dom0, dom_io, dom_invalid (domains come from `createdomain` and `config`))',
      ],
      [
        'createdomain guest\npopulate_physmap gues P',
        '2:18+4 unknown-domain: unknown domain `gues` (did you mean `guest`?',
      ],
      ['createdomain dom0', '1:14+4 duplicate-domain: there is a domain `dom0` already, from the start'],
      [
        'config g "a"\ncreatedomain g',
        '2:14+1 duplicate-domain: there is a domain `g` already, since line 1',
      ],
      ['config dom0 "a"', '1:8+4 duplicate-domain'],
      [
        'checks P',
        '1:8+1 unknown-page: unknown page `P` (none so far; pages get their names in `populate_physmap`)',
      ],
      ['mmu_update dom0 T[1]', '1:17+4 unknown-page: unknown page `T`'],
      [
        'populate_physmap dom0 P\npopulate_physmap dom0 P',
        '2:23+1 duplicate-page: there is a page `P` already, since line 1',
      ],
      ['unmap_grant_ref dom0 h', '1:22+1 unknown-handle: unknown handle `h`'],
      ['same_state a', '1:12+1 unknown-mark: unknown mark `a`'],
      ['mark a\nmark a', '2:6+1 duplicate-mark'],
      [
        'dma nic read 0',
        '1:5+3 unknown-device: unknown device `nic` (none so far; devices come from `device`)',
      ],
      ['device d 00:00.0\ndma d read P+0x10', '2:12+6 unknown-page: unknown page `P`'],
      ['mark a\nexpect violation I40', '2:18+3 unknown-invariant: unknown invariant `I40` '],
      // Frames
      [
        'ram 0x100..0x10f\nram 0x200..0x20f\nchecks 0x1ff',
        '3:8+5 frame-beyond-machine: frame 0x1ff is beyond the machine’s memory (ram 0x100..0x10f, 0x200..0x20f; xen-heap 0x10..0x4f)',
      ],
      ['populate_physmap dom0 0x10', '1:23+4 frame-beyond-machine'],
      ['store dom0 0x200[1]', '1:12+8 frame-beyond-machine'],
      // The machine
      ['xen 4.99', '1:5+4 unknown-release: unknown '],
      ['xen up-fron', '1:5+7 unknown-release: unknown '],
      ['machine mips', '1:9+4 unknown-word: ARCH (architecture) cannot be `mips`; expected one of: x86, arm'],
      [
        'ram 0x100',
        '1:5+5 bad-argument: expected frames from first to last, such as 0x100..0x10f; found `0x100`',
      ],
      ['ram 0x10f..0x100', '1:5+12 bad-argument: expected frames from first to last'],
      [
        'ram 0x100..0x10f\nram 0x10f..0x110',
        '2:5+12 overlapping-ram: ram 0x10f..0x110 overlaps ram 0x100..0x10f',
      ],
      ['ram 0x40..0x60', '1:5+10 overlapping-ram: ram 0x40..0x60 overlaps xen-heap 0x10..0x4f'],
      ['xen-heap 0x13f..0x140', '1:10+12 overlapping-ram: xen-heap 0x13f..0x140 overlaps ram 0x100..0x13f'],
      ['ram 0x0..0xffffffffff', '1:5+17 frame-too-large'],
      ['ram 0x100..0xffffffff', '1:5+17 too-much-ram'],
      ['reserved 0x0..0xffffffffff d', '1:10+17 frame-too-large'],
      ['e820 0x100..0x101 reserved', '1:6+12 overlapping-regions: this region overlaps 0x100..0x13f'],
      [
        'e820 0xe0..0xef hole\ne820 0xe8..0xf0 hole',
        '2:6+10 overlapping-regions: this region overlaps 0xe0..0xef',
      ],
      ['e820 0x20000..0x30000 hole', '1:6+16 too-many-frames'],
      ['machine arm\ne820 0xe0..0xe0 hole', '2:17+4 wrong-arch: only x86 has a memory map of this kind'],
      ['machine arm\ndom0 no-map-reserved', '2:6+15 wrong-arch: map-inclusive and map-reserved are for x86'],
      ['iommu vtdd', '1:7+4 unknown-word: KIND (what it is) cannot be `vtdd`; did you mean `vtd`?'],
      ['iommu vtd no-share', '1:11+8 bad-argument: expected a device-tree path'],
      [
        'iommu smmu',
        '1:7+4 wrong-iommu: a machine of x86 has no IOMMU `smmu` (expected one of: vtd, amdvi, none)',
      ],
      [
        'machine arm\niommu amdvi',
        '2:7+5 wrong-iommu: a machine of arm has no IOMMU `amdvi` (expected one of: smmu, smmuv3, none)',
      ],
      [
        'iommu amdvi\nxen-heap 0x10..0x4f\ndevice nic 0000:c1:00.0',
        '2:10+10 too-little-ram: the device table of these devices takes 512 frames of xen-heap, which has 64',
      ],
      ['iommu vtd /smmu@1', '1:7+3 wrong-iommu: only an SMMU has a path, only an SMMUv2 s1cbndx, not `vtd`'],
      ['machine arm\niommu smmu s1cbndx=256', '2:20+3 number-too-large: s1cbndx 256 is above 255'],
      ['dom0 pages=65', '1:12+2 too-little-ram: dom0 cannot have 65 pages: ram has 64'],
      ['dom0 pages=1 tables=2', '1:21+1 wrong-dom0: dom0 cannot have 2 tables among 1 pages'],
      ['machine arm\ndom0 tables=1', '2:13+1 wrong-dom0'],
      [
        'device nic 0b::00.1',
        '1:12+8 bad-argument: expected a PCI address [0000:]BB:DD.F in hexadecimal, such as 0000:03:00.0, or a device-tree path',
      ],
      ['device nic 0001:03:00.0', '1:12+12 bad-argument: expected a PCI address'],
      [
        'device nic /nic stream=1',
        '1:12+4 wrong-device: a device of a machine of x86 has a PCI address (such as 0000:03:00.0)',
      ],
      [
        'machine arm\ndevice nic 03:00.0',
        '2:12+7 wrong-device: a device of a machine of arm has a device-tree path',
      ],
      [
        'machine arm\ndevice nic /nic',
        '2:12+4 wrong-device: a device of the device tree needs its stream id (add stream=N, or `unprotected`)',
      ],
      ['device nic 03:00.0 stream=1', '1:27+1 wrong-device: a PCI device has no stream id'],
      ['machine arm\ndevice nic /nic stream=0x10000', '2:24+7 number-too-large'],
      ['device a 03:00.0\ndevice a 03:00.1', '2:8+1 duplicate-device: there is a device `a` already'],
      [
        'device a 03:00.0\ndevice b 0000:03:00.0',
        '2:10+12 duplicate-device: 0000:03:00.0 is that of device `a`',
      ],
      [
        'machine arm\ndevice a /a stream=1\ndevice b /b stream=1',
        '3:20+1 duplicate-device: stream 0x1 is that of device `a`',
      ],
      [
        'reserved 0x80..0x81 nic',
        '1:21+3 unknown-device: unknown device `nic` (the machine has no devices; add `device`)',
      ],
      [
        'device nic 03:00.0\nreserved 0x80..0x81 nik',
        '2:21+3 unknown-device: unknown device `nik` (did you mean `nic`?)',
      ],
      [
        'limits foo=3',
        '1:8+3 unknown-key: `limits` has no `foo=`; expected one of: domains, grants, handles, va_slots, iotlb, cpu_tlb, calls, context_cache, gfns, grant_frames',
      ],
      [
        'limits context_cache=6',
        '1:22+1 bad-limit: limit `context_cache` is a power of two, found 6 (try 4)',
      ],
      // Reserved regions
      [
        'device n 03:00.0\nreserved 0x100..0x101 n',
        '2:10+12 overlapping-ram: region 0x100..0x101 overlaps ram 0x100..0x13f: domains, one or several, are given what firmware keeps',
      ],
      [
        'device n 03:00.0\nreserved 0xf..0x10 n',
        '2:10+9 overlapping-ram: region 0xf..0x10 overlaps xen-heap 0x10..0x4f: firmware and Xen cannot both have it',
      ],
      [
        'device n 03:00.0\nreserved 0x80..0x81 n\nreserved 0x81..0x82 n',
        '3:10+10 duplicate-region: region 0x81..0x82 overlaps 0x80..0x81, which is `n`’s already',
      ],
      [
        'device n 03:00.0\ndevice m 04:00.0\nreserved 0x80..0x80 n\nreserved 0x80..0x80 m also=n',
        '4:10+10 duplicate-region: region 0x80..0x80 overlaps 0x80..0x80, which is `n`’s already',
      ],
      [
        'device n 03:00.0\nunit a levels=3\nreserved 0x7ffffff..0x8000000 n',
        '3:10+20 frame-too-large: unit `a`, which `n` is behind, translates addresses of 39 bits: frame 0x8000000 is beyond',
      ],
      [
        'machine arm\ndevice n /n stream=1\nreserved 0x80..0x81 n',
        '3:21+1 wrong-iommu: reserved regions are told of by ACPI (RMRR, IVMD): not on arm',
      ],
      // Units
      ['unit a\nunit a devices=n', '2:6+1 duplicate-unit: there is a unit `a` already'],
      [
        'unit a\nunit b',
        '2:1+4 claimed-twice: unit `a` already has all devices that no other unit has (say which with devices=)',
      ],
      [
        'device n 03:00.0\nunit a devices=n\nunit b devices=n',
        '3:16+1 claimed-twice: device `n` is behind unit `a` already',
      ],
      ['device n 03:00.0\nunit a devices=n,n', '2:16+3 claimed-twice: device `n` is behind unit `a` already'],
      [
        'device nic 03:00.0\nunit a devices=nik',
        '2:16+3 unknown-device: unknown device `nik` (did you mean `nic`?)',
      ],
      [
        'unit a devices=nic',
        '1:16+3 unknown-device: unknown device `nic` (the machine has no devices; add `device`)',
      ],
      ['unit a devices=,', '1:16+1 bad-argument: expected names with commas between, such as nic,disk'],
      [
        'machine arm\nunit a',
        '2:6+1 wrong-unit: unit `a` cannot be: a VT-d or AMD-Vi unit stands in no machine of arm',
      ],
      ['iommu none\nunit a', '2:6+1 wrong-unit: unit `a` cannot be: the machine has `iommu none`'],
      ['iommu amdvi\nunit a mamv=9', '2:13+1 wrong-unit: only a VT-d unit has `mamv`'],
      ['iommu amdvi\nunit a caching-mode', '2:8+12 wrong-unit: only a VT-d unit has `flags`'],
      [
        'unit a domain_ids=17',
        '1:19+2 bad-unit: a VT-d unit does not tell 17 domain ids apart (expected one of: 16, 64, 256, 1024, 4096, 16384, 65536)',
      ],
      ['unit a levels=5', '1:15+1 bad-unit: `levels` is from 3 to 4, found 5'],
      ['unit a superpages=0', '1:19+1 bad-unit: `superpages` is from 1 to 3, found 0'],
      ['unit a mamv=64', '1:13+2 bad-unit: `mamv` is from 0 to 63, found 64'],
      ['device n 03:00.0 alias=03:00.1', '1:24+7 wrong-device: only AMD-Vi’s firmware tells of aliases'],
      [
        'iommu amdvi\ndevice n 03:00.0 alias=03:00.0',
        '2:24+7 wrong-device: 0000:03:00.0 is the device’s own address',
      ],
      [
        'iommu amdvi\ndevice a 03:00.0 alias=04:00.0\ndevice b 04:00.0 alias=05:00.0',
        '2:24+7 wrong-device: device `b`, the alias of `a`, has an alias itself',
      ],
      ['limits iotlb=3', '1:14+1 bad-limit: limit `iotlb` is a power of two, found 3 (try 2)'],
      ['limits domains=0', '1:16+1 bad-limit: limit `domains` is from 1 to 64, found 0'],
      // Expectations
      ['mark a\nexpect', '2:1+6 empty-expectation'],
      [
        'mark a\nexpect fault s',
        '2:14+1 bad-expectation: `expect fault` needs a text in quotes (usage: expect fault ["TEXT"])',
      ],
      ['mark a\nexpect change', '2:8+6 bad-expectation: `expect change` needs a text in quotes'],
      [
        'mark a\nexpect violation',
        '2:8+9 bad-expectation: `expect violation` needs the name of an invariant',
      ],
      ['mark a\nexpect fault "a" "b"', '2:18+3 bad-expectation: found `b` after the end'],
      [
        'mark a\nexpect fualt "a"',
        '2:8+5 bad-expectation: `fualt` is no kind of expectation that a text can follow',
      ],
    ]),
  )('$shown is refused with its place and what would be right', ({ text, start }) => {
    expect(refusal(text).slice(0, start.length)).toBe(start);
  });

  it('names no monster: words and lists in messages are cut short', () => {
    const marks = Array.from({ length: 1000 }, (_, i) => `mark m${i}`).join('\n');
    expect(refusal(`${marks}\nsame_state ${'x'.repeat(1e6)}`).length).toBeLessThan(600);
  });
});
