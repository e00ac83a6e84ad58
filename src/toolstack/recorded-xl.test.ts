import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { loadDomainConfig } from './domain-config.js';
import { describeHost } from './host.js';
import { resolvePassthrough } from './passthrough.js';
import { parseRelease } from './release.js';

/**
 * What the real xl of Xen 4.17.7 said to `xl create -p`, under QEMU: IOMMU, type, passthrough=, whether pci= lists a
 * device, the exit code of xl, and the first error of xl or libxl.
 */
const RECORDED = `
  vtd    pv   unset     -    rc=0
  vtd    pv   unset     pci  rc=0
  vtd    pv   disabled  -    rc=0
  vtd    pv   disabled  pci  rc=6  passthrough disabled but devices are specified
  vtd    pv   enabled   -    rc=0
  vtd    pv   enabled   pci  rc=0
  vtd    pv   sync_pt   -    rc=0
  vtd    pv   sync_pt   pci  rc=0
  vtd    pv   share_pt  -    rc=6  passthrough="share_pt" not valid for PV domain
  vtd    pv   share_pt  pci  rc=6  passthrough="share_pt" not valid for PV domain
  vtd    pv   bogus     -    rc=1  unknown passthrough option 'bogus'
  vtd    pv   bogus     pci  rc=1  unknown passthrough option 'bogus'
  none   pv   unset     -    rc=0
  none   pv   unset     pci  rc=6  passthrough not supported on this platform
  none   pv   disabled  -    rc=0
  none   pv   disabled  pci  rc=6  passthrough disabled but devices are specified
  none   pv   enabled   -    rc=6  passthrough not supported on this platform
  none   pv   enabled   pci  rc=6  passthrough not supported on this platform
  none   pv   sync_pt   -    rc=6  passthrough not supported on this platform
  none   pv   sync_pt   pci  rc=6  passthrough not supported on this platform
  vtd    pvh  unset     -    rc=0
  vtd    pvh  unset     pci  rc=6  passthrough not yet supported for x86 PVH guests
  vtd    pvh  disabled  -    rc=0
  vtd    pvh  disabled  pci  rc=6  passthrough disabled but devices are specified
  vtd    pvh  enabled   -    rc=6  passthrough not yet supported for x86 PVH guests
  vtd    pvh  enabled   pci  rc=6  passthrough not yet supported for x86 PVH guests
  vtd    pvh  sync_pt   -    rc=6  passthrough not yet supported for x86 PVH guests
  vtd    pvh  sync_pt   pci  rc=6  passthrough not yet supported for x86 PVH guests
  vtd    pvh  share_pt  -    rc=6  passthrough not yet supported for x86 PVH guests
  vtd    pvh  share_pt  pci  rc=6  passthrough not yet supported for x86 PVH guests
  vtd    hvm  unset     -    rc=0
  vtd    hvm  unset     pci  rc=0
  vtd    hvm  disabled  -    rc=0
  vtd    hvm  disabled  pci  rc=6  passthrough disabled but devices are specified
  vtd    hvm  enabled   -    rc=0
  vtd    hvm  enabled   pci  rc=0
  vtd    hvm  sync_pt   -    rc=0
  vtd    hvm  sync_pt   pci  rc=0
  vtd    hvm  share_pt  -    rc=0
  vtd    hvm  share_pt  pci  rc=0
  amdvi  hvm  unset     -    rc=0
  amdvi  hvm  enabled   -    rc=0
  amdvi  hvm  sync_pt   -    rc=0
  amdvi  hvm  share_pt  -    rc=6  passthrough="share_pt" not supported on this platform
`;

const rows = RECORDED.trim()
  .split('\n')
  .map((line) => {
    const [, iommu, type, passthrough, pci, rc, message] =
      /^ *(\S+) +(\S+) +(\S+) +(\S+) +rc=(\d) *(.*)$/.exec(line) as unknown as string[];
    return {
      iommu: iommu!,
      type: type!,
      passthrough: passthrough!,
      pci: pci!,
      rc: Number(rc),
      message: message!,
    };
  });

describe('what the real xl 4.17.7 said', () => {
  it.each(rows)('$iommu, $type, passthrough $passthrough, $pci: rc=$rc $message', (row) => {
    const release = parseRelease('4.17.7');
    const text = [
      `name="t"; kernel="/k"; type="${row.type}"`,
      row.passthrough === 'unset' ? '' : `passthrough="${row.passthrough}"`,
      row.pci === 'pci' ? "pci=['00:04.0']" : '',
    ].join('\n');
    const source = new SourceText('t.cfg', `${text}\n`);
    const { config, diagnostics } = loadDomainConfig(source, release);
    const { diagnostics: findings } = resolvePassthrough(config, describeHost({ iommu: row.iommu }), release);
    const errors = [...diagnostics, ...findings].filter(({ severity }) => severity === 'error');
    expect(errors[0]?.message ?? '').toBe(row.message);
    // xl itself exits with 1, libxl's refusal makes it exit with 6.
    expect(row.rc).toBe(errors.length === 0 ? 0 : diagnostics.length > 0 ? 1 : 6);
  });
});
