/**
 * Address types of the field. They are plain numbers at run time and distinct types to the compiler, so that
 * an MFN never slips in where a GFN or a DFN is meant. (Dossier §0.)
 */

/** Host (machine) frame number. */
export type Mfn = number & { readonly __frame: 'mfn' };
/** Guest-physical frame number. */
export type Gfn = number & { readonly __frame: 'gfn' };
/** Frame number as a device sees it: the MFN for PV domains, the GFN for translated ones. */
export type Dfn = number & { readonly __frame: 'dfn' };

export const mfn = (n: number): Mfn => n as Mfn;
export const gfn = (n: number): Gfn => n as Gfn;
export const dfn = (n: number): Dfn => n as Dfn;

/** Bytes in a frame. */
export const PAGE_SIZE = 4096;

/** Access rights as a bit set; every format's permissions are translated to these. */
export const R = 1;
export const W = 2;
export const X = 4;
export type Rights = number;

/** `r-`, `rw`, `-w` or `--`: read and write rights as fault dumps and Xen's debug keys print them. */
export function rightsText(rights: Rights): string {
  return `${rights & R ? 'r' : '-'}${rights & W ? 'w' : '-'}`;
}
