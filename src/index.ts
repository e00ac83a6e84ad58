/**
 * dommu: how a hypervisor of Xen's kind gives devices access to memory, as an executable specification. This is the
 * package's public face; every module is also importable by its path, `dommu/store/store`, `dommu/formats/vtd`, ….
 */

export type { Model, Property, SearchableState } from './check/model.js';
export type { Bounds, SearchResult } from './check/result.js';
export { search } from './check/search.js';
export { type RadixFormat, Walker, WalkStatus } from './formats/radix.js';
export { walkAll } from './formats/walk-all.js';
export { type Affected, affectedBy } from './program/affected.js';
export { programOfConfigs } from './program/configs-program.js';
export { loadProgram } from './program/load.js';
export { printProgram } from './program/print.js';
export type { Program } from './program/program.js';
export { Run, type RunResult, runProgram } from './program/runner.js';
export { type VerifyBounds, type VerifyResult, verifyProgram } from './program/verify.js';
export { verifyThreads } from './program/verify-threads.js';
export { Store } from './store/store.js';
export { resolvePassthrough } from './toolstack/passthrough.js';
export { BEHAVIOURS, type Profile } from './xen/editions/behaviours.js';
export { type Edition, resolveEdition } from './xen/editions/edition.js';
export { INVARIANTS, type Invariant } from './xen/invariants.js';
export { permittedRights } from './xen/rule.js';
export { Xen } from './xen/state.js';
