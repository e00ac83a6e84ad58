import { noteComplaint } from '../machine-facts.js';
import type { Also } from './said.js';

/** Notes the line as a complaint about the firmware, for the causes of faults. */
export const tableComplaint: Also = (line, _, facts) => {
  noteComplaint(facts, line);
  return undefined;
};
