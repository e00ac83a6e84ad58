/**
 * Steps of a hypercall that can be preempted, by name. Each runs atomically and names the next; which one comes next
 * stands in the table `call`. (Assigning a device where contexts are built late, dossier §1.3.)
 */
export const Step = {
  /** No hypercall is under way. */
  none: 0,
  /** The domctl from its start, all checks included: where a continuation resumes. */
  domctl: 1,
  /** Take the head of the page list. */
  pop: 2,
  /** Map it. */
  map: 3,
  /** Look at its type again. */
  recheck: 4,
  /** It was not writable: unmapped, look once more. */
  reread: 5,
  /** Put it on the list of pages seen. */
  append: 6,
  /** All pages seen. */
  complete: 7,
  /** The vendor's part. */
  assign: 8,
} as const;

/** Names of the steps by number. */
export const STEP_NAMES: readonly string[] = Object.keys(Step);

/** The steps that do something. */
export type StepName = Exclude<keyof typeof Step, 'none'>;

/** The domain whose hypercalls manage the others: dom0, where the toolstack runs. */
export const TOOLSTACK = 0;
