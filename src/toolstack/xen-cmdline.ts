import type { Diagnostic } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import type { Host } from './host.js';
export type IommuVendor = 'vtd' | 'amdvi' | 'smmu' | 'none';
export interface XenCommandLine {
  readonly diagnostics: readonly Diagnostic[];
}
export function vendorOf(host: Host): IommuVendor {
  return host.iommu === 'unknown' ? 'vtd' : host.iommu;
}
export function parseXenCommandLine(_t: SourceText, _c: object): XenCommandLine {
  return { diagnostics: [] };
}
export function applyCommandLine(host: Host, _c: XenCommandLine): Host {
  return host;
}
