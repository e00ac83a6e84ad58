import { expect, it } from 'vitest';
import { editionOfVersion } from './release-of-log.js';

it.each([
  ['4.17.3', '4.17.3'],
  ['4.17.3-pre', '4.17.3'],
  ['4.13.5-9.40.1', '4.13.5'],
  ['4.19.0', '4.19'],
  ['4.21-unstable', '4.21'],
  ['4.22.0-rc2', '4.22'],
  ['4.11.99', '4.11.4'],
  ['4.23-unstable', 'staging'],
  ['4.6.5', undefined],
  ['5.0', undefined],
  ['', undefined],
])('a Xen that calls itself %s behaves as edition %s', (version, edition) => {
  expect(editionOfVersion(version)?.name).toBe(edition);
});
