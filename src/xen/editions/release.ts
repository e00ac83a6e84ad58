/** A release 4.`minor`.`point` of Xen. */
export interface Release {
  readonly minor: number;
  readonly point: number;
}

/** The last point release of each branch, by minor version, as tagged in the public repository. */
const LAST_POINT: Readonly<Record<number, number>> = {
  11: 4,
  12: 4,
  13: 5,
  14: 6,
  15: 7,
  16: 7,
  17: 7,
  18: 6,
  19: 6,
  20: 4,
  21: 2,
  22: 0,
};

/** Every release this project knows, oldest first. */
export const RELEASES: readonly Release[] = Object.entries(LAST_POINT).flatMap(([minor, last]) =>
  Array.from({ length: last + 1 }, (_, point) => ({ minor: Number(minor), point })),
);

/** The release named by `4.13`, `4.13.2`, `Xen 4.13.2` or `RELEASE-4.13.2`, or undefined; `4.13` means 4.13.0. */
export function parseRelease(text: string): Release | undefined {
  const match = /^(?:RELEASE-|xen[- ]?)?4\.(\d{1,2})(?:\.(\d{1,2}))?$/i.exec(text.trim());
  if (match === null) return undefined;
  const release = { minor: Number(match[1]), point: Number(match[2] ?? 0) };
  // 4.23 is the development tree after 4.22: changes that no release has yet are filed under it.
  const last = release.minor === 23 ? 0 : LAST_POINT[release.minor];
  return last !== undefined && release.point <= last ? release : undefined;
}

/** `4.13.2`; an x.y.0 is called `4.13`, but for 4.11.0, whose later point releases differ so much in substance. */
export function releaseName({ minor, point }: Release): string {
  return point === 0 && minor !== 11 ? `4.${minor}` : `4.${minor}.${point}`;
}

export function compareReleases(a: Release, b: Release): number {
  return a.minor - b.minor || a.point - b.point;
}
